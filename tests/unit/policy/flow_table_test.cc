// SPDX-License-Identifier: Apache-2.0

#include "policy/flow_table.h"

#include <memory>

#include "gtest/gtest.h"

namespace postern {
namespace {

FlowKey KeyOf(std::uint16_t port) {
  FlowKey key;
  key.local = IpAddress::Parse("10.9.1.1").value();
  key.remote = IpAddress::Parse("10.9.2.1").value();
  key.local_port = port;
  key.remote_port = 80;
  key.protocol = 6;
  return key;
}

TEST(FlowTable, ForgetsWhatItNeverSaw) {
  FlowTable table(1);
  EXPECT_EQ(table.Find(KeyOf(1)), nullptr);
  // Nor does a free slot look like the key of all zeros.
  EXPECT_EQ(table.Find(FlowKey()), nullptr);
}

TEST(FlowTable, HandsOutAFreshEntryEachTime) {
  FlowTable table(8);
  table.Insert(KeyOf(1)).discard = DropReason::kDiscardRoute;
  const Flow& again = table.Insert(KeyOf(1));
  EXPECT_FALSE(again.discard);
  EXPECT_EQ(again.key, KeyOf(1));
}

TEST(FlowTable, ReplacesTheLeastRecentlyUsed) {
  FlowTable table(1);  // one set
  ASSERT_EQ(table.capacity(), FlowTable::kWays);
  for (std::uint16_t i = 0; i < FlowTable::kWays; ++i) {
    table.Insert(KeyOf(i));
  }
  EXPECT_NE(table.Find(KeyOf(0)), nullptr);  // now 1 is the oldest
  table.Insert(KeyOf(100));
  EXPECT_EQ(table.Find(KeyOf(1)), nullptr);
  EXPECT_NE(table.Find(KeyOf(0)), nullptr);
  EXPECT_NE(table.Find(KeyOf(100)), nullptr);
}

TEST(FlowTable, ReusesAnErasedSlotFirst) {
  FlowTable table(1);
  for (std::uint16_t i = 0; i < FlowTable::kWays; ++i) {
    table.Insert(KeyOf(i));
  }
  table.Erase(KeyOf(5));
  table.Erase(KeyOf(5));
  EXPECT_EQ(table.Find(KeyOf(5)), nullptr);
  table.Insert(KeyOf(100));
  EXPECT_NE(table.Find(KeyOf(0)), nullptr);
}

TEST(FlowTable, LetsGoOfThePolicyOfAnErasedFlow) {
  FlowTable table(1);
  auto policy = std::make_shared<SocketPolicy>(LevelSet());
  table.Insert(KeyOf(1)).policy = policy;
  EXPECT_EQ(policy.use_count(), 2);
  table.Erase(KeyOf(1));
  EXPECT_EQ(policy.use_count(), 1);
}

TEST(FlowTable, HasRoomForAtLeastWhatWasAsked) {
  for (const std::size_t flows : {1u, 8u, 9u, 1000u, 65536u}) {
    EXPECT_GE(FlowTable(flows).capacity(), flows);
  }
}

TEST(FlowTableDeathTest, RefusesNoRoomAtAll) {
  EXPECT_DEATH(FlowTable(0), "");
}

}  // namespace
}  // namespace postern
