// SPDX-License-Identifier: Apache-2.0

#include "core/tunnel_header.h"

#include <array>
#include <optional>

#include "core/net/protocols.h"

namespace postern {
namespace {

constexpr std::uint16_t kDontFragmentFlag = 0x4000;
constexpr std::uint8_t kEcnMask = 0x03;

constexpr std::uint8_t kNotEct = 0;
constexpr std::uint8_t kEct1 = 1;
constexpr std::uint8_t kEct0 = 2;
constexpr std::uint8_t kCe = 3;

// RFC 6040 figure 4: rows are the inner mark, columns the outer one, both in
// the order of their codepoints. Nothing: the packet must be dropped.
using EcnResult = std::optional<std::uint8_t>;
constexpr std::array<std::array<EcnResult, 4>, 4> kInwardEcn = {{
    // Not-ECT   ECT(1)    ECT(0)    CE
    {{kNotEct, kNotEct, kNotEct, std::nullopt}},  // Not-ECT
    {{kEct1, kEct1, kEct1, kCe}},                 // ECT(1)
    {{kEct0, kEct1, kEct0, kCe}},                 // ECT(0)
    {{kCe, kCe, kCe, kCe}},                       // CE
}};

std::uint8_t OuterTrafficClass(const TunnelHeader& tunnel, std::uint8_t inner) {
  if (tunnel.dscp == TunnelHeader::Dscp::kCopy) {
    return inner;
  }
  const unsigned dscp =
      tunnel.dscp == TunnelHeader::Dscp::kSet ? tunnel.dscp_value : 0U;
  return static_cast<std::uint8_t>(dscp << 2 | (inner & kEcnMask));
}

// The first word's low 20 bits.
std::uint32_t OuterFlowLabel(const TunnelHeader& tunnel, const IpView& inner) {
  constexpr std::uint32_t kFlowLabel = 0xfffff;
  if (tunnel.flow_label != TunnelHeader::FlowLabel::kCopy ||
      inner.family() != IpFamily::kV6) {
    return 0;
  }
  return LoadBe<std::uint32_t>(inner.octets()) & kFlowLabel;
}

// IPv6 packets have no such flag: no router may fragment them, but the outer
// IPv4 packet is this host's own and may be.
bool HasDontFragment(const IpView& view) {
  constexpr std::size_t kFlagsOffset = 6;
  if (view.family() != IpFamily::kV4) {
    return false;
  }
  return (LoadBe<std::uint16_t>(view.octets().subspan(kFlagsOffset)) &
          kDontFragmentFlag) != 0;
}

std::uint16_t OuterFlags(TunnelHeader::DontFragment rule, const IpView& inner) {
  const bool set =
      rule == TunnelHeader::DontFragment::kSet ||
      (rule == TunnelHeader::DontFragment::kCopy && HasDontFragment(inner));
  return set ? kDontFragmentFlag : std::uint16_t{0};
}

// Puts `mark` into the ECN field. The IPv4 checksum moves with it by the
// difference (RFC 1624), so that one which was wrong stays wrong.
void SetEcn(Bytes packet, IpFamily family, std::uint8_t mark) {
  constexpr std::size_t kChecksumOffset = 10;
  constexpr unsigned kIpv6EcnShift = 4;
  const auto before = LoadBe<std::uint16_t>(packet);
  if (family == IpFamily::kV6) {
    const unsigned mask = unsigned{kEcnMask} << kIpv6EcnShift;
    StoreBe(packet, static_cast<std::uint16_t>(
                        (before & ~mask) | (unsigned{mark} << kIpv6EcnShift)));
    return;
  }
  const auto after = static_cast<std::uint16_t>((before & ~kEcnMask) | mark);
  const Bytes checksum = packet.subspan(kChecksumOffset);
  std::uint32_t sum =
      static_cast<std::uint16_t>(~LoadBe<std::uint16_t>(checksum));
  sum += static_cast<std::uint16_t>(~before);
  sum += after;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  StoreBe(packet, after);
  StoreBe(checksum, static_cast<std::uint16_t>(~sum));
}

Passage CarryEcnInto(std::uint8_t outer_traffic_class, const IpView& view,
                     Bytes inner) {
  const std::uint8_t mark = view.traffic_class() & kEcnMask;
  const EcnResult result = kInwardEcn[mark][outer_traffic_class & kEcnMask];
  if (!result.has_value()) {
    return DropReason::kEcnViolation;
  }
  if (*result != mark) {
    SetEcn(inner, view.family(), *result);
  }
  return Pass();
}

std::optional<IpFamily> FamilyOf(std::uint8_t protocol) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::kIpv4:
      return IpFamily::kV4;
    case IpProtocol::kIpv6:
      return IpFamily::kV6;
    default:
      return std::nullopt;
  }
}

}  // namespace

Passage WriteTunnelHeader(const TunnelHeader& tunnel, const IpView& inner,
                          std::uint8_t protocol, std::uint16_t id,
                          Bytes packet) {
  constexpr std::uint8_t kVersion4NoOptions = 0x45;
  constexpr std::uint32_t kVersion6 = 0x60000000;
  const std::uint8_t traffic_class =
      OuterTrafficClass(tunnel, inner.traffic_class());
  Writer header(packet.first(SizeOf(tunnel)));
  if (tunnel.endpoints.source.family() == IpFamily::kV4) {
    const std::uint16_t flags = OuterFlags(tunnel.dont_fragment, inner);
    header.Write(kVersion4NoOptions);
    header.Write(traffic_class);
    header.Write(std::uint16_t{0});  // total length: SetIpLength() below
    header.Write(id);
    header.Write(flags);
    header.Write(tunnel.hop_limit);
    header.Write(protocol);
    header.Write(std::uint16_t{0});  // checksum: the same
  } else {
    header.Write(kVersion6 | std::uint32_t{traffic_class} << 20 |
                 OuterFlowLabel(tunnel, inner));
    header.Write(std::uint16_t{0});  // payload length: SetIpLength() below
    header.Write(protocol);
    header.Write(tunnel.hop_limit);
  }
  header.Put(tunnel.endpoints.source.octets());
  header.Put(tunnel.endpoints.destination.octets());
  return SetIpLength(packet, packet.size());
}

Passage CarryEcnInward(std::uint8_t outer_traffic_class, Bytes inner) {
  const Opinion<IpView> view = IpView::Parse(inner);
  if (!view.ok()) {
    return view.error();
  }
  return CarryEcnInto(outer_traffic_class, *view, inner);
}

bool IsUnusedEcn(std::uint8_t outer_traffic_class,
                 std::uint8_t inner_traffic_class) {
  const auto inner = static_cast<std::uint8_t>(inner_traffic_class & kEcnMask);
  switch (outer_traffic_class & kEcnMask) {
    case kEct0:
      return inner == kNotEct || inner == kEct1;
    case kEct1:
      return inner == kNotEct || inner == kCe;
    default:
      return false;
  }
}

std::uint8_t TrafficClassOf(ConstBytes packet) {
  const auto start = LoadBe<std::uint16_t>(packet);
  const bool v4 = (start >> 12) == 4;
  return static_cast<std::uint8_t>(v4 ? start & 0xff : (start >> 4) & 0xff);
}

std::uint8_t ProtocolOf(IpFamily family) {
  return Number(family == IpFamily::kV4 ? IpProtocol::kIpv4
                                        : IpProtocol::kIpv6);
}

Passage StripTunnelHeader(Packet& packet, const TunnelContent& content) {
  const std::optional<IpFamily> announced = FamilyOf(content.protocol);
  if (!announced.has_value()) {
    return DropReason::kModeMismatch;
  }
  const Bytes room = packet.bytes().subspan(content.offset, content.size);
  const Opinion<IpView> inner = IpView::Parse(room);
  if (!inner.ok()) {
    return inner.error();
  }
  if (inner->family() != *announced) {
    return DropReason::kModeMismatch;
  }
  const Passage carried =
      CarryEcnInto(TrafficClassOf(packet.bytes()), *inner, room);
  if (!carried.ok()) {
    return carried;
  }
  packet.TrimBack(packet.size() - content.offset - inner->size());
  packet.TrimFront(content.offset);
  return Pass();
}

}  // namespace postern
