// SPDX-License-Identifier: Apache-2.0

#include "core/ipsec.h"

#include <array>
#include <charconv>

namespace postern {

std::string ToString(Spi spi) {
  constexpr std::size_t kDigits = 8;
  std::array<char, kDigits> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                  Number(spi), 16)
                        .ptr;
  const std::string hex(digits.data(), end);
  return "0x" + std::string(kDigits - hex.size(), '0') + hex;
}

}  // namespace postern
