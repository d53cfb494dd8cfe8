// SPDX-License-Identifier: Apache-2.0

#include "sockapi/level_words.h"

#include <string>

#include "gtest/gtest.h"

namespace postern {
namespace {

TEST(LevelWords, UnderstandsWhatPosternExecWrites) {
  const auto wishes =
      ParseLevelWishes("esp_transport=use,ah=require,esp_network=none");
  ASSERT_TRUE(wishes.has_value());
  EXPECT_EQ(*wishes,
            (LevelWishes{ApiLevel::kUse, ApiLevel::kRequire, ApiLevel::kNone}));
}

TEST(LevelWords, LeavesAbsentWhatIsNotInTheList) {
  const auto wishes = ParseLevelWishes("ah=require");
  ASSERT_TRUE(wishes.has_value());
  EXPECT_EQ(*wishes, (LevelWishes{ApiLevel::kAbsent, ApiLevel::kRequire,
                                  ApiLevel::kAbsent}));
}

TEST(LevelWords, KnowsEveryLevelAndTakesDefaultForNone) {
  for (const LevelWord& level : kLevelWords) {
    const auto wishes =
        ParseLevelWishes("esp_network=" + std::string(level.word));
    ASSERT_TRUE(wishes.has_value()) << level.word;
    EXPECT_EQ((*wishes)[2], level.level);
  }
  EXPECT_EQ((*ParseLevelWishes("ah=default"))[1], ApiLevel::kNone);
}

TEST(LevelWords, RefusesEverythingElse) {
  for (const char* bad : {"",
                          ",",
                          "=",
                          "ah",
                          "ah=",
                          "=require",
                          "ah=requir",
                          "ah=requires",
                          "AH=require",
                          "ah=Require",
                          " ah=require",
                          "ah=require ",
                          "ah = require",
                          "ah=require,",
                          ",ah=require",
                          "ah=require,,esp_network=use",
                          "ah=require;esp_network=use",
                          "ah=3",
                          "auth=require",
                          "ah=require,ah=require",
                          "ah=use,ah=require",
                          "ah==require",
                          "ah=require=use",
                          "esp_transport",
                          "ah=require\n"}) {
    EXPECT_FALSE(ParseLevelWishes(bad).has_value()) << '"' << bad << '"';
  }
}

}  // namespace
}  // namespace postern
