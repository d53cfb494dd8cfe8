// SPDX-License-Identifier: Apache-2.0
//
// SocketFacts are what the kernel says about a descriptor that a client passed
// (SCM_RIGHTS). The client's own word about its socket is never asked.
//
// Close the passed copy at once after reading: a kept one holds back the
// application's FIN.
//
// Thread safety: a plain value; ReadSocketFacts() is Thread-safe.
// Cost: seven system calls, about 2 us.

#ifndef POSTERN_TUN_SOCKET_FACTS_H_
#define POSTERN_TUN_SOCKET_FACTS_H_

#include <cstdint>
#include <optional>

#include "core/error.h"
#include "core/flow/socket_owner.h"
#include "core/net/ip_address.h"
#include "tun/network_namespace.h"

namespace postern {

struct SocketEnd {
  // IPv4-mapped addresses appear as IPv4, as in a FlowKey.
  IpAddress address;
  std::uint16_t port = 0;

  friend bool operator==(const SocketEnd&, const SocketEnd&) = default;
};

struct SocketFacts {
  SocketCookie cookie{};
  NamespaceCookie network_namespace{};
  int domain = 0;    // AF_INET, AF_INET6
  int type = 0;      // SOCK_STREAM, SOCK_DGRAM, SOCK_RAW
  int protocol = 0;  // IPPROTO_TCP, ...
  SocketEnd local;   // unspecified and 0 while not bound
  std::optional<SocketEnd> remote = std::nullopt;  // when connected
};

// Errors: kInvalid (not a descriptor, not a socket), kUnsupported (a socket that
// is not IPv4 or IPv6; a kernel without SO_NETNS_COOKIE), kSystem.
Result<SocketFacts> ReadSocketFacts(int descriptor);

}  // namespace postern

#endif  // POSTERN_TUN_SOCKET_FACTS_H_
