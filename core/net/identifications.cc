// SPDX-License-Identifier: Apache-2.0

#include "core/net/identifications.h"

#include <array>

#include "core/bytes.h"

namespace postern {
namespace {

// The finalizer of MurmurHash3: every bit of the SPI reaches every bit.
std::uint32_t Mix(std::uint32_t word) {
  word = (word ^ word >> 16) * 0x85ebca6b;
  word = (word ^ word >> 13) * 0xc2b2ae35;
  return word ^ word >> 16;
}

}  // namespace

TunnelIds::TunnelIds(Spi spi)
    : start_(Mix(Number(spi)) & 0xffff), step_(Mix(Number(spi)) >> 16 | 1) {}

FragmentIds::FragmentIds() : key_(RandomHashKey()) {}

// A Feistel network of four rounds, whose functions are SipHash: a permutation
// that looks like any other (Luby, Rackoff: "How to construct pseudorandom
// permutations from pseudorandom functions").
std::uint32_t FragmentIds::Next() {
  const std::uint32_t count = count_++;
  auto left = static_cast<std::uint16_t>(count >> 16);
  auto right = static_cast<std::uint16_t>(count);
  for (std::uint8_t round = 0; round < 4; ++round) {
    const std::array<std::uint8_t, 3> octets{
        round, static_cast<std::uint8_t>(right >> 8),
        static_cast<std::uint8_t>(right)};
    const auto mixed =
        static_cast<std::uint16_t>(left ^ SipHash13(key_, octets));
    left = right;
    right = mixed;
  }
  return std::uint32_t{left} << 16 | right;
}

}  // namespace postern
