// SPDX-License-Identifier: Apache-2.0
//
// IpAddress is one IPv4 or IPv6 address; IpPrefix is an address and a length,
// with the bits behind the length zero.
//
// An IPv4 address is kept in the first four octets of the sixteen, the rest
// zero, and never equals an IPv6 address (not even a v4-mapped one).
//
// Thread safety: plain values. Cost: no allocation except in ToString().

#ifndef POSTERN_CORE_NET_IP_ADDRESS_H_
#define POSTERN_CORE_NET_IP_ADDRESS_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/error.h"

namespace postern {

enum class IpFamily : std::uint8_t { kV4 = 4, kV6 = 6 };

// Bits in an address of this family: 32 or 128.
constexpr unsigned BitsOf(IpFamily family) {
  return family == IpFamily::kV4 ? 32 : 128;
}

class IpAddress {
 public:
  // 0.0.0.0.
  constexpr IpAddress() = default;

  static constexpr std::size_t kV4Octets = 4;
  static constexpr std::size_t kV6Octets = 16;

  // By the words that operator== compares, so that a packet's address goes there
  // in registers.
  static IpAddress FromV4(std::span<const std::uint8_t, kV4Octets> octets) {
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), octets.data(), octets.size());
    return {IpFamily::kV4, words};
  }

  static IpAddress FromV6(std::span<const std::uint8_t, kV6Octets> octets) {
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), octets.data(), octets.size());
    return {IpFamily::kV6, words};
  }

  // REQUIRES: octets.size() is 4 (IPv4) or 16 (IPv6). Checked in every
  //   build.
  static IpAddress FromOctets(ConstBytes octets) {
    if (octets.size() == kV4Octets) {
      return FromV4(octets.first<kV4Octets>());
    }
    if (octets.size() != kV6Octets) {
      std::abort();
    }
    return FromV6(octets.first<kV6Octets>());
  }

  // "192.0.2.1" or "2001:db8::1". Errors: kInvalid.
  static Result<IpAddress> Parse(std::string_view text);

  IpFamily family() const { return family_; }

  // 4 or 16 octets in network order.
  ConstBytes octets() const {
    return ConstBytes(octets_).first(BitsOf(family_) / 8);
  }

  bool is_unspecified() const;
  bool is_multicast() const;
  bool is_link_local() const;  // 169.254/16, fe80::/10

  // The IPv4 address inside ::ffff:a.b.c.d; any other address unchanged.
  IpAddress Unmapped() const;

  std::string ToString() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

  // Without a call of memcmp(): every packet compares addresses.
  friend bool operator==(const IpAddress& one, const IpAddress& other) {
    const std::array<std::uint64_t, 2> mine = one.words();
    const std::array<std::uint64_t, 2> theirs = other.words();
    return one.family_ == other.family_ && mine[0] == theirs[0] &&
           mine[1] == theirs[1];
  }

 private:
  friend struct IpAddressHash;

  IpAddress(IpFamily family, const std::array<std::uint64_t, 2>& words)
      : family_(family) {
    std::memcpy(octets_.data(), words.data(), octets_.size());
  }

  std::array<std::uint64_t, 2> words() const {
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), octets_.data(), octets_.size());
    return words;
  }

  IpFamily family_ = IpFamily::kV4;
  std::array<std::uint8_t, 16> octets_{};
};

struct IpAddressHash {
  std::size_t operator()(const IpAddress& address) const;
};

class IpPrefix {
 public:
  // 0.0.0.0/0.
  constexpr IpPrefix() = default;

  // The prefix of this length that holds `address`.
  // REQUIRES: length <= BitsOf(address.family()).
  IpPrefix(const IpAddress& address, unsigned length);

  // "10.0.0.0/8", "2001:db8::/32", or an address alone (a /32 or /128).
  // Errors: kInvalid, also when bits behind the length are set (the message
  // tells the prefix that was probably meant).
  static Result<IpPrefix> Parse(std::string_view text);

  const IpAddress& address() const { return address_; }

  unsigned length() const { return length_; }

  bool Contains(const IpAddress& address) const;

  std::string ToString() const;

  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;

 private:
  IpAddress address_;
  unsigned length_ = 0;
};

}  // namespace postern

template <>
struct std::hash<postern::IpAddress> : postern::IpAddressHash {};

#endif  // POSTERN_CORE_NET_IP_ADDRESS_H_
