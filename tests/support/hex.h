// SPDX-License-Identifier: Apache-2.0
//
// Octets written as hexadecimal digits in tests: Hex("45 00 0014"). Spaces are
// skipped; anything else ends the test program, so a typo cannot pass unseen.

#ifndef POSTERN_TESTS_SUPPORT_HEX_H_
#define POSTERN_TESTS_SUPPORT_HEX_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"

namespace postern {

std::vector<std::uint8_t> Hex(std::string_view digits);

// "45000014".
std::string ToHex(ConstBytes octets);

}  // namespace postern

#endif  // POSTERN_TESTS_SUPPORT_HEX_H_
