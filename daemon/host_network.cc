// SPDX-License-Identifier: Apache-2.0

#include "daemon/host_network.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "core/log/log.h"
#include "tun/netlink.h"
#include "tun/socket_stamp.h"
#include "tun/stamp_program.h"
#include "tun/tun_device.h"

namespace postern {
namespace {

IpPrefix EverythingOf(IpFamily family) {
  constexpr std::array<std::uint8_t, 16> kUnspecified{};
  return {
      IpAddress::FromOctets(ConstBytes(kUnspecified).first(BitsOf(family) / 8)),
      0};
}

Result<NetworkNamespace> OpenInside(const NetworkConfig& config) {
  return config.namespace_name ? NetworkNamespace::OpenOrCreateNamed(
                                     *config.namespace_name, config.tun.name)
                               : NetworkNamespace::Create();
}

// A named namespace may still know an address or a route of its former life.
Status UnlessThere(Status status) {
  const bool there = !status.ok() && status.error().code == ErrorCode::kExists;
  return there ? Ok() : status;
}

Status StampPackets(const NetworkNamespace& inside, const TunQueues& tun) {
  const Result<SocketStamp> stamp = SocketStamp::Create();
  if (!stamp.ok()) {
    return stamp.error();
  }
  Status attached = AttachStampProgram(inside, tun.front()->index(), *stamp);
  for (const auto& queue : tun) {
    if (attached.ok()) {
      queue->ExpectStamps(*stamp);
    }
  }
  return attached;
}

// While the link is down, so that no packet comes before its stamp does.
Result<Ownership> ChooseOwnership(const NetworkNamespace& inside,
                                  const TunQueues& tun,
                                  std::optional<Ownership> wanted) {
  if (wanted != Ownership::kSockDiag) {
    const Status stamped = StampPackets(inside, tun);
    if (stamped.ok()) {
      return Ownership::kBpf;
    }
    if (wanted == Ownership::kBpf) {
      return stamped.error();
    }
    Log(LogLevel::kWarning, "ownership_by_sock_diag",
        {{"reason", stamped.error().message}});
  }
  DetachStampProgram(inside, tun.front()->index());
  return Ownership::kSockDiag;
}

// One line, whatever the kernel grants.
void TellOffload(TunOffload granted) {
  const bool all = granted == TunOffload::kTcpAndUdp;
  Log(all ? LogLevel::kInfo : LogLevel::kWarning, "tun_offload",
      {{"granted", std::string(NameOf(granted))}});
}

// What a router says, in whoever's name, must not set up a host that is set up by
// its configuration. An Ethernet's wire lets no such message in, but a peer could
// send it inside of ESP.
void TakeNothingFromRouters(const NetworkNamespace& inside,
                            const TunConfig& config) {
  const Status entered = inside.RunInside([&config] {
    for (const char* key : {"accept_ra", "accept_redirects"}) {
      const std::string file =
          "/proc/sys/net/ipv6/conf/" + config.name + "/" + std::string(key);
      if (std::ofstream out(file); !(out << 0) || !out.flush()) {
        Log(LogLevel::kWarning, "router_messages_are_believed",
            {{"file", file},
             {"effect", "a peer can set up the host's IPv6"},
             {"to_end_it", "let posternd write there"}});
      }
    }
  });
  static_cast<void>(entered);  // what follows enters, too, and tells
}

Status AttachInside(const NetworkNamespace& inside, const TunConfig& config) {
  if (config.Families().contains(IpFamily::kV6)) {
    TakeNothingFromRouters(inside, config);
  }
  Result<Netlink> netlink = Netlink::OpenInside(inside);
  if (!netlink.ok()) {
    return netlink.error();
  }
  for (const OwnAddress& own : config.addresses) {
    if (Status added = UnlessThere(netlink->AddAddress(
            config.name,
            {.address = own.address, .prefix_length = own.prefix_length}));
        !added.ok()) {
      return added;
    }
  }
  if (Status up = netlink->SetState(config.name, LinkState::kUp); !up.ok()) {
    return up;
  }
  for (const IpFamily family : config.Families()) {
    if (Status routed = UnlessThere(netlink->AddRoute(
            {.prefix = EverythingOf(family), .link = config.name}));
        !routed.ok()) {
      return routed;
    }
  }
  for (const OwnAddress& own : config.addresses) {
    if (Status taken = netlink->AwaitLocal(own.address); !taken.ok()) {
      return taken;
    }
  }
  return Ok();
}

// What only the wire itself could tell.
Result<NetworkConfig> WithMtus(NetworkConfig config, const PacketPort& wire) {
  const std::size_t carried = wire.mtu();
  config.wire.mtu_octets = carried;
  if (!config.tun.mtu_octets) {
    config.tun.mtu_octets = TunMtuOver(carried);
  } else if (*config.tun.mtu_octets > std::max(carried, kLeastMtu)) {
    return Invalid("[tun] mtu is " + std::to_string(*config.tun.mtu_octets) +
                   ", and the wire carries packets of " +
                   std::to_string(carried) +
                   " octets: leave the key out, or make it smaller.");
  }
  return config;
}

}  // namespace

Result<std::unique_ptr<HostNetwork>> HostNetwork::Create(NetworkConfig wanted) {
  Result<NetworkNamespace> inside = OpenInside(wanted);
  if (!inside.ok()) {
    return inside.error();
  }
  const Steering steering = LoadSteering(wanted.pairs);
  wanted.pairs = steering ? wanted.pairs : 1;
  Result<WirePorts> wire = CreateWirePorts(wanted, steering);
  if (!wire.ok()) {
    return wire.error();
  }
  const Result<NetworkConfig> became = WithMtus(wanted, *wire->front());
  if (!became.ok()) {
    return became.error();
  }
  const NetworkConfig& config = *became;
  Result<TunQueues> tun = CreateTunQueues(*inside,
                                          {.name = config.tun.name,
                                           .mtu_octets = *config.tun.mtu_octets,
                                           .framing = config.tun.framing},
                                          steering, config.pairs);
  if (!tun.ok()) {
    return tun.error();
  }
  if (config.tun.framing == TunFraming::kVnetHeader) {
    TellOffload(tun->front()->offload());
  }
  const Result<Ownership> ownership =
      ChooseOwnership(*inside, *tun, config.ownership);
  if (!ownership.ok()) {
    return ownership.error();
  }
  if (Status attached = AttachInside(*inside, config.tun); !attached.ok()) {
    return attached.error();
  }
  if (Status attached = AttachWire(config); !attached.ok()) {
    return attached.error();
  }
  return std::unique_ptr<HostNetwork>(
      new HostNetwork(config, std::move(*inside), std::move(*tun), *ownership,
                      std::move(*wire)));
}

HostNetwork::HostNetwork(NetworkConfig config, NetworkNamespace inside,
                         TunQueues tun, Ownership ownership, WirePorts wire)
    : config_(std::move(config)),
      inside_(std::move(inside)),
      tun_(std::move(tun)),
      ownership_(ownership),
      wire_(std::move(wire)) {}

}  // namespace postern
