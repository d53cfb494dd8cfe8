// SPDX-License-Identifier: Apache-2.0

#include "policy/cgroup_table.h"

#include <limits.h>

#include <array>
#include <string>
#include <tuple>

#include "gtest/gtest.h"

namespace postern {
namespace {

LevelSet Ah(Level level) {
  LevelSet levels;
  levels.Set(Category::kAh, level);
  return levels;
}

TEST(CgroupPath, IsMadeNormal) {
  const std::array<std::tuple<const char*, const char*>, 6> table = {{
      {"/", "/"},
      {"///", "/"},
      {"/a/b", "/a/b"},
      {"/a//b/", "/a/b"},
      {"/./a/.", "/a"},
      {"/a b/...", "/a b/..."},
  }};
  for (const auto& [written, normal] : table) {
    EXPECT_EQ(NormalCgroupPath(written).value(), normal);
  }
  for (const char* refused : {"", "a", "../a", "/a/../b", "/.."}) {
    EXPECT_EQ(NormalCgroupPath(refused).error().code, ErrorCode::kInvalid)
        << refused;
  }
}

TEST(CgroupPath, IsNoLongerThanThoseOfTheKernel) {
  std::string longest = "/" + std::string(PATH_MAX - 2, 'a');
  EXPECT_EQ(NormalCgroupPath(longest).value(), longest);
  longest += 'a';
  const Error refused = NormalCgroupPath(longest).error();
  EXPECT_EQ(refused.code, ErrorCode::kInvalid);
  EXPECT_LT(refused.message.size(), 100U);
}

TEST(CgroupTable, TheClosestRuleUpwardsDecidesAlone) {
  const CgroupTable table = CgroupTable::Create({
                                                    {"/a", Ah(Level::kRequire)},
                                                    {"/a/b", Ah(Level::kNone)},
                                                    {"/a/b/c", Ah(Level::kUse)},
                                                })
                                .value();
  const std::array<std::tuple<const char*, Level>, 9> expected = {{
      {"/", Level::kNone},
      {"/a", Level::kRequire},
      {"/ab", Level::kNone},
      {"/a/x", Level::kRequire},
      {"/a/x/y/z", Level::kRequire},
      {"/a/b", Level::kNone},
      {"/a/bc", Level::kRequire},
      {"/a/b/c/d", Level::kUse},
      {"/b/a", Level::kNone},
  }};
  for (const auto& [path, level] : expected) {
    EXPECT_EQ(table.Find(path), Ah(level)) << path;
  }
}

TEST(CgroupTable, ARuleOfTheRootBindsEverySocket) {
  const CgroupTable table =
      CgroupTable::Create({{"/", Ah(Level::kUse)}}).value();
  EXPECT_EQ(table.Find("/"), Ah(Level::kUse));
  EXPECT_EQ(table.Find("/a/b"), Ah(Level::kUse));
}

TEST(CgroupTable, TheStrictestCountsEachCategoryAndNoBypass) {
  LevelSet esp;
  esp.Set(Category::kEspNetwork, Level::kUse);
  const CgroupTable table = CgroupTable::Create({
                                                    {"/a", Ah(Level::kRequire)},
                                                    {"/b", Ah(Level::kBypass)},
                                                    {"/c", esp},
                                                })
                                .value();
  LevelSet expected = Ah(Level::kRequire);
  expected.Set(Category::kEspNetwork, Level::kUse);
  EXPECT_EQ(table.Strictest(), expected);
  EXPECT_EQ(table.Without("/a").value().Strictest(), esp);
  EXPECT_TRUE(CgroupTable().Strictest().empty());
}

TEST(CgroupTable, IsChangedByCopy) {
  const CgroupTable none;
  const CgroupTable one = none.With({"/a", Ah(Level::kUse)});
  const CgroupTable other = one.With({"/a", Ah(Level::kAvail)});
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(one.Find("/a"), Ah(Level::kUse));
  EXPECT_EQ(other.Find("/a"), Ah(Level::kAvail));
  EXPECT_EQ(other.rules().size(), 1U);
  EXPECT_TRUE(other.Without("/a").value().empty());
  EXPECT_EQ(other.Without("/b").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(CgroupTable::Create({{"/a", {}}, {"/a", {}}}).error().code,
            ErrorCode::kExists);
}

// The sentences of docs/semantics.md, for every triple. API-21 API-22 API-24
TEST(CgroupLevels, RaiseTheSystemsAndWeakenNothing) {
  constexpr std::array kSystem = {Level::kNone, Level::kAvail, Level::kUse,
                                  Level::kRequire, Level::kUnique};
  constexpr std::array kSockets = {Level::kNone,   Level::kAvail,
                                   Level::kUse,    Level::kRequire,
                                   Level::kUnique, Level::kBypass};
  for (const Level system : kSystem) {
    for (const Level cgroup : kSockets) {
      for (const Level own : kSockets) {
        const Level found =
            Effective(Ah(system), Ah(cgroup), Ah(own)).of(Category::kAh);
        Level expected = std::max(system, own);
        if (own == Level::kBypass ||
            (cgroup == Level::kBypass && own == Level::kNone)) {
          expected = Level::kBypass;
        } else if (cgroup != Level::kBypass) {
          expected = std::max(expected, cgroup);
        }
        EXPECT_EQ(found, expected)
            << NameOf(system) << ' ' << NameOf(cgroup) << ' ' << NameOf(own);
      }
    }
  }
}

}  // namespace
}  // namespace postern
