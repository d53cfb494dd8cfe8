// SPDX-License-Identifier: Apache-2.0

#include "core/net/identifications.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace postern {
namespace {

std::set<std::uint16_t> FirstOf(std::uint32_t spi, std::uint64_t count) {
  const TunnelIds ids(Spi{spi});
  std::set<std::uint16_t> all;
  for (std::uint64_t seq = 1; seq <= count; ++seq) {
    all.insert(ids.Of(seq));
  }
  return all;
}

// TUN-19
TEST(TunnelIds, OneSaRepeatsNoneWithin65536Packets) {
  for (const std::uint32_t spi : {0u, 256u, 0x1001u, 0xffffffffu}) {
    EXPECT_EQ(FirstOf(spi, 65536).size(), 65536u) << spi;
    EXPECT_EQ(TunnelIds(Spi{spi}).Of(5), TunnelIds(Spi{spi}).Of(65541));
  }
}

// TUN-19: at random, 1000 numbers of 65536 and 1000 others have 15 in common.
TEST(TunnelIds, NeighboursDoNotGoTogether) {
  std::size_t in_all = 0;
  constexpr std::uint32_t kPairs = 256;
  for (std::uint32_t spi = 0x1000; spi < 0x1000 + kPairs; ++spi) {
    const auto one = FirstOf(spi, 1000);
    const auto other = FirstOf(spi + 1, 1000);
    const auto common = std::ranges::count_if(
        one, [&](std::uint16_t id) { return other.contains(id); });
    EXPECT_LT(common, 400) << spi;
    in_all += static_cast<std::size_t>(common);
    EXPECT_NE(TunnelIds(Spi{spi}).Of(1), TunnelIds(Spi{spi + 1}).Of(1));
  }
  EXPECT_LT(in_all / kPairs, 30u);
}

// RFC 7739 3: no repetition, and the next is none of those that a guess from the
// last ones tries first.
TEST(FragmentIds, RepeatNothingAndTellNothingOfTheNext) {
  FragmentIds ids;
  std::set<std::uint32_t> seen;
  std::uint32_t last = 0;
  int close = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint32_t id = ids.Next();
    EXPECT_TRUE(seen.insert(id).second);
    const std::uint32_t apart = std::min(id - last, last - id);
    close += apart < 0x10000 ? 1 : 0;
    last = id;
  }
  // One of 2^15 at random: three.
  EXPECT_LT(close, 30);
}

TEST(FragmentIds, TwoOfThemDiffer) {
  FragmentIds one;
  FragmentIds other;
  int same = 0;
  for (int i = 0; i < 100; ++i) {
    same += one.Next() == other.Next() ? 1 : 0;
  }
  EXPECT_LT(same, 3);
}

}  // namespace
}  // namespace postern
