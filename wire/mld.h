// SPDX-License-Identifier: Apache-2.0
//
// Multicast Listener Discovery (RFC 3810, MLDv2): says which groups the host
// listens to, so that switches that look into it ("snooping") let them through. A
// host that never says so is not found by Neighbour Discovery behind them.
//
//     | IPv6 :: -> ff02::16, hop limit 1 | hop-by-hop: router alert | 143 | records |
//
// It comes from `::`, as of a host that has no link-local address (RFC 3590), is
// sent unasked, and in no answer to a query.
//
// Thread safety: a plain function.

#ifndef POSTERN_WIRE_MLD_H_
#define POSTERN_WIRE_MLD_H_

#include <cstdint>
#include <vector>

#include "core/net/ip_address.h"
#include "wire/mac_address.h"

namespace postern {

// The whole frame: a report that the host listens to these groups.
// REQUIRES: groups of IPv6, 1 to 60: more are longer than the least MTU.
std::vector<std::uint8_t> ListenerReport(const MacAddress& from,
                                         const std::vector<IpAddress>& groups);

}  // namespace postern

#endif  // POSTERN_WIRE_MLD_H_
