// SPDX-License-Identifier: Apache-2.0
//
// How a tunnel-mode SA builds its outer IP header (RFC 4301 5.1.2). The
// draft's ESP network category is the case in which the outer header's
// addresses are those of the packet itself.
//
// Thread safety: plain values.

#ifndef POSTERN_CORE_TUNNEL_HEADER_H_
#define POSTERN_CORE_TUNNEL_HEADER_H_

#include <cstddef>
#include <cstdint>

#include "core/drop_reason.h"
#include "core/ipsec.h"
#include "core/net/ip_view.h"
#include "core/packet/packet.h"

namespace postern {

struct TunnelHeader {
  enum class DontFragment : std::uint8_t { kCopy, kSet, kClear };
  // kMap0: the outer DSCP is 0; kSet: it is dscp_value. ECN is copied outward in
  // every case (RFC 6040).
  enum class Dscp : std::uint8_t { kCopy, kMap0, kSet };
  // IPv6. kCopy: of an inner IPv6 packet, which says which flow it is of.
  enum class FlowLabel : std::uint8_t { kZero, kCopy };

  TunnelEndpoints endpoints;
  std::uint8_t hop_limit = 64;
  DontFragment dont_fragment = DontFragment::kCopy;
  Dscp dscp = Dscp::kCopy;
  std::uint8_t dscp_value = 0;  // 0 to 63
  FlowLabel flow_label = FlowLabel::kZero;
};

// Octets of the outer header: 20 or 40.
inline std::size_t SizeOf(const TunnelHeader& tunnel) {
  return tunnel.endpoints.source.family() == IpFamily::kV4 ? 20 : 40;
}

// Writes the outer header for `inner` to the first SizeOf(tunnel) octets of
// `packet`: it names `protocol` and spans the whole of `packet`. `id` is the
// IPv4 identification (core/net/identifications.h). The hop limit of the inner
// packet is not touched (its sender is this host, RFC 4301 5.1.2.1). The inner
// header may lie where the outer one comes: it is read first.
// REQUIRES: packet.size() >= SizeOf(tunnel).
// Errors: kTooBig.
Passage WriteTunnelHeader(const TunnelHeader& tunnel, const IpView& inner,
                          std::uint8_t protocol, std::uint16_t id,
                          Bytes packet);

// Carries the congestion mark of a removed outer header into the inner packet
// (RFC 6040 4.2, all sixteen cells). DSCP never goes inward.
// Errors: kEcnViolation (CE over Not-ECT), and those of IpView::Parse().
Passage CarryEcnInward(std::uint8_t outer_traffic_class, Bytes inner);

// Whether these marks of a removed outer header and of the inner packet, as the
// above left it, come of a combination that RFC 6040 figure 4 calls currently
// unused: ECT outside of Not-ECT, ECT(0) outside of ECT(1), ECT(1) outside of CE.
// The inner mark was the same before, then. (CE outside of Not-ECT is refused.)
bool IsUnusedEcn(std::uint8_t outer_traffic_class,
                 std::uint8_t inner_traffic_class);

// The traffic class of an IP packet. REQUIRES: two octets are there.
std::uint8_t TrafficClassOf(ConstBytes packet);

// The number that announces a whole packet of this family: 4 or 41.
std::uint8_t ProtocolOf(IpFamily family);

// What an SA found behind its own header in a tunnel-mode packet.
struct TunnelContent {
  std::size_t offset;     // of the inner packet
  std::size_t size;       // of the room it stands in
  std::uint8_t protocol;  // the next header that announces it
};

// Cuts `packet` down to its inner packet: the end of a tunnel. The congestion
// mark goes inward as above. Octets in the room behind the inner packet's own
// length are TFC padding (RFC 4303 2.7) and are cut off too.
// REQUIRES: packet starts with the outer header, which Parse() accepted;
//   offset + size <= packet.size().
// Errors: kModeMismatch (the protocol is not IP, or the inner packet is of the
//   other version), kEcnViolation, and those of IpView::Parse().
Passage StripTunnelHeader(Packet& packet, const TunnelContent& content);

}  // namespace postern

#endif  // POSTERN_CORE_TUNNEL_HEADER_H_
