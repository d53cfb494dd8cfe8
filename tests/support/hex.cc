// SPDX-License-Identifier: Apache-2.0

#include "tests/support/hex.h"

#include <cstdio>
#include <cstdlib>

namespace postern {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

std::uint8_t DigitOf(char c) {
  const std::size_t digit =
      kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 0x20) : c);
  if (digit == std::string_view::npos) {
    std::fprintf(stderr, "Hex(): '%c' is no hexadecimal digit\n", c);
    std::abort();
  }
  return static_cast<std::uint8_t>(digit);
}

}  // namespace

std::vector<std::uint8_t> Hex(std::string_view digits) {
  std::vector<std::uint8_t> nibbles;
  for (const char c : digits) {
    if (c != ' ' && c != '\n') {
      nibbles.push_back(DigitOf(c));
    }
  }
  if (nibbles.size() % 2 != 0) {
    std::fprintf(stderr, "Hex(): an odd number of digits\n");
    std::abort();
  }
  std::vector<std::uint8_t> octets;
  for (std::size_t i = 0; i < nibbles.size(); i += 2) {
    octets.push_back(
        static_cast<std::uint8_t>(nibbles[i] << 4 | nibbles[i + 1]));
  }
  return octets;
}

std::string ToHex(ConstBytes octets) {
  std::string text;
  for (const std::uint8_t octet : octets) {
    text += kDigits[octet >> 4];
    text += kDigits[octet & 0xf];
  }
  return text;
}

}  // namespace postern
