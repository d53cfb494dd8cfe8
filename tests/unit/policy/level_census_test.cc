// SPDX-License-Identifier: Apache-2.0

#include "policy/level_census.h"

#include <memory>

#include "gtest/gtest.h"

#include "policy/socket_table.h"

namespace postern {
namespace {

LevelSet Ah(Level level) {
  LevelSet levels;
  levels.Set(Category::kAh, level);
  return levels;
}

TEST(LevelCensus, NamesTheStrongestLevelOfEachCategory) {
  LevelCensus census;
  EXPECT_TRUE(census.Strongest().empty());
  census.Enter(Ah(Level::kUse));
  census.Enter(Ah(Level::kRequire));
  EXPECT_EQ(census.Strongest(), Ah(Level::kRequire));
  census.Leave(Ah(Level::kRequire));
  EXPECT_EQ(census.Strongest(), Ah(Level::kUse));
}

TEST(LevelCensus, DoesNotCountBypass) {
  LevelCensus census;
  census.Enter(Ah(Level::kBypass));
  EXPECT_EQ(census.Strongest().of(Category::kAh), Level::kNone);
  census.Leave(Ah(Level::kBypass));
  EXPECT_TRUE(census.Strongest().empty());
}

TEST(LevelCensus, FollowsPoliciesUntilNobodyHoldsThem) {
  const auto census = std::make_shared<LevelCensus>();
  auto policy = std::make_shared<SocketPolicy>(
      LevelSet(), SocketPolicy::Books{.census = census});
  policy->SetLevel(Category::kAh, Level::kUnique);
  EXPECT_EQ(census->Strongest(), Ah(Level::kUnique));
  policy->SetLevel(Category::kAh, Level::kAvail);
  EXPECT_EQ(census->Strongest(), Ah(Level::kAvail));
  policy.reset();
  EXPECT_TRUE(census->Strongest().empty());
}

}  // namespace
}  // namespace postern
