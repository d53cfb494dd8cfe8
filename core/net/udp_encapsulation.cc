// SPDX-License-Identifier: Apache-2.0

#include "core/net/udp_encapsulation.h"

#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "core/net/checksum.h"
#include "core/net/protocols.h"
#include "core/net/transport_fields.h"

namespace postern {
namespace {

constexpr std::size_t kMarkerOctets = 4;
constexpr std::size_t kEspHeaderOctets = 8;
constexpr std::uint8_t kKeepalive = 0xff;

// Where the checksum stands in a segment that has one.
std::optional<std::size_t> ChecksumField(std::uint8_t protocol) {
  constexpr std::size_t kIcmpv6Checksum = 2;
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::kTcp:
      return tcp::kChecksum;
    case IpProtocol::kUdp:
      return udp::kChecksum;
    case IpProtocol::kIcmpv6:
      return kIcmpv6Checksum;
    default:
      return std::nullopt;
  }
}

}  // namespace

Passage CheckEspPayload(ConstBytes payload) {
  if (payload.size() == 1 && payload[0] == kKeepalive) {
    return DropReason::kNatKeepalive;
  }
  if (payload.size() < kMarkerOctets) {
    return DropReason::kTruncated;
  }
  if (LoadBe<std::uint32_t>(payload) == 0) {
    return DropReason::kNonEspMarker;
  }
  return payload.size() < kEspHeaderOctets ? DropReason::kTruncated : Pass();
}

Passage EncapsulateInUdp(Packet& packet, UdpPorts ports) {
  const Opinion<IpView> view = IpView::Parse(std::as_const(packet).bytes());
  if (!view.ok()) {
    return view.error();
  }
  const std::size_t headers = view->payload_offset();
  const std::size_t length = packet.size() - headers + kUdpHeaderOctets;
  if (length > std::numeric_limits<std::uint16_t>::max()) {
    return DropReason::kTooBig;
  }
  if (!packet.Prepend(kUdpHeaderOctets)) {
    return DropReason::kNoHeadroom;
  }
  const IpAddress source = view->source();  // until the header moves
  const IpAddress destination = view->destination();
  const Bytes octets = packet.bytes();
  std::memmove(octets.data(), octets.data() + kUdpHeaderOctets, headers);
  const Bytes datagram = octets.subspan(headers);
  StoreBe(datagram, ports.source);
  StoreBe(datagram.subspan(2), ports.destination);
  StoreBe(datagram.subspan(udp::kLength), static_cast<std::uint16_t>(length));
  StoreBe(datagram.subspan(udp::kChecksum), std::uint16_t{0});
  if (view->family() == IpFamily::kV6) {
    StoreBe(datagram.subspan(udp::kChecksum),
            UdpChecksum(source, destination, datagram));
  }
  return RewriteIpHeader(octets, view->protocol_offset(),
                         Number(IpProtocol::kUdp));
}

Opinion<UdpPorts> PeekUdpPorts(const IpView& view) {
  const ConstBytes datagram = view.payload();
  if (datagram.size() < kUdpHeaderOctets) {
    return DropReason::kTruncated;
  }
  const auto length = LoadBe<std::uint16_t>(datagram.subspan(udp::kLength));
  if (length < kUdpHeaderOctets || length > datagram.size()) {
    return DropReason::kBadLength;
  }
  return UdpPorts{.source = LoadBe<std::uint16_t>(datagram),
                  .destination = LoadBe<std::uint16_t>(datagram.subspan(2))};
}

Passage DecapsulateFromUdp(Packet& packet, const IpView& view) {
  const std::size_t headers = view.payload_offset();
  const auto length =
      LoadBe<std::uint16_t>(view.payload().subspan(udp::kLength));
  packet.TrimBack(packet.size() - headers - length);
  packet.CutBehind(headers, kUdpHeaderOctets);
  return RewriteIpHeader(packet.bytes(), view.protocol_offset(),
                         Number(IpProtocol::kEsp));
}

std::vector<std::uint8_t> NatKeepalive(const IpAddress& source,
                                       const IpAddress& destination,
                                       UdpPorts ports) {
  constexpr std::uint16_t kLength = kUdpHeaderOctets + 1;
  constexpr std::uint8_t kHopLimit = 64;
  const bool v4 = source.family() == IpFamily::kV4;
  const std::size_t header = v4 ? ipv4::kHeaderSize : 40;
  std::vector<std::uint8_t> packet(header + kLength);
  const Bytes octets(packet);
  const Bytes datagram = octets.subspan(header);
  StoreBe(datagram, ports.source);
  StoreBe(datagram.subspan(2), ports.destination);
  StoreBe(datagram.subspan(udp::kLength), kLength);
  datagram[kUdpHeaderOctets] = kKeepalive;
  octets[v4 ? ipv4::kProtocol : ipv6::kNextHeader] = Number(IpProtocol::kUdp);
  octets[v4 ? ipv4::kHopLimit : ipv6::kHopLimit] = kHopLimit;
  const std::size_t at = v4 ? ipv4::kAddresses : ipv6::kAddresses;
  CopyBytes(octets.subspan(at), source.octets());
  CopyBytes(octets.subspan(at + source.octets().size()), destination.octets());
  if (v4) {
    octets[0] = 0x45;
    StoreBe(octets.subspan(ipv4::kLength),
            static_cast<std::uint16_t>(packet.size()));
    StoreBe(octets.subspan(ipv4::kFragment), ipv4::kDontFragment);
    MendIpv4Checksum(octets);
  } else {
    octets[0] = 0x60;
    StoreBe(octets.subspan(ipv6::kLength), kLength);
    StoreBe(datagram.subspan(udp::kChecksum),
            UdpChecksum(source, destination, datagram));
  }
  return packet;
}

void MendTransportChecksum(Bytes octets, const IpView& view) {
  const std::optional<std::size_t> at = ChecksumField(view.protocol());
  const Bytes segment =
      octets.first(view.size()).subspan(view.payload_offset());
  if (!at || segment.size() < *at + 2 ||
      view.fragment() != IpView::Fragment::kWhole) {
    return;
  }
  const Bytes field = segment.subspan(*at, 2);
  const bool is_udp = view.protocol() == Number(IpProtocol::kUdp);
  if (is_udp && view.family() == IpFamily::kV4 &&
      LoadBe<std::uint16_t>(field) == 0) {
    return;
  }
  StoreBe(field, std::uint16_t{0});
  StoreBe(field, is_udp
                     ? UdpChecksum(view.source(), view.destination(), segment)
                     : TransportChecksum(view.source(), view.destination(),
                                         view.protocol(), segment));
}

}  // namespace postern
