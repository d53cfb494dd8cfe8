// SPDX-License-Identifier: Apache-2.0

#include "core/net/ip_address.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "core/keyed_hash.h"

namespace postern {
namespace {

constexpr std::size_t kV4Size = 4;
constexpr std::size_t kV6Size = 16;
constexpr std::size_t kMappedPrefixSize = 12;
constexpr std::array<std::uint8_t, kMappedPrefixSize> kMappedPrefix = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

Error NotAnAddress(std::string_view text) {
  return Invalid("\"" + std::string(text) +
                 "\" is not an IP address; write one like 192.0.2.1 or "
                 "2001:db8::1");
}

Error NotAPrefix(std::string_view text) {
  return Invalid("\"" + std::string(text) +
                 "\" is not an IP prefix; write one like 192.0.2.0/24 or "
                 "2001:db8::/32");
}

std::optional<unsigned> ParseLength(std::string_view text, unsigned most) {
  unsigned length = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, length);
  if (failure != std::errc() || stop != end || length > most) {
    return std::nullopt;
  }
  return length;
}

// `octets` with all bits behind the first `length` zero.
void ZeroBehind(Bytes octets, unsigned length) {
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const std::size_t kept =
        std::clamp<std::size_t>(length, i * 8, i * 8 + 8) - i * 8;
    octets[i] = static_cast<std::uint8_t>(octets[i] & (0xff00 >> kept));
  }
}

}  // namespace

Result<IpAddress> IpAddress::Parse(std::string_view text) {
  // inet_pton() wants a terminated string; a longer text is no address.
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() ||
      text.find('\0') != std::string_view::npos) {
    return NotAnAddress(text.substr(0, INET6_ADDRSTRLEN));
  }
  std::copy(text.begin(), text.end(), terminated.begin());

  const bool v6 = text.find(':') != std::string_view::npos;
  IpAddress address;
  address.family_ = v6 ? IpFamily::kV6 : IpFamily::kV4;
  if (::inet_pton(v6 ? AF_INET6 : AF_INET, terminated.data(),
                  address.octets_.data()) != 1) {
    return NotAnAddress(text);
  }
  return address;
}

bool IpAddress::is_unspecified() const {
  return std::all_of(octets_.begin(), octets_.end(),
                     [](std::uint8_t octet) { return octet == 0; });
}

bool IpAddress::is_multicast() const {
  return family_ == IpFamily::kV4 ? (octets_[0] & 0xf0) == 0xe0
                                  : octets_[0] == 0xff;
}

bool IpAddress::is_link_local() const {
  return family_ == IpFamily::kV4
             ? octets_[0] == 169 && octets_[1] == 254
             : octets_[0] == 0xfe && (octets_[1] & 0xc0) == 0x80;
}

IpAddress IpAddress::Unmapped() const {
  const bool mapped =
      family_ == IpFamily::kV6 &&
      std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets_.begin());
  return mapped ? FromOctets(octets().last(kV4Size)) : *this;
}

std::string IpAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = family_ == IpFamily::kV4 ? AF_INET : AF_INET6;
  if (::inet_ntop(family, octets_.data(), text.data(), text.size()) ==
      nullptr) {
    std::abort();  // the buffer is large enough for both families
  }
  return text.data();
}

std::size_t IpAddressHash::operator()(const IpAddress& address) const {
  return KeyedHash(address.octets());
}

IpPrefix::IpPrefix(const IpAddress& address, unsigned length)
    : length_(length) {
  if (length > BitsOf(address.family())) {
    std::abort();
  }
  std::array<std::uint8_t, kV6Size> octets{};
  const Bytes used = Bytes(octets).first(address.octets().size());
  CopyBytes(used, address.octets());
  ZeroBehind(used, length);
  address_ = IpAddress::FromOctets(used);
}

Result<IpPrefix> IpPrefix::Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const Result<IpAddress> address = IpAddress::Parse(text.substr(0, slash));
  if (!address.ok()) {
    return NotAPrefix(text.substr(0, INET6_ADDRSTRLEN + 4));
  }
  const unsigned bits = BitsOf(address->family());
  const std::optional<unsigned> length =
      slash == std::string_view::npos
          ? bits
          : ParseLength(text.substr(slash + 1), bits);
  if (!length.has_value()) {
    return Invalid("the prefix length of \"" +
                   std::string(text.substr(0, INET6_ADDRSTRLEN + 4)) +
                   "\" must be a number from 0 to " + std::to_string(bits));
  }
  IpPrefix prefix(*address, *length);
  if (prefix.address() != *address) {
    return Invalid("\"" + std::string(text) +
                   "\" has bits set behind its length; did you mean " +
                   prefix.ToString() + "?");
  }
  return prefix;
}

bool IpPrefix::Contains(const IpAddress& address) const {
  if (address.family() != address_.family()) {
    return false;
  }
  const ConstBytes ours = address_.octets();
  const ConstBytes theirs = address.octets();
  const std::size_t whole = length_ / 8;
  if (!std::equal(ours.begin(), ours.begin() + static_cast<long>(whole),
                  theirs.begin())) {
    return false;
  }
  const unsigned rest = length_ % 8;
  return rest == 0 ||
         ((ours[whole] ^ theirs[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

std::string IpPrefix::ToString() const {
  return address_.ToString() + "/" + std::to_string(length_);
}

}  // namespace postern
