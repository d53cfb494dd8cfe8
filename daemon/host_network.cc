// SPDX-License-Identifier: Apache-2.0

#include "daemon/host_network.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "core/log/log.h"
#include "tun/netlink.h"
#include "tun/socket_stamp.h"
#include "tun/stamp_program.h"
#include "tun/tun_device.h"
#include "wire/fault_injector.h"
#include "wire/pcap_recorder.h"
#include "wire/tun_wire.h"
#include "wire/udp_wire.h"

namespace postern {
namespace {

IpPrefix EverythingOf(IpFamily family) {
  constexpr std::array<std::uint8_t, 16> kUnspecified{};
  return {
      IpAddress::FromOctets(ConstBytes(kUnspecified).first(BitsOf(family) / 8)),
      0};
}

std::set<IpFamily> FamiliesOf(const TunConfig& config) {
  std::set<IpFamily> families;
  for (const OwnAddress& own : config.addresses) {
    families.insert(own.address.family());
  }
  return families;
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

Status StampPackets(const NetworkNamespace& inside, TunDevice& tun) {
  const Result<SocketStamp> stamp = SocketStamp::Create();
  if (!stamp.ok()) {
    return stamp.error();
  }
  Status attached = AttachStampProgram(inside, tun.index(), *stamp);
  if (attached.ok()) {
    tun.ExpectStamps(*stamp);
  }
  return attached;
}

// While the link is down, so that no packet comes before its stamp does.
Result<Ownership> ChooseOwnership(const NetworkNamespace& inside,
                                  TunDevice& tun,
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
  DetachStampProgram(inside, tun.index());
  return Ownership::kSockDiag;
}

// One line, whatever the kernel grants.
void TellOffload(TunOffload granted) {
  const bool all = granted == TunOffload::kTcpAndUdp;
  Log(all ? LogLevel::kInfo : LogLevel::kWarning, "tun_offload",
      {{"granted", std::string(NameOf(granted))}});
}

Status AttachInside(const NetworkNamespace& inside, const TunConfig& config) {
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
  for (const IpFamily family : FamiliesOf(config)) {
    if (Status routed = UnlessThere(netlink->AddRoute(
            {.prefix = EverythingOf(family), .link = config.name}));
        !routed.ok()) {
      return routed;
    }
  }
  return Ok();
}

// Outside, the host's addresses are routed to its wire.
Status AttachOutside(const WireConfig& wire, const TunConfig& tun) {
  Result<Netlink> netlink = Netlink::Open();
  if (!netlink.ok()) {
    return netlink.error();
  }
  if (Status up = netlink->SetState(wire.name, LinkState::kUp); !up.ok()) {
    return up;
  }
  for (const OwnAddress& own : tun.addresses) {
    const IpPrefix alone(own.address, BitsOf(own.address.family()));
    if (Status routed = netlink->AddRoute({.prefix = alone, .link = wire.name});
        !routed.ok()) {
      return routed;
    }
  }
  return Ok();
}

// A peer with offload sends some 50 packets in a burst and has several under
// way; with the 500 of a TUN by default one TCP stream loses some percent.
constexpr std::size_t kWireQueuePackets = 2000;

Result<std::unique_ptr<PacketPort>> CreateTunWire(const WireConfig& config) {
  Result<NetworkNamespace> outer = NetworkNamespace::OpenCurrent();
  if (!outer.ok()) {
    return outer.error();
  }
  Result<std::unique_ptr<TunDevice>> device =
      TunDevice::Create(*outer, {.name = config.name,
                                 .mtu_octets = config.mtu_octets,
                                 .queue_packets = kWireQueuePackets});
  if (!device.ok()) {
    return device.error();
  }
  return std::unique_ptr<PacketPort>(
      std::make_unique<TunWire>(std::move(*device)));
}

Result<std::unique_ptr<PacketPort>> CreateUdpWire(const NetworkConfig& config) {
  Result<std::unique_ptr<UdpWire>> wire =
      UdpWire::Create({.listen = config.wire.listen,
                       .peers = config.wire.peers,
                       .own_addresses = config.OwnAddresses(),
                       .path_mtu_octets = config.wire.path_mtu_octets});
  if (!wire.ok()) {
    return wire.error();
  }
  return std::unique_ptr<PacketPort>(std::move(*wire));
}

Result<std::unique_ptr<PacketPort>> CreateWire(const NetworkConfig& network) {
  const WireConfig& config = network.wire;
  Result<std::unique_ptr<PacketPort>> made = config.kind == WireKind::kUdp
                                                 ? CreateUdpWire(network)
                                                 : CreateTunWire(config);
  if (!made.ok()) {
    return made.error();
  }
  std::unique_ptr<PacketPort> port = std::move(*made);
  if (config.record) {
    Result<std::unique_ptr<PcapRecorder>> recorder =
        PcapRecorder::Create(*config.record, std::move(port));
    if (!recorder.ok()) {
      return recorder.error();
    }
    port = std::move(*recorder);
  }
  // Outside of the recorder: what was dropped on purpose is not recorded.
  if (config.faults) {
    port = std::make_unique<FaultInjector>(std::move(port), *config.faults);
  }
  return port;
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

// Packets between two wires of one machine are forwarded by its kernel. That
// is the administrator's switch; we only say when it is off.
void WarnUnlessForwarding(const TunConfig& config) {
  const auto warn = [](const char* family, const char* file,
                       const char* command) {
    std::ifstream stream(file);
    char forwards = '0';
    if (!(stream >> forwards) || forwards == '0') {
      Log(LogLevel::kWarning, "forwarding_is_off",
          {{"family", family}, {"to_turn_it_on", command}});
    }
  };
  const std::set<IpFamily> families = FamiliesOf(config);
  if (families.contains(IpFamily::kV4)) {
    warn("ipv4", "/proc/sys/net/ipv4/ip_forward",
         "sysctl net.ipv4.ip_forward=1");
  }
  if (families.contains(IpFamily::kV6)) {
    warn("ipv6", "/proc/sys/net/ipv6/conf/all/forwarding",
         "sysctl net.ipv6.conf.all.forwarding=1");
  }
}

}  // namespace

Result<std::unique_ptr<HostNetwork>> HostNetwork::Create(
    const NetworkConfig& wanted) {
  Result<NetworkNamespace> inside = OpenInside(wanted);
  if (!inside.ok()) {
    return inside.error();
  }
  Result<std::unique_ptr<PacketPort>> wire = CreateWire(wanted);
  if (!wire.ok()) {
    return wire.error();
  }
  const Result<NetworkConfig> became = WithMtus(wanted, **wire);
  if (!became.ok()) {
    return became.error();
  }
  const NetworkConfig& config = *became;
  Result<std::unique_ptr<TunDevice>> tun =
      TunDevice::Create(*inside, {.name = config.tun.name,
                                  .mtu_octets = *config.tun.mtu_octets,
                                  .framing = config.tun.framing});
  if (!tun.ok()) {
    return tun.error();
  }
  if (config.tun.framing == TunFraming::kVnetHeader) {
    TellOffload((*tun)->offload());
  }
  const Result<Ownership> ownership =
      ChooseOwnership(*inside, **tun, config.ownership);
  if (!ownership.ok()) {
    return ownership.error();
  }
  if (Status attached = AttachInside(*inside, config.tun); !attached.ok()) {
    return attached.error();
  }
  if (config.wire.kind == WireKind::kTun) {
    if (Status attached = AttachOutside(config.wire, config.tun);
        !attached.ok()) {
      return attached.error();
    }
    WarnUnlessForwarding(config.tun);
  }
  return std::unique_ptr<HostNetwork>(
      new HostNetwork(config, std::move(*inside), std::move(*tun), *ownership,
                      std::move(*wire)));
}

HostNetwork::HostNetwork(NetworkConfig config, NetworkNamespace inside,
                         std::unique_ptr<TunDevice> tun, Ownership ownership,
                         std::unique_ptr<PacketPort> wire)
    : config_(std::move(config)),
      inside_(std::move(inside)),
      tun_(std::move(tun)),
      ownership_(ownership),
      wire_(std::move(wire)) {}

}  // namespace postern
