// SPDX-License-Identifier: Apache-2.0
//
// The IP headers of BEET mode (RFC 7402 appendix B): the packet's own header is
// not sent. Another comes in its place that is made of it but for the addresses,
// and at the far end a third is made of that, with the addresses of the SA:
//
//     sent      | IP, inner ends | options | payload
//     on the way  | IP, outer ends | ESP | pseudo | options | payload | trailer
//     rebuilt   | IP, inner ends | options | payload
//
// TOS or traffic class, TTL or hop limit, flow label and DF are handed on, as far
// as both headers have them; what has no DF is not to be fragmented. So marks and
// a smaller TTL of the way come to be the packet's, as in transport mode. The two
// headers may be of two families. IPv6 extension headers are payload.
//
// Only where there are IPv4 options is there a pseudo header, and so a packet
// whose own payload says that it is one (protocol 94) is not sent:
//
//     0             1             2             3             4
//     +-------------+-------------+-------------+-------------+ - - - - - -
//     | next header |   length    | pad: 0 or 4 |      0      | pad: 1 1 1 1
//     +-------------+-------------+-------------+-------------+ - - - - - -
//     length: of it all with the options, in eights, without the first eight
//
// Thread safety: plain functions, Thread-safe.
// Cost: no allocation; in place, the payload is not moved.

#ifndef POSTERN_CORE_BEET_HEADER_H_
#define POSTERN_CORE_BEET_HEADER_H_

#include <cstddef>
#include <cstdint>

#include "core/drop_reason.h"
#include "core/ipsec.h"
#include "core/net/ip_view.h"
#include "core/packet/packet.h"
#include "core/tunnel_header.h"

namespace postern {

inline constexpr std::size_t kMostBeetPseudoHeader = 8;

// Octets of the pseudo header, with its padding, in front of so many of options.
constexpr std::size_t BeetPseudoHeader(std::size_t options) {
  constexpr std::size_t kFixed = 4;
  if (options == 0) {
    return 0;
  }
  return options % 8 == 0 ? kMostBeetPseudoHeader : kFixed;
}

// What ESP is to hold of a packet: all from `offset` on, where the pseudo header
// comes to stand over addresses that are not sent.
struct BeetContent {
  std::size_t offset;
  std::uint8_t protocol;  // the next header that announces it
};

BeetContent BeetContentOf(const IpView& packet);

struct BeetEnds {
  TunnelEndpoints inner;
  TunnelEndpoints outer;
};

// Writes the outer header to the front of `packet`, and the pseudo header, if
// there is one, behind it and `esp_header` octets. `inner` is the clear packet,
// whose octets from BeetContentOf().offset on follow there already. `id`: as
// WriteTunnelHeader(), of IPv4 packets that may be cut and have no AH inside; the
// others keep their own.
// Errors: kSelectorMismatch (the packet has other ends than those inside),
//   kModeMismatch (protocol 94; AH behind an IPv4 header that becomes an IPv6
//   one), kTooBig.
Passage WriteBeetHeader(const BeetEnds& ends, const IpView& inner,
                        std::size_t esp_header, std::uint16_t id, Bytes packet);

// Makes `packet` the one that was sent: an IP header with the ends `inner`, the
// options that a pseudo header brought, and the rest of the content.
// REQUIRES: packet starts with the outer header, which Parse() accepted;
//   offset + size <= packet.size(); both ends are of one family.
// Errors: kModeMismatch (options for an IPv6 header), kBadIpOption (a pseudo
//   header that cannot be), kFragment (there are no fragments inside),
//   kNoHeadroom, kTooBig, and those of IpView::Parse().
Passage StripBeetHeader(Packet& packet, const TunnelEndpoints& inner,
                        const TunnelContent& content);

}  // namespace postern

#endif  // POSTERN_CORE_BEET_HEADER_H_
