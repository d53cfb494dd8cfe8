// SPDX-License-Identifier: Apache-2.0
//
// How a TCP segment opens a connection: the moments at which a 5-tuple may pass
// from one socket to the next (RFC 9293 3.5).
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_POLICY_OPENING_H_
#define POSTERN_POLICY_OPENING_H_

#include <cstdint>

#include "core/net/ip_view.h"

namespace postern {

// What a TCP segment says about its connection's life.
enum class Opening : std::uint8_t { kNone, kSyn, kSynAck };

// kNone for anything but a TCP segment whose flags are in the packet.
Opening OpeningOf(const IpView& view);

// False for a TCP segment or first fragment that ends before its flags: whether
// it opens a connection cannot be known (RFC 1858).
bool ShowsFlags(const IpView& view);

// Whether this later IPv4 fragment of TCP would lie where its first one shows the
// flags (RFC 1858 3.2.2, RFC 3128): whoever takes both believes the later one. What
// RFC 4301 7.2 asks of SAs that carry later fragments; ports, and all that UDP and
// ICMP show, are within the first eight octets, which no later fragment reaches.
bool MayRewriteFlags(const IpView& later);

// Whether the packet is one of many of a flow that is under way: a whole TCP
// segment or UDP datagram that opens no connection.
bool ContinuesFlow(const IpView& view);

}  // namespace postern

#endif  // POSTERN_POLICY_OPENING_H_
