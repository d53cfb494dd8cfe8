// SPDX-License-Identifier: Apache-2.0

#include "core/net/ipv4_options.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/hex.h"

namespace postern {
namespace {

// "type@offset:octets" of each option, "!" where the walk was refused. Ends on
// its own only if the walk does.
std::vector<std::string> Walk(ConstBytes octets) {
  std::vector<std::string> seen;
  Ipv4Options options(octets);
  for (;;) {
    const Opinion<std::optional<Ipv4Option>> next = options.Next();
    if (!next.ok()) {
      EXPECT_EQ(next.error(), DropReason::kBadIpOption);
      seen.emplace_back("!");
      EXPECT_TRUE(options.Next().ok());  // over
      EXPECT_FALSE(options.Next()->has_value());
      return seen;
    }
    if (!next->has_value()) {
      return seen;
    }
    seen.push_back(std::to_string((*next)->type) + "@" +
                   std::to_string((*next)->offset) + ":" +
                   ToHex((*next)->octets));
  }
}

using Seen = std::vector<std::string>;

TEST(Ipv4Options, YieldsWholeOptions) {
  EXPECT_EQ(Walk(Hex("01 83 07 04 c0000201 94 04 0000")),
            (Seen{"1@0:01", "131@1:830704c0000201", "148@8:94040000"}));
}

TEST(Ipv4Options, YieldsNothingOfNothing) {
  EXPECT_EQ(Walk({}), Seen{});
}

TEST(Ipv4Options, EndsAtTheEndOfTheListWhateverFollows) {
  EXPECT_EQ(Walk(Hex("01 00 83 00 ff ff")), (Seen{"1@0:01", "0@1:00"}));
}

// DEF-13: a length of 0 or 1 must not stand still.
TEST(Ipv4Options, RefusesLengthsZeroAndOne) {
  for (const char* octets : {"83 00 0000", "83 01 0000", "01 44 00 01"}) {
    EXPECT_EQ(Walk(Hex(octets)).back(), "!") << octets;
  }
}

TEST(Ipv4Options, TakesALengthOfTwo) {
  EXPECT_EQ(Walk(Hex("83 02 01 01")), (Seen{"131@0:8302", "1@2:01", "1@3:01"}));
}

TEST(Ipv4Options, RefusesLengthsPastTheEnd) {
  EXPECT_EQ(Walk(Hex("83 04 00")), Seen{"!"});
  EXPECT_EQ(Walk(Hex("83 ff 00 00")), Seen{"!"});
  EXPECT_EQ(Walk(Hex("83")), Seen{"!"});
  EXPECT_EQ(Walk(Hex("01 01 01 83")).back(), "!");
}

// DEF-13: all types with all lengths; every accepted walk covers its octets
// in order, every step moves on.
TEST(Ipv4Options, JudgesEveryTypeWithEveryLength) {
  for (unsigned type = 0; type < 256; ++type) {
    for (unsigned length = 0; length < 256; ++length) {
      std::vector<std::uint8_t> octets(40, 1);  // no-operation
      octets[0] = static_cast<std::uint8_t>(type);
      octets[1] = static_cast<std::uint8_t>(length);
      const bool one_octet = type < 2;
      const bool fits = length >= 2 && length <= 40;
      if (one_octet) {
        continue;  // what follows is an option of its own
      }
      EXPECT_EQ(CheckIpv4Options(octets).ok(), fits) << type << ": " << length;
      if (fits) {
        EXPECT_EQ(Walk(octets).size(), 1 + 40 - length);
      }
    }
  }
}

TEST(Ipv4Options, HasDataBehindTypeAndLength) {
  const std::vector<std::uint8_t> octets = Hex("83 04 aabb 01");
  Ipv4Options options(octets);
  EXPECT_EQ(ToHex((*options.Next())->data()), "aabb");
  EXPECT_TRUE((*options.Next())->data().empty());
}

}  // namespace
}  // namespace postern
