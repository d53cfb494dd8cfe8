// SPDX-License-Identifier: Apache-2.0

#include "daemon/host_network.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/log/log.h"
#include "tun/netlink.h"
#include "tun/socket_stamp.h"
#include "tun/stamp_program.h"
#include "tun/steering_program.h"
#include "tun/tun_device.h"
#include "wire/fault_injector.h"
#include "wire/pcap_recorder.h"
#include "wire/tun_wire.h"
#include "wire/udp_wire.h"

namespace postern {
namespace {

using Queues = std::vector<std::unique_ptr<TunDevice>>;  // of a TUN
using Ports = std::vector<std::unique_ptr<PacketPort>>;  // of a wire

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

Status StampPackets(const NetworkNamespace& inside, const Queues& tun) {
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
                                  const Queues& tun,
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
  for (const OwnAddress& own : config.addresses) {
    if (Status taken = netlink->AwaitLocal(own.address); !taken.ok()) {
      return taken;
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

// What keeps flows in order where there are several pairs.
using Steering = std::optional<SteeringProgram>;

Steering LoadSteering(std::size_t pairs) {
  if (pairs == 1) {
    return std::nullopt;
  }
  Result<SteeringProgram> loaded = SteeringProgram::Load();
  if (!loaded.ok()) {
    Log(LogLevel::kWarning, "one_pair_only",
        {{"reason", loaded.error().message}});
    return std::nullopt;
  }
  return std::move(*loaded);
}

// One queue without a steering program.
Result<Queues> CreateTun(const NetworkNamespace& where,
                         const TunOptions& options, const Steering& steering,
                         std::size_t pairs) {
  if (steering) {
    return TunDevice::CreateQueues(where, options, *steering, pairs);
  }
  Result<std::unique_ptr<TunDevice>> device = TunDevice::Create(where, options);
  if (!device.ok()) {
    return device.error();
  }
  Queues alone;
  alone.push_back(std::move(*device));
  return alone;
}

Result<Ports> CreateTunWire(const WireConfig& config, const Steering& steering,
                            std::size_t pairs) {
  Result<NetworkNamespace> outer = NetworkNamespace::OpenCurrent();
  if (!outer.ok()) {
    return outer.error();
  }
  Result<Queues> device = CreateTun(*outer,
                                    {.name = config.name,
                                     .mtu_octets = config.mtu_octets,
                                     .queue_packets = kWireQueuePackets},
                                    steering, pairs);
  if (!device.ok()) {
    return device.error();
  }
  Ports wire;
  for (std::unique_ptr<TunDevice>& queue : *device) {
    wire.push_back(std::make_unique<TunWire>(std::move(queue)));
  }
  return wire;
}

Result<Ports> CreateUdpWire(const NetworkConfig& config, std::size_t pairs) {
  Result<std::vector<std::unique_ptr<UdpWire>>> ports =
      UdpWire::CreateSeveral({.listen = config.wire.listen,
                              .peers = config.wire.peers,
                              .own_addresses = config.OwnAddresses(),
                              .path_mtu_octets = config.wire.path_mtu_octets},
                             pairs);
  if (!ports.ok()) {
    return ports.error();
  }
  Ports wire;
  for (std::unique_ptr<UdpWire>& port : *ports) {
    wire.push_back(std::move(port));
  }
  return wire;
}

Result<Ports> CreateWire(const NetworkConfig& network,
                         const Steering& steering) {
  const WireConfig& config = network.wire;
  Result<Ports> wire = config.kind == WireKind::kUdp
                           ? CreateUdpWire(network, network.pairs)
                           : CreateTunWire(config, steering, network.pairs);
  if (!wire.ok()) {
    return wire.error();
  }
  if (config.record) {
    const Result<std::shared_ptr<PcapWriter>> writer =
        PcapWriter::Open(*config.record);
    if (!writer.ok()) {
      return writer.error();
    }
    for (std::unique_ptr<PacketPort>& port : *wire) {
      port = std::make_unique<PcapRecorder>(*writer, std::move(port));
    }
  }
  // Outside of the recorder: what was dropped on purpose is not recorded.
  if (config.faults) {
    FaultInjector::Plan plan = *config.faults;
    for (std::unique_ptr<PacketPort>& port : *wire) {
      port = std::make_unique<FaultInjector>(std::move(port), plan);
      ++plan.seed;
    }
  }
  return wire;
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

Result<std::unique_ptr<HostNetwork>> HostNetwork::Create(NetworkConfig wanted) {
  Result<NetworkNamespace> inside = OpenInside(wanted);
  if (!inside.ok()) {
    return inside.error();
  }
  const Steering steering = LoadSteering(wanted.pairs);
  wanted.pairs = steering ? wanted.pairs : 1;
  Result<Ports> wire = CreateWire(wanted, steering);
  if (!wire.ok()) {
    return wire.error();
  }
  const Result<NetworkConfig> became = WithMtus(wanted, *wire->front());
  if (!became.ok()) {
    return became.error();
  }
  const NetworkConfig& config = *became;
  Result<Queues> tun = CreateTun(*inside,
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
                         Queues tun, Ownership ownership, Ports wire)
    : config_(std::move(config)),
      inside_(std::move(inside)),
      tun_(std::move(tun)),
      ownership_(ownership),
      wire_(std::move(wire)) {}

}  // namespace postern
