// SPDX-License-Identifier: Apache-2.0

#include "tun/socket_facts.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "core/bytes.h"

namespace postern {
namespace {

Error Explain(int errno_value) {
  switch (errno_value) {
    case EBADF:
    case ENOTSOCK:
      return Invalid(
          "The descriptor is not a socket; pass an IPv4 or IPv6 "
          "socket.");
    case ENOPROTOOPT:
      return {ErrorCode::kUnsupported,
              "This kernel does not tell a socket's cookies; Linux 5.14 or "
              "newer is needed."};
    default:
      return SystemError("reading what a socket is", errno_value);
  }
}

template <typename T>
Result<T> ReadOption(int descriptor, int option) {
  T value{};
  socklen_t size = sizeof(value);
  if (::getsockopt(descriptor, SOL_SOCKET, option, &value, &size) != 0) {
    return Explain(errno);
  }
  return value;
}

// Reads one option into `*into`; does nothing when `status` is already bad.
template <typename T>
void ReadInto(Status& status, int descriptor, int option, T* into) {
  if (!status.ok()) {
    return;
  }
  const Result<T> value = ReadOption<T>(descriptor, option);
  if (value) {
    *into = *value;
  } else {
    status = value.error();
  }
}

template <typename Octets>
IpAddress AddressOf(const Octets& field) {
  std::array<std::uint8_t, sizeof(field)> octets{};
  std::memcpy(octets.data(), &field, sizeof(field));
  return IpAddress::FromOctets(octets).Unmapped();
}

SocketEnd EndOf(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, &storage, sizeof(ipv4));
    return {AddressOf(ipv4.sin_addr), ntohs(ipv4.sin_port)};
  }
  sockaddr_in6 ipv6{};
  std::memcpy(&ipv6, &storage, sizeof(ipv6));
  return {AddressOf(ipv6.sin6_addr), ntohs(ipv6.sin6_port)};
}

using NameCall = int (*)(int, sockaddr*, socklen_t*);

// getsockname() or getpeername(); an unconnected socket has no peer.
Result<std::optional<SocketEnd>> ReadEnd(int descriptor, NameCall call) {
  sockaddr_storage storage{};
  void* opaque = &storage;
  socklen_t size = sizeof(storage);
  if (call(descriptor, static_cast<sockaddr*>(opaque), &size) == 0) {
    return std::optional(EndOf(storage));
  }
  if (errno == ENOTCONN) {
    return std::optional<SocketEnd>();
  }
  return Explain(errno);
}

}  // namespace

Result<SocketFacts> ReadSocketFacts(int descriptor) {
  SocketFacts facts;
  std::uint64_t cookie = 0;
  std::uint64_t namespace_cookie = 0;
  Status status = Ok();
  ReadInto(status, descriptor, SO_DOMAIN, &facts.domain);
  if (status.ok() && facts.domain != AF_INET && facts.domain != AF_INET6) {
    return Error{ErrorCode::kUnsupported,
                 "The socket is neither IPv4 nor IPv6; IPsec levels exist for "
                 "those only."};
  }
  ReadInto(status, descriptor, SO_TYPE, &facts.type);
  ReadInto(status, descriptor, SO_PROTOCOL, &facts.protocol);
  ReadInto(status, descriptor, SO_COOKIE, &cookie);
  ReadInto(status, descriptor, SO_NETNS_COOKIE, &namespace_cookie);
  if (!status) {
    return status.error();
  }
  facts.cookie = SocketCookie{cookie};
  facts.network_namespace = NamespaceCookie{namespace_cookie};
  const auto local = ReadEnd(descriptor, &::getsockname);
  if (!local) {
    return local.error();
  }
  facts.local = local->value_or(SocketEnd{});
  const auto remote = ReadEnd(descriptor, &::getpeername);
  if (!remote) {
    return remote.error();
  }
  facts.remote = *remote;
  return facts;
}

}  // namespace postern
