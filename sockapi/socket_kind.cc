// SPDX-License-Identifier: Apache-2.0

#include "sockapi/socket_kind.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "sockapi/next_call.h"

namespace postern {
namespace {

template <typename Value>
Expected<Value, int> Ask(int fd, int level, int name) {
  Value value{};
  socklen_t size = sizeof(value);
  if (NextGetsockopt(fd, level, name, &value, &size) != 0) {
    return errno;
  }
  return value;
}

// An int's Expected cannot tell value from errno, so this one wraps the value.
struct OptionValue {
  int value = 0;
};

Expected<OptionValue, int> AskInt(int fd, int level, int name) {
  return Ask<OptionValue>(fd, level, name);
}

bool IsIpTransport(int type, int protocol) {
  switch (type) {
    case SOCK_STREAM:
      return protocol == IPPROTO_TCP;
    case SOCK_DGRAM:
      return protocol == IPPROTO_UDP || protocol == IPPROTO_ICMP ||
             protocol == IPPROTO_ICMPV6;
    case SOCK_RAW:
      return true;
    default:
      return false;
  }
}

}  // namespace

int RefusalOf(int fd, ApiFamily family) {
  const auto domain = AskInt(fd, SOL_SOCKET, SO_DOMAIN);
  if (!domain.ok()) {
    return domain.error();
  }
  if (domain->value != AF_INET && domain->value != AF_INET6) {
    return EOPNOTSUPP;
  }
  if (domain->value == AF_INET && family == ApiFamily::kIpv6) {
    return ENOPROTOOPT;
  }
  if (domain->value == AF_INET6 && family == ApiFamily::kIpv4) {
    const auto only = AskInt(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    if (!only.ok() || only->value != 0) {
      return ENOPROTOOPT;
    }
  }
  const auto type = AskInt(fd, SOL_SOCKET, SO_TYPE);
  const auto protocol = AskInt(fd, SOL_SOCKET, SO_PROTOCOL);
  if (!type.ok() || !protocol.ok() ||
      !IsIpTransport(type->value, protocol->value)) {
    return EOPNOTSUPP;
  }
  return 0;
}

Expected<ApiFamily, int> FamilyOf(int fd) {
  const auto domain = AskInt(fd, SOL_SOCKET, SO_DOMAIN);
  if (!domain.ok()) {
    return domain.error();
  }
  switch (domain->value) {
    case AF_INET:
      return ApiFamily::kIpv4;
    case AF_INET6:
      return ApiFamily::kIpv6;
    default:
      return EOPNOTSUPP;
  }
}

Expected<std::uint64_t, int> NetnsCookieOf(int fd) {
  return Ask<std::uint64_t>(fd, SOL_SOCKET, SO_NETNS_COOKIE);
}

}  // namespace postern
