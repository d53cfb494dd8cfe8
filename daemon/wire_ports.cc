// SPDX-License-Identifier: Apache-2.0

#include "daemon/wire_ports.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "core/log/log.h"
#include "tun/netlink.h"
#include "wire/ethernet_wire.h"
#include "wire/fault_injector.h"
#include "wire/packet_socket.h"
#include "wire/pcap_recorder.h"
#include "wire/tun_wire.h"
#include "wire/udp_wire.h"

namespace postern {
namespace {

// A peer with offload sends some 50 packets in a burst and has several under
// way; with the 500 of a TUN by default one TCP stream loses some percent.
constexpr std::size_t kWireQueuePackets = 2000;

// A TUN or a TAP in the daemon's own namespace.
Result<TunQueues> CreateDevice(const NetworkConfig& network, TunLayer layer,
                               const Steering& steering) {
  const Result<NetworkNamespace> outer = NetworkNamespace::OpenCurrent();
  if (!outer.ok()) {
    return outer.error();
  }
  return CreateTunQueues(*outer,
                         {.name = network.wire.name,
                          .mtu_octets = network.wire.mtu_octets,
                          .layer = layer,
                          .queue_packets = kWireQueuePackets},
                         steering, network.pairs);
}

Result<WirePorts> CreateTunWire(const NetworkConfig& network,
                                const Steering& steering) {
  Result<TunQueues> device = CreateDevice(network, TunLayer::kIp, steering);
  if (!device.ok()) {
    return device.error();
  }
  WirePorts wire;
  for (std::unique_ptr<TunDevice>& queue : *device) {
    wire.push_back(std::make_unique<TunWire>(std::move(queue)));
  }
  return wire;
}

Result<WirePorts> CreateUdpWire(const NetworkConfig& network) {
  Result<std::vector<std::unique_ptr<UdpWire>>> ports =
      UdpWire::CreateSeveral({.listen = network.wire.listen,
                              .peers = network.wire.peers,
                              .own_addresses = network.OwnAddresses(),
                              .path_mtu_octets = network.wire.path_mtu_octets},
                             network.pairs);
  if (!ports.ok()) {
    return ports.error();
  }
  WirePorts wire;
  for (std::unique_ptr<UdpWire>& port : *ports) {
    wire.push_back(std::move(port));
  }
  return wire;
}

std::shared_ptr<EthernetLink> MakeLink(const NetworkConfig& network) {
  EthernetLink::Options options{.mac = *network.wire.mac,
                                .addresses = {},
                                .gateways = network.wire.gateways,
                                .neighbours = {}};
  for (const OwnAddress& own : network.tun.addresses) {
    options.addresses.push_back({own.address, own.prefix_length});
  }
  return std::make_shared<EthernetLink>(std::move(options));
}

template <typename FramePort>
WirePorts PutOnEthernet(const NetworkConfig& network,
                        const std::shared_ptr<EthernetLink>& link,
                        std::vector<std::unique_ptr<FramePort>> frames) {
  WirePorts wire;
  for (std::unique_ptr<FramePort>& port : frames) {
    EthernetWire::Parts parts{
        .kind = network.wire.kind, .frames = std::move(port), .link = link};
    parts.most_mtu = network.wire.path_mtu_octets.value_or(parts.most_mtu);
    wire.push_back(std::make_unique<EthernetWire>(std::move(parts)));
  }
  return wire;
}

Result<WirePorts> CreateTapWire(const NetworkConfig& network,
                                const Steering& steering) {
  Result<TunQueues> device =
      CreateDevice(network, TunLayer::kEthernet, steering);
  return device.ok()
             ? PutOnEthernet(network, MakeLink(network), std::move(*device))
             : Result<WirePorts>(device.error());
}

Result<WirePorts> CreatePacketWire(const NetworkConfig& network) {
  const WireConfig& wire = network.wire;
  const std::shared_ptr<EthernetLink> link = MakeLink(network);
  Result<std::vector<std::unique_ptr<PacketSocket>>> sockets =
      PacketSocket::CreateSeveral(
          {.interface = wire.name,
           .mac = *wire.mac,
           .addresses = network.OwnAddresses(),
           .on_return = [link] { link->AnnounceAgain(); }},
          network.pairs);
  if (!sockets.ok()) {
    return sockets.error();
  }
  const std::size_t most = sockets->front()->mtu();
  if (wire.path_mtu_octets.value_or(0) > most) {
    return Invalid("[wire] mtu is " + std::to_string(*wire.path_mtu_octets) +
                   ", and the interface '" + wire.name + "' carries " +
                   std::to_string(most) +
                   " octets: leave the key out, or make it smaller.");
  }
  return PutOnEthernet(network, link, std::move(*sockets));
}

Status ChooseMac(WireConfig& wire) {
  if (!IsEthernet(wire.kind) || wire.mac) {
    return Ok();
  }
  const Result<MacAddress> mac = MacAddress::Random();
  if (!mac.ok()) {
    return mac.error();
  }
  wire.mac = *mac;
  return Ok();
}

Result<WirePorts> CreateBare(const NetworkConfig& network,
                             const Steering& steering) {
  switch (network.wire.kind) {
    case WireKind::kUdp:
      return CreateUdpWire(network);
    case WireKind::kTap:
      return CreateTapWire(network, steering);
    case WireKind::kPacket:
      return CreatePacketWire(network);
    case WireKind::kTun:
      break;
  }
  return CreateTunWire(network, steering);
}

// Outside, the host's addresses are routed to its wire.
Status AttachTunWire(const WireConfig& wire, const TunConfig& tun) {
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
  const std::set<IpFamily> families = config.Families();
  if (families.contains(IpFamily::kV4)) {
    warn("ipv4", "/proc/sys/net/ipv4/ip_forward",
         "sysctl net.ipv4.ip_forward=1");
  }
  if (families.contains(IpFamily::kV6)) {
    warn("ipv6", "/proc/sys/net/ipv6/conf/all/forwarding",
         "sysctl net.ipv6.conf.all.forwarding=1");
  }
}

// Nobody routes to a TAP: the host answers for its addresses.
Status AttachTap(const WireConfig& wire) {
  Result<Netlink> netlink = Netlink::Open();
  if (!netlink.ok()) {
    return netlink.error();
  }
  if (wire.bridge) {
    if (Status joined = netlink->SetMaster(wire.name, *wire.bridge);
        !joined.ok()) {
      return joined;
    }
  }
  return netlink->SetState(wire.name, LinkState::kUp);
}

}  // namespace

Result<WirePorts> CreateWirePorts(NetworkConfig& network,
                                  const Steering& steering) {
  const WireConfig& config = network.wire;
  if (Status chosen = ChooseMac(network.wire); !chosen.ok()) {
    return chosen.error();
  }
  Result<WirePorts> wire = CreateBare(network, steering);
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

Status AttachWire(const NetworkConfig& network) {
  switch (network.wire.kind) {
    case WireKind::kTun:
      if (Status attached = AttachTunWire(network.wire, network.tun);
          !attached.ok()) {
        return attached;
      }
      WarnUnlessForwarding(network.tun);
      return Ok();
    case WireKind::kTap:
      return AttachTap(network.wire);
    default:
      return Ok();
  }
}

}  // namespace postern
