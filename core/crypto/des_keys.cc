// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/des_keys.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace postern {
namespace {

constexpr std::size_t kSize = 8;

constexpr std::array<std::uint64_t, 16> kWeak = {
    // Weak: the own inverse.
    0x0101010101010101, 0xfefefefefefefefe, 0x1f1f1f1f0e0e0e0e,
    0xe0e0e0e0f1f1f1f1,
    // Semi-weak, in pairs: each other's inverse.
    0x01fe01fe01fe01fe, 0xfe01fe01fe01fe01, 0x1fe01fe00ef10ef1,
    0xe01fe01ff10ef10e, 0x01e001e001f101f1, 0xe001e001f101f101,
    0x1ffe1ffe0efe0efe, 0xfe1ffe1ffe0efe0e, 0x011f011f010e010e,
    0x1f011f010e010e01, 0xe0fee0fef1fef1fe, 0xfee0fee0fef1fef1};

// All bits that differ, parity aside.
std::uint64_t Difference(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kNoParity = 0xfefefefefefefefe;
  return (a ^ b) & kNoParity;
}

std::uint64_t Part(ConstBytes key, std::size_t index) {
  return LoadBe<std::uint64_t>(key.subspan(index * kSize));
}

}  // namespace

bool IsWeakDesKey(ConstBytes key) {
  const std::uint64_t number = Part(key, 0);
  unsigned matches = 0;
  for (const std::uint64_t weak : kWeak) {
    matches += unsigned{Difference(number, weak) == 0};
  }
  return matches != 0;
}

bool IsWeakTripleDesKey(ConstBytes key) {
  unsigned matches = unsigned{Difference(Part(key, 0), Part(key, 1)) == 0} +
                     unsigned{Difference(Part(key, 1), Part(key, 2)) == 0};
  for (std::size_t i = 0; i < 3; ++i) {
    matches += unsigned{IsWeakDesKey(key.subspan(i * kSize, kSize))};
  }
  return matches != 0;
}

}  // namespace postern
