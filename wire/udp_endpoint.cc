// SPDX-License-Identifier: Apache-2.0

#include "wire/udp_endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <system_error>

#include "core/keyed_hash.h"

namespace postern {
namespace {

Error NotAnEndpoint(std::string_view text) {
  return Invalid(
      "\"" + std::string(text.substr(0, 64)) +
      "\" is no address with a UDP port: write \"192.0.2.1:4500\" or "
      "\"[2001:db8::1]:4500\".");
}

std::optional<std::uint16_t> ParsePort(std::string_view digits) {
  std::uint16_t port = 0;
  const auto read =
      std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool whole =
      read.ec == std::errc() && read.ptr == digits.data() + digits.size();
  return whole && port != 0 ? std::optional(port) : std::nullopt;
}

}  // namespace

Result<UdpEndpoint> UdpEndpoint::Parse(std::string_view text) {
  const bool v6 = text.starts_with('[');
  const std::string_view middle = v6 ? "]:" : ":";
  const std::size_t end = text.find(middle);
  if (end == std::string_view::npos) {
    return NotAnEndpoint(text);
  }
  const std::size_t begin = v6 ? 1 : 0;
  const Result<IpAddress> address =
      IpAddress::Parse(text.substr(begin, end - begin));
  const std::optional<std::uint16_t> port =
      ParsePort(text.substr(end + middle.size()));
  const IpFamily family = v6 ? IpFamily::kV6 : IpFamily::kV4;
  if (!address.ok() || address->family() != family || !port) {
    return NotAnEndpoint(text);
  }
  static const IpAddress kEverybody =
      IpAddress::Parse("255.255.255.255").value();
  if (address->is_link_local() || address->is_multicast() ||
      *address == kEverybody || address->Unmapped() != *address) {
    return Invalid(address->ToString() +
                   " is not an address that is routed to one host: write a "
                   "unicast one that is not link-local, and an IPv4 one as "
                   "such.");
  }
  return UdpEndpoint{.address = *address, .port = *port};
}

std::string UdpEndpoint::ToString() const {
  const std::string text = address.ToString();
  return (address.family() == IpFamily::kV4 ? text : "[" + text + "]") + ":" +
         std::to_string(port);
}

std::size_t UdpEndpointHash::operator()(const UdpEndpoint& endpoint) const {
  std::array<std::uint8_t, 18> octets{};
  CopyBytes(octets, endpoint.address.octets());
  StoreBe(Bytes(octets).last(2), endpoint.port);
  return KeyedHash(octets);
}

SocketAddress::SocketAddress(const UdpEndpoint& endpoint) {
  const ConstBytes octets = endpoint.address.octets();
  if (endpoint.address.family() == IpFamily::kV4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, octets.data(), octets.size());
    std::memcpy(&storage_, &v4, sizeof(v4));
    size_ = sizeof(v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, octets.data(), octets.size());
    std::memcpy(&storage_, &v6, sizeof(v6));
    size_ = sizeof(v6);
  }
}

const sockaddr* SocketAddress::get() const {
  return static_cast<const sockaddr*>(static_cast<const void*>(&storage_));
}

UdpEndpoint EndpointOf(const sockaddr_storage& storage) {
  std::array<std::uint8_t, 16> octets{};
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof(v4));
    std::memcpy(octets.data(), &v4.sin_addr, 4);
    return {IpAddress::FromOctets(ConstBytes(octets).first(4)),
            ntohs(v4.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof(v6));
    std::memcpy(octets.data(), &v6.sin6_addr, octets.size());
    return {IpAddress::FromOctets(octets), ntohs(v6.sin6_port)};
  }
  return {};
}

}  // namespace postern
