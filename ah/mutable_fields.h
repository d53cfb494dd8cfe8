// SPDX-License-Identifier: Apache-2.0
//
// What an AH's ICV covers of the headers in front of it (RFC 4302 3.3.3.1,
// appendix A): routers change some fields on the way, so those enter the ICV
// as zero, or as the value that the receiver will see.
//
//   IPv4          0     TOS, flags, fragment offset, TTL, checksum;
//                       options that are not in the table, as whole units
//                 last  destination, with a source route
//   IPv6          0     traffic class, flow label, hop limit;
//                       data of options whose type has the bit 0x20
//                 last  destination and routing header (types 0 and 2), as
//                       they are when no segment is left
//                 gone  the fragment header of an unfragmented packet
//
//   IPv4 option           type  covered    IPv4 option           type  covered
//   End of list              0  yes        Commercial security    134  yes
//   No operation             1  yes        Router alert           148  yes
//   Security               130  yes        Sender-directed mcast  149  yes
//   Extended security      133  yes        any other                   no
//
// Thread safety: constants and pure functions.

#ifndef POSTERN_AH_MUTABLE_FIELDS_H_
#define POSTERN_AH_MUTABLE_FIELDS_H_

#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/drop_reason.h"

namespace postern::ah {

// The longest row of headers in front of AH that is signed or verified. A copy
// lives on the stack; no host sends rows of half that length.
inline constexpr std::size_t kMaxLead = 4096;

// Whether an IPv4 option of this type (the whole octet) is covered by the ICV;
// otherwise it enters the ICV as zeros, type and length included.
bool CoversIpv4Option(std::uint8_t type);

// Copies `lead`, the octets of a packet in front of its AH, to `room` as the
// ICV covers them, and returns the copy.
// REQUIRES: IpView::Parse() accepted the packet, which is no fragment; the last
//   protocol octet in `lead` names AH; room.size() >= lead.size(), and the two
//   do not overlap.
// Errors: kTooManyHeaders (longer than kMaxLead), kBadIpOption (a source route
//   that cannot be, or two), kBadExtensionHeader (a routing header that cannot
//   be, or one of an unknown type with segments left: nobody can tell how it
//   will arrive).
Opinion<ConstBytes> CoveredLead(ConstBytes lead, Bytes room);

}  // namespace postern::ah

#endif  // POSTERN_AH_MUTABLE_FIELDS_H_
