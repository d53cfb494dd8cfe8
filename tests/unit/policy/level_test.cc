// SPDX-License-Identifier: Apache-2.0

#include "policy/level.h"

#include <array>
#include <optional>

#include "gtest/gtest.h"

namespace postern {
namespace {

// The draft's 1.2.2: "in order of least secure to most secure".
constexpr std::array kDraftOrder = {Level::kNone, Level::kAvail, Level::kUse,
                                    Level::kRequire, Level::kUnique};

TEST(Level, TakesTheStrongerOfEveryPairOfSystemAndSocket) {  // API-07, API-21
  // Row: system, column: socket, both in the draft's order.
  constexpr std::array<std::array<Level, 5>, 5> kTable = {{
      {Level::kNone, Level::kAvail, Level::kUse, Level::kRequire,
       Level::kUnique},
      {Level::kAvail, Level::kAvail, Level::kUse, Level::kRequire,
       Level::kUnique},
      {Level::kUse, Level::kUse, Level::kUse, Level::kRequire, Level::kUnique},
      {Level::kRequire, Level::kRequire, Level::kRequire, Level::kRequire,
       Level::kUnique},
      {Level::kUnique, Level::kUnique, Level::kUnique, Level::kUnique,
       Level::kUnique},
  }};
  for (std::size_t system = 0; system < 5; ++system) {
    for (std::size_t socket = 0; socket < 5; ++socket) {
      EXPECT_EQ(Effective(kDraftOrder[system], kDraftOrder[socket]),
                kTable[system][socket])
          << NameOf(kDraftOrder[system]) << " " << NameOf(kDraftOrder[socket]);
    }
  }
}

TEST(Level, LetsASocketBypassEverySystemLevel) {  // API-24
  for (const Level system : kDraftOrder) {
    EXPECT_EQ(Effective(system, Level::kBypass), Level::kBypass);
  }
}

TEST(Level, TellsBypassFromNone) {  // API-26
  EXPECT_NE(Level::kBypass, Level::kNone);
  EXPECT_EQ(Effective(Level::kRequire, Level::kNone), Level::kRequire);
}

TEST(Level, CallsNoneAlsoDefault) {  // API-10
  EXPECT_EQ(FindLevel("default"), Level::kNone);
  EXPECT_EQ(FindLevel("none"), Level::kNone);
}

TEST(Level, FindsEachLevelByItsName) {
  for (const Level level : kDraftOrder) {
    EXPECT_EQ(FindLevel(NameOf(level)), level);
  }
  EXPECT_EQ(FindLevel("bypass"), Level::kBypass);
  EXPECT_EQ(FindLevel("Require"), std::nullopt);
  EXPECT_EQ(FindLevel(""), std::nullopt);
}

TEST(LevelSet, CombinesEachCategoryOnItsOwn) {  // API-21
  for (const Category raised : kCategories) {
    LevelSet system;
    system.Set(raised, Level::kRequire);
    const LevelSet effective = Effective(system, LevelSet());
    for (const Category category : kCategories) {
      EXPECT_EQ(effective.of(category),
                category == raised ? Level::kRequire : Level::kNone);
    }
  }
}

TEST(LevelSet, ChangesOneCategoryAndNoOther) {  // API-02
  LevelSet levels;
  levels.Set(Category::kEspTransport, Level::kAvail);
  levels.Set(Category::kAh, Level::kRequire);
  levels.Set(Category::kEspNetwork, Level::kBypass);
  EXPECT_EQ(levels.of(Category::kEspTransport), Level::kAvail);
  EXPECT_EQ(levels.of(Category::kAh), Level::kRequire);
  EXPECT_EQ(levels.of(Category::kEspNetwork), Level::kBypass);
}

TEST(LevelSet, BeginsAtNoneEverywhere) {  // API-09
  EXPECT_TRUE(LevelSet().empty());
  for (const Category category : kCategories) {
    EXPECT_EQ(LevelSet().of(category), Level::kNone);
  }
}

TEST(LevelSet, SurvivesPacking) {
  constexpr std::array kAll = {Level::kNone,    Level::kAvail,  Level::kUse,
                               Level::kRequire, Level::kUnique, Level::kBypass};
  for (const Level esp : kAll) {
    for (const Level ah : kAll) {
      for (const Level network : kAll) {
        LevelSet levels;
        levels.Set(Category::kEspTransport, esp);
        levels.Set(Category::kAh, ah);
        levels.Set(Category::kEspNetwork, network);
        EXPECT_EQ(LevelSet::Unpack(levels.Pack()), levels);
        EXPECT_EQ(levels.Pack() == 0, levels.empty());
      }
    }
  }
}

TEST(LevelSet, PrintsEveryCategory) {
  LevelSet levels;
  levels.Set(Category::kAh, Level::kRequire);
  EXPECT_EQ(levels.ToString(),
            "esp_transport=none ah=require esp_network=none");
}

TEST(LevelSet, LowersUniqueToRequireWhereNoSessionIs) {
  LevelSet system;
  system.Set(Category::kAh, Level::kUnique);
  system.Set(Category::kEspNetwork, Level::kUse);
  const LevelSet levels = WithoutSession(system);
  EXPECT_EQ(levels.of(Category::kAh), Level::kRequire);
  EXPECT_EQ(levels.of(Category::kEspNetwork), Level::kUse);
}

TEST(Category, IsServedByOneProtocolAndMode) {
  EXPECT_EQ(ProtocolOf(Category::kEspTransport), IpsecProtocol::kEsp);
  EXPECT_EQ(ModeOf(Category::kEspTransport), IpsecMode::kTransport);
  EXPECT_EQ(ProtocolOf(Category::kAh), IpsecProtocol::kAh);
  EXPECT_EQ(ModeOf(Category::kAh), IpsecMode::kTransport);
  EXPECT_EQ(ProtocolOf(Category::kEspNetwork), IpsecProtocol::kEsp);
  EXPECT_EQ(ModeOf(Category::kEspNetwork), IpsecMode::kTunnel);
}

TEST(Category, IsFoundByWhatServesItAndByNothingElse) {
  for (const auto protocol : {IpsecProtocol::kEsp, IpsecProtocol::kAh}) {
    for (const auto mode :
         {IpsecMode::kTransport, IpsecMode::kTunnel, IpsecMode::kBeet}) {
      std::optional<Category> served;
      for (const Category category : kCategories) {
        if (ProtocolOf(category) == protocol && ModeOf(category) == mode) {
          served = category;
        }
      }
      EXPECT_EQ(FindCategory(protocol, mode), served)
          << static_cast<int>(protocol) << ", " << static_cast<int>(mode);
    }
  }
}

}  // namespace
}  // namespace postern
