// SPDX-License-Identifier: Apache-2.0

#include "wire/interface_mtu.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <string_view>

#include "core/unique_fd.h"
#include "wire/udp_endpoint.h"

namespace postern {
namespace {

struct FreeIfaddrs {
  void operator()(ifaddrs* list) const { ::freeifaddrs(list); }
};

bool Has(const ifaddrs& entry, const IpAddress& address) {
  if (entry.ifa_addr == nullptr) {
    return false;
  }
  const int family = entry.ifa_addr->sa_family;
  sockaddr_storage storage{};
  if (family == AF_INET) {
    std::memcpy(&storage, entry.ifa_addr, sizeof(sockaddr_in));
  } else if (family == AF_INET6) {
    std::memcpy(&storage, entry.ifa_addr, sizeof(sockaddr_in6));
  } else {
    return false;
  }
  return EndpointOf(storage).address == address;
}

std::optional<std::size_t> MtuOf(std::string_view name) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  if (!socket.valid() || name.size() >= sizeof(request.ifr_name)) {
    return std::nullopt;
  }
  name.copy(request.ifr_name, name.size());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): ioctl is what it is
  if (::ioctl(socket.get(), SIOCGIFMTU, &request) != 0) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(request.ifr_mtu);
}

}  // namespace

std::optional<std::size_t> MtuOfInterfaceWith(const IpAddress& address) {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) {
    return std::nullopt;
  }
  const std::unique_ptr<ifaddrs, FreeIfaddrs> list(first);
  for (const ifaddrs* entry = first; entry != nullptr;
       entry = entry->ifa_next) {
    if (Has(*entry, address)) {
      return MtuOf(entry->ifa_name);
    }
  }
  return std::nullopt;
}

}  // namespace postern
