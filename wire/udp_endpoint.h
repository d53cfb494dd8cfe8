// SPDX-License-Identifier: Apache-2.0
//
// A UdpEndpoint is an address and a UDP port as administrators write them; a
// SocketAddress is the same as the kernel reads it.
//
// Thread safety: plain values. Cost: no allocation except in ToString().

#ifndef POSTERN_WIRE_UDP_ENDPOINT_H_
#define POSTERN_WIRE_UDP_ENDPOINT_H_

#include <sys/socket.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/net/ip_address.h"

namespace postern {

struct UdpEndpoint {
  IpAddress address;
  std::uint16_t port = 0;

  // "192.0.2.1:4500" or "[2001:db8::1]:4500". Errors: kInvalid, also for port 0
  // and for link-local addresses, which mean nothing without an interface.
  static Result<UdpEndpoint> Parse(std::string_view text);

  std::string ToString() const;

  friend auto operator<=>(const UdpEndpoint&, const UdpEndpoint&) = default;
};

struct UdpEndpointHash {
  // Keyed: nobody outside can choose endpoints that collide.
  std::size_t operator()(const UdpEndpoint& endpoint) const;
};

// What the kernel wrote: AF_INET or AF_INET6. Anything else is 0.0.0.0:0, which
// is nobody's.
UdpEndpoint EndpointOf(const sockaddr_storage& storage);

class SocketAddress {
 public:
  explicit SocketAddress(const UdpEndpoint& endpoint);

  const sockaddr* get() const;

  socklen_t size() const { return size_; }

  UdpEndpoint endpoint() const { return EndpointOf(storage_); }

 private:
  sockaddr_storage storage_{};
  socklen_t size_;
};

}  // namespace postern

#endif  // POSTERN_WIRE_UDP_ENDPOINT_H_
