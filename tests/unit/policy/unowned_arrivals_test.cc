// SPDX-License-Identifier: Apache-2.0

#include "policy/unowned_arrivals.h"

#include "tests/unit/policy/policy_world.h"

namespace postern {
namespace {

constexpr Instant kStart{std::chrono::hours(1)};

FlowKey FlowTo(std::size_t number) {
  return {Address(kHere), Address(kPeer),
          static_cast<std::uint16_t>(number & 0xffff), 80, 17};
}

CategorySet Only(Category category) {
  CategorySet set;
  set.Add(category);
  return set;
}

TEST(UnownedArrivals, RemembersTheLastPacketOfAFlowForAMoment) {
  UnownedArrivals arrivals;
  EXPECT_TRUE(arrivals.Find(FlowTo(1), kStart).empty());
  arrivals.Note(FlowTo(1), Only(Category::kAh), kStart);
  arrivals.Note(FlowTo(1), Only(Category::kEspTransport), kStart);
  EXPECT_EQ(arrivals.Find(FlowTo(1), kStart), Only(Category::kEspTransport));
  EXPECT_TRUE(arrivals.Find(FlowTo(2), kStart).empty());
  EXPECT_TRUE(
      arrivals.Find(FlowTo(1), kStart + UnownedArrivals::kMemory).empty());
}

TEST(UnownedArrivals, RemembersThatAnyPacketCame) {
  UnownedArrivals arrivals;
  arrivals.NoteAny(kStart);
  arrivals.NoteAny(kStart + std::chrono::milliseconds(500));
  EXPECT_TRUE(arrivals.FindAny(kStart + std::chrono::milliseconds(500) +
                               UnownedArrivals::kMemory));
  EXPECT_FALSE(arrivals.FindAny(kStart + std::chrono::seconds(2) +
                                UnownedArrivals::kMemory));
  EXPECT_TRUE(arrivals.Find(FlowTo(1), kStart).empty());
}

// Linux tells of fragments that never became whole after up to 60 s.
TEST(UnownedArrivals, OutliveTheKernelsFragments) {
  UnownedArrivals arrivals;
  EXPECT_FALSE(arrivals.FindAny(kStart));
  arrivals.Note(FlowTo(1), Only(Category::kAh), kStart);
  const Instant late = kStart + std::chrono::seconds(61);
  EXPECT_EQ(arrivals.Find(FlowTo(1), late), Only(Category::kAh));
  EXPECT_TRUE(arrivals.FindAny(late));
  EXPECT_FALSE(arrivals.FindAny(kStart + UnownedArrivals::kMemory));
}

// A peer that floods us must not make us tell in clear what another one sent.
TEST(UnownedArrivals, TakesNobodyForClearWhileItHasForgottenSomebody) {
  UnownedArrivals arrivals;
  arrivals.Note(FlowTo(0), Only(Category::kEspTransport), kStart);
  for (std::size_t i = 1; i <= UnownedArrivals::kMost; ++i) {
    EXPECT_TRUE(arrivals.Find(FlowTo(9999), kStart).empty());
    arrivals.Note(FlowTo(i), Only(Category::kAh), kStart);
  }
  EXPECT_EQ(arrivals.Find(FlowTo(0), kStart), Only(Category::kEspTransport));
  EXPECT_EQ(arrivals.Find(FlowTo(9999), kStart), Only(Category::kEspTransport));
  EXPECT_EQ(arrivals.Find(FlowTo(1), kStart), Only(Category::kAh));
  EXPECT_TRUE(
      arrivals.Find(FlowTo(0), kStart + UnownedArrivals::kMemory).empty());
}

}  // namespace
}  // namespace postern
