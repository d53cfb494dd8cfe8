// SPDX-License-Identifier: Apache-2.0
//
// What the two users of NETLINK_SOCK_DIAG share: how the kernel writes
// addresses, ports and cookies (struct inet_diag_sockid).
//
// Thread safety: plain functions.

#ifndef POSTERN_TUN_INET_DIAG_H_
#define POSTERN_TUN_INET_DIAG_H_

#include <linux/inet_diag.h>

#include <cstdint>
#include <optional>

#include "core/flow/flow_key.h"
#include "core/flow/socket_owner.h"
#include "core/net/ip_address.h"

namespace postern {

// An end as inet_diag writes it: big-endian, IPv4 in the first word.
struct DiagEnd {
  IpAddress address;
  std::uint16_t port = 0;
};

// The ends as `idiag_src` and `idiag_dst`; any cookie, no interface.
inet_diag_sockid DiagIdOf(const DiagEnd& source, const DiagEnd& destination);

// The 5-tuple of a reported socket, IPv4-mapped addresses as IPv4; nothing for
// a family that is not IP.
std::optional<FlowKey> FlowKeyOf(const inet_diag_msg& report,
                                 std::uint8_t protocol);

SocketCookie CookieOf(const inet_diag_sockid& id);

}  // namespace postern

#endif  // POSTERN_TUN_INET_DIAG_H_
