// SPDX-License-Identifier: Apache-2.0
//
// The ICMP errors that tell a packet's sender what became of it:
//
//     +-----------+------------+----------+------------+---------------- - -
//     | IP header | type, code | checksum | 0 .. MTU   | the packet, as much
//     +-----------+------------+----------+------------+ as fits - - - - - -
//
//     too big       IPv4 3/4 "fragmentation needed" (RFC 1191 4),
//                   IPv6 2/0 "packet too big" (RFC 4443 3.2); with the MTU
//     prohibited    IPv4 3/13, IPv6 1/1: policy, or no SA (RFC 4301 5.1.1)
//     unreachable   IPv4 3/1, IPv6 1/3: nobody answered for an SA
//
// They are made here for this host's own kernel: each comes from the packet's
// destination, where the packet would have gone. Nobody is told of an ICMP error,
// of a later fragment, or of what went to or came from no single host (RFC 1122
// 3.2.2, RFC 4443 2.4).
//
// Thread safety: plain functions.

#ifndef POSTERN_CORE_NET_SENDER_ERROR_H_
#define POSTERN_CORE_NET_SENDER_ERROR_H_

#include <cstddef>
#include <cstdint>

#include "core/net/ip_view.h"
#include "core/packet/packet.h"

namespace postern {

// Whether the sender of this packet may be told anything.
bool MayBeToldOf(const IpView& packet);

// The error about `packet`, from its pool: 576 octets at most in IPv4, 1280 in
// IPv6, with the packet's octets unaltered. Empty when the pool is.
// REQUIRES: MayBeToldOf(view); `view` is the packet's; mtu_octets fits 16 bits.
Packet MakeTooBigError(const Packet& packet, const IpView& view,
                       std::size_t mtu_octets);

enum class Undelivered : std::uint8_t { kProhibited, kUnreachable };

// The same about one that could not be sent. REQUIRES: as above.
Packet MakeUndeliveredError(const Packet& packet, const IpView& view,
                            Undelivered why);

}  // namespace postern

#endif  // POSTERN_CORE_NET_SENDER_ERROR_H_
