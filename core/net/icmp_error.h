// SPDX-License-Identifier: Apache-2.0
//
// ICMP errors (RFC 792, RFC 4443) and the flow of which they tell:
//
//     +-----------+---------------+--------------------------------- - -
//     | IP header | type code ... | the packet that caused it: its IP header
//     +-----------+---------------+ and at least eight octets more - - -
//                  8 octets
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_CORE_NET_ICMP_ERROR_H_
#define POSTERN_CORE_NET_ICMP_ERROR_H_

#include <cstdint>
#include <optional>

#include "core/flow/flow_key.h"
#include "core/net/ip_view.h"

namespace postern {

// The ICMP or ICMPv6 type; nothing for other protocols, and where it cannot be
// seen.
std::optional<std::uint8_t> IcmpTypeOf(const IpView& packet);

// RFC 1122 3.2.2, RFC 4443 2.1.
bool IsIcmpError(IpFamily family, std::uint8_t type);

// The 5-tuple of which an ICMP error tells, as seen from this host; `direction`
// is the error's own. Nothing for any other packet, and where the quoted one
// shows no ports: what is cut off, a later fragment, AH, ESP.
// Cost: a comparison, unless it is an error.
std::optional<FlowKey> QuotedFlow(const IpView& packet, Direction direction);

}  // namespace postern

#endif  // POSTERN_CORE_NET_ICMP_ERROR_H_
