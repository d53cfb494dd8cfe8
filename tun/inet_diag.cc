// SPDX-License-Identifier: Apache-2.0

#include "tun/inet_diag.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace postern {
namespace {

constexpr std::size_t kWordsOctets = sizeof(inet_diag_sockid::idiag_src);

IpAddress AddressOf(const __be32* words, std::size_t octets) {
  std::array<std::uint8_t, kWordsOctets> copy{};
  std::memcpy(copy.data(), words, kWordsOctets);
  return IpAddress::FromOctets(ConstBytes(copy).first(octets)).Unmapped();
}

void Store(__be32* words, const IpAddress& address) {
  const ConstBytes octets = address.octets();
  std::memcpy(words, octets.data(), octets.size());
}

}  // namespace

inet_diag_sockid DiagIdOf(const DiagEnd& source, const DiagEnd& destination) {
  inet_diag_sockid id{};
  id.idiag_sport = htons(source.port);
  id.idiag_dport = htons(destination.port);
  Store(id.idiag_src, source.address);
  Store(id.idiag_dst, destination.address);
  id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return id;
}

std::optional<FlowKey> FlowKeyOf(const inet_diag_msg& report,
                                 std::uint8_t protocol) {
  const bool ipv4 = report.idiag_family == AF_INET;
  if (!ipv4 && report.idiag_family != AF_INET6) {
    return std::nullopt;
  }
  const std::size_t octets = BitsOf(ipv4 ? IpFamily::kV4 : IpFamily::kV6) / 8;
  FlowKey key;
  key.local = AddressOf(report.id.idiag_src, octets);
  key.remote = AddressOf(report.id.idiag_dst, octets);
  key.local_port = ntohs(report.id.idiag_sport);
  key.remote_port = ntohs(report.id.idiag_dport);
  key.protocol = protocol;
  return key;
}

SocketCookie CookieOf(const inet_diag_sockid& id) {
  constexpr unsigned kWordBits = 32;
  return SocketCookie{(std::uint64_t{id.idiag_cookie[1]} << kWordBits) |
                      id.idiag_cookie[0]};
}

}  // namespace postern
