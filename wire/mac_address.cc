// SPDX-License-Identifier: Apache-2.0

#include "wire/mac_address.h"

#include <sys/random.h>

#include <cerrno>
#include <charconv>
#include <system_error>

namespace postern {
namespace {

constexpr std::size_t kTextSize = 17;
constexpr std::size_t kStep = 3;  // characters for each octet

Error NoMacAddress(std::string_view text) {
  return Invalid("\"" + std::string(text) +
                 "\" is no Ethernet address: write six pairs of hexadecimal "
                 "digits, \"02:00:5e:10:00:01\".");
}

}  // namespace

Result<MacAddress> MacAddress::Parse(std::string_view text) {
  if (text.size() != kTextSize) {
    return NoMacAddress(text);
  }
  MacAddress address;
  for (std::size_t i = 0; i < kOctets; ++i) {
    const std::string_view pair = text.substr(i * kStep, 2);
    const auto read = std::from_chars(pair.data(), pair.data() + pair.size(),
                                      address.octets_[i], 16);
    const bool ends = i + 1 == kOctets || text[i * kStep + 2] == ':';
    if (read.ec != std::errc() || read.ptr != pair.data() + pair.size() ||
        !ends) {
      return NoMacAddress(text);
    }
  }
  return address;
}

Result<MacAddress> MacAddress::Random() {
  MacAddress address;
  if (::getrandom(address.octets_.data(), kOctets, 0) !=
      static_cast<ssize_t>(kOctets)) {
    return SystemError("drawing an Ethernet address", errno);
  }
  constexpr std::uint8_t kGroup = 1;
  constexpr std::uint8_t kLocal = 2;
  address.octets_[0] =
      static_cast<std::uint8_t>((address.octets_[0] & ~kGroup) | kLocal);
  return address;
}

MacAddress MacAddress::OfGroup(const IpAddress& group) {
  const ConstBytes octets = group.octets();
  if (group.family() == IpFamily::kV6) {
    return MacAddress(
        {0x33, 0x33, octets[12], octets[13], octets[14], octets[15]});
  }
  constexpr std::uint8_t kLow7 = 0x7f;  // 23 bits of the group's are left
  return MacAddress({0x01, 0x00, 0x5e,
                     static_cast<std::uint8_t>(octets[1] & kLow7), octets[2],
                     octets[3]});
}

std::string MacAddress::ToString() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : octets_) {
    text += text.empty() ? "" : ":";
    text += kDigits[octet >> 4U];
    text += kDigits[octet & 0xfU];
  }
  return text;
}

}  // namespace postern
