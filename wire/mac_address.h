// SPDX-License-Identifier: Apache-2.0
//
// A MacAddress is an Ethernet address (IEEE 802: 48 bits), with those that IP
// multicast goes to.
//
// Thread safety: plain values.

#ifndef POSTERN_WIRE_MAC_ADDRESS_H_
#define POSTERN_WIRE_MAC_ADDRESS_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/error.h"
#include "core/net/ip_address.h"

namespace postern {

class MacAddress {
 public:
  static constexpr std::size_t kOctets = 6;

  // 00:00:00:00:00:00, which nobody has.
  constexpr MacAddress() = default;

  constexpr explicit MacAddress(const std::array<std::uint8_t, kOctets>& octets)
      : octets_(octets) {}

  // REQUIRES: octets.size() >= kOctets.
  static MacAddress FromOctets(ConstBytes octets) {
    MacAddress address;
    CopyBytes(address.octets_, octets.first(kOctets));
    return address;
  }

  // "02:00:5e:10:00:01". Errors: kInvalid.
  static Result<MacAddress> Parse(std::string_view text);

  // One that a machine may give itself (IEEE 802: unicast, locally administered),
  // by chance. Errors: kSystem.
  static Result<MacAddress> Random();

  static constexpr MacAddress Broadcast() {
    return MacAddress({0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  }

  // Where packets to this group go: RFC 1112 6.4, RFC 2464 7.
  // REQUIRES: group.is_multicast().
  static MacAddress OfGroup(const IpAddress& group);

  ConstBytes octets() const { return octets_; }

  // Of a group, or of all.
  constexpr bool is_group() const { return (octets_[0] & 1U) != 0; }

  // Whether a station may have it: not that of a group, and not 0.
  bool is_station() const { return !is_group() && *this != MacAddress(); }

  std::string ToString() const;

  friend auto operator<=>(const MacAddress&, const MacAddress&) = default;

 private:
  std::array<std::uint8_t, kOctets> octets_{};
};

}  // namespace postern

#endif  // POSTERN_WIRE_MAC_ADDRESS_H_
