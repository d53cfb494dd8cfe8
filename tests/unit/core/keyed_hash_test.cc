// SPDX-License-Identifier: Apache-2.0

#include "core/keyed_hash.h"

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace postern {
namespace {

std::uint64_t Sip(const HashKey& key, std::string_view text) {
  const std::vector<std::uint8_t> octets(text.begin(), text.end());
  return SipHash13(key, octets);
}

// CPython 3.11 hashes octets with SipHash-1-3, under a key of zero when
// PYTHONHASHSEED is 0.
TEST(KeyedHash, AgreesWithCPythonsSipHash) {
  EXPECT_EQ(Sip({}, "a"), 0x407448d2b89b1813U);
  EXPECT_EQ(Sip({}, "abc"), 0xc03bc3a0042630f2U);
  EXPECT_EQ(Sip({}, "01234567"), 0xda3dcedf84ea6cc6U);
  EXPECT_EQ(Sip({}, "the quick brown fox jumps"), 0x00c98b97e4f70042U);
}

TEST(KeyedHash, DependsOnBothHalvesOfTheKey) {
  const std::set<std::uint64_t> hashes = {
      Sip({0, 0}, "abc"), Sip({1, 0}, "abc"), Sip({0, 1}, "abc")};
  EXPECT_EQ(hashes.size(), 3U);
}

TEST(KeyedHash, IsStableWithinAProcessAndNotUnderAZeroKey) {
  const std::vector<std::uint8_t> octets = {1, 2, 3};
  EXPECT_EQ(KeyedHash(octets), KeyedHash(octets));
  EXPECT_NE(KeyedHash(octets), SipHash13({}, octets));
}

}  // namespace
}  // namespace postern
