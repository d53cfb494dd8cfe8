// SPDX-License-Identifier: Apache-2.0

#include "policy/rule_table.h"

#include <random>

#include "gtest/gtest.h"

namespace postern {
namespace {

constexpr std::uint8_t kUdp = 17;

IpPrefix Prefix(const char* text) {
  return IpPrefix::Parse(text).value();
}

Rule Make(std::string name, Rule::Verdict verdict, Selector selector = {}) {
  Rule rule;
  rule.name = std::move(name);
  rule.verdict = verdict;
  rule.selector = std::move(selector);
  if (verdict == Rule::Verdict::kProtect) {
    rule.levels.Set(Category::kAh, Level::kRequire);
  }
  return rule;
}

Selector Port(std::uint16_t remote) {
  return {.protocol = kUdp, .destination_port = remote};
}

RuleTable Table(std::vector<Rule> rules) {
  return RuleTable::Create(std::move(rules), RuleTable::Otherwise::kNoLevels)
      .value();
}

Traffic To(std::uint16_t port, Direction direction = Direction::kOutbound) {
  return {FlowKey{Prefix("10.9.0.1").address(), Prefix("10.9.0.2").address(),
                  4711, port, kUdp},
          direction};
}

Traffic Fragment() {
  Traffic traffic = To(0);
  traffic.key.local_port = 0;
  traffic.aspect.shows = Aspect::Shows::kHidden;
  return traffic;
}

std::string Found(const RuleTable& table, const Traffic& traffic) {
  const Rule* rule = table.Find(traffic).rule;
  return rule == nullptr ? "" : rule->name;
}

// SPD-03: two overlapping rules in both orders give two results.
TEST(RuleTable, TakesTheFirstThatMatches) {
  const Rule one = Make("one", Rule::Verdict::kBypass, Port(500));
  const Rule all = Make("all", Rule::Verdict::kDiscard);
  EXPECT_EQ(Found(Table({one, all}), To(500)), "one");
  EXPECT_EQ(Found(Table({one, all}), To(501)), "all");
  EXPECT_EQ(Found(Table({all, one}), To(500)), "all");
  EXPECT_EQ(Found(Table({one}), To(501)), "");
}

// SPD-08
TEST(RuleTable, PassesOverRulesOfTheOtherDirection) {
  Rule out = Make("out", Rule::Verdict::kBypass);
  out.ways = Rule::Ways::kOutbound;
  Rule in = Make("in", Rule::Verdict::kDiscard);
  in.ways = Rule::Ways::kInbound;
  const RuleTable table = Table({out, in});
  EXPECT_EQ(Found(table, To(80)), "out");
  EXPECT_EQ(Found(table, To(80, Direction::kInbound)), "in");
}

// SEL-05 FRAG-08: what may be meant is heeded, and a bypass by port is
// no fragment's.
TEST(RuleTable, HeedsWhatAFragmentMayBeAndLetsItPassNothing) {
  const Rule rest = Make("rest", Rule::Verdict::kBypass, {.protocol = kUdp});
  const auto finding = [&rest](Rule::Verdict verdict) {
    return Table({Make("port", verdict, Port(80)), rest}).Find(Fragment());
  };
  const RuleTable bypassing =
      Table({Make("port", Rule::Verdict::kBypass, Port(80)), rest});
  const auto bypass = bypassing.Find(Fragment());
  EXPECT_EQ(bypass.rule->name, "rest");
  EXPECT_TRUE(bypass.perhaps.empty());
  EXPECT_FALSE(bypass.perhaps_discarded);
  EXPECT_TRUE(finding(Rule::Verdict::kDiscard).perhaps_discarded);
  EXPECT_EQ(finding(Rule::Verdict::kProtect).perhaps.of(Category::kAh),
            Level::kRequire);
  // What comes behind the one that matches is not looked at.
  EXPECT_FALSE(Table({rest, Make("port", Rule::Verdict::kDiscard, Port(80))})
                   .Find(Fragment())
                   .perhaps_discarded);
}

// SPD-09
TEST(RuleTable, KeepsTheOrderThatIsAskedFor) {
  const auto names = [](const RuleTable& table) {
    std::string text;
    for (const Rule& rule : table.rules()) {
      text += rule.name;
    }
    return text;
  };
  RuleTable table = Table(
      {Make("a", Rule::Verdict::kDiscard), Make("b", Rule::Verdict::kDiscard)});
  table = table.With(Make("c", Rule::Verdict::kDiscard), std::nullopt).value();
  EXPECT_EQ(names(table), "abc");
  table = table.With(Make("b", Rule::Verdict::kBypass), std::nullopt).value();
  EXPECT_EQ(names(table), "abc");
  EXPECT_EQ(table.rules()[1].verdict, Rule::Verdict::kBypass);
  table = table.With(Make("c", Rule::Verdict::kDiscard), "a").value();
  EXPECT_EQ(names(table), "cab");
  table = table.With(Make("d", Rule::Verdict::kDiscard), "b").value();
  EXPECT_EQ(names(table), "cadb");
  EXPECT_EQ(names(table.Without("a").value()), "cdb");
  for (const char* before : {"x", "d"}) {
    const auto refused = table.With(Make("d", Rule::Verdict::kDiscard), before);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
  }
  EXPECT_EQ(table.Without("x").error().code, ErrorCode::kNotFound);
}

TEST(RuleTable, RefusesWhatCannotBeMeant) {
  const auto refused = [](const Rule& rule) { return !Validate(rule).ok(); };
  Rule weak = Make("weak", Rule::Verdict::kProtect);
  EXPECT_FALSE(refused(weak));
  weak.levels.Set(Category::kAh, Level::kUse);  // clear packets would come in
  EXPECT_TRUE(refused(weak));
  Rule nothing = Make("nothing", Rule::Verdict::kProtect);
  nothing.levels = LevelSet();
  EXPECT_TRUE(refused(nothing));
  Rule both = Make("both", Rule::Verdict::kBypass);
  both.levels.Set(Category::kAh, Level::kRequire);
  EXPECT_TRUE(refused(both));
  Rule gateway = Make("gateway", Rule::Verdict::kProtect);
  gateway.gateway = Prefix("10.9.0.9").address();
  EXPECT_TRUE(refused(gateway));
  gateway.levels.Set(Category::kEspNetwork, Level::kRequire);
  EXPECT_FALSE(refused(gateway));
  EXPECT_TRUE(refused(Make("", Rule::Verdict::kDiscard)));
  EXPECT_TRUE(refused(Make("port", Rule::Verdict::kDiscard,
                           {.destination_port = std::uint16_t{80}})));
  const auto twice = RuleTable::Create(
      {Make("a", Rule::Verdict::kDiscard), Make("a", Rule::Verdict::kBypass)},
      RuleTable::Otherwise::kNoLevels);
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().code, ErrorCode::kExists);
}

// Against the definition: the first in order whose port is the packet's.
TEST(RuleTable, FindsWhatALookAtEveryRuleFinds) {
  std::mt19937 random(4301);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Rule> rules;
    std::vector<std::pair<unsigned, unsigned>> ports;
    for (unsigned i = 0; i < 8; ++i) {
      const auto first = static_cast<std::uint16_t>(random() % 20);
      const auto last = static_cast<std::uint16_t>(first + random() % 4);
      ports.emplace_back(first, last);
      rules.push_back(
          Make(std::to_string(i), Rule::Verdict::kDiscard,
               {.protocol = kUdp,
                .destination_port = PortSelector::Range{first, last}}));
    }
    const RuleTable table = Table(rules);
    for (std::uint16_t port = 0; port < 24; ++port) {
      std::string expected;
      for (unsigned i = 8; i-- > 0;) {
        if (ports[i].first <= port && port <= ports[i].second) {
          expected = std::to_string(i);
        }
      }
      ASSERT_EQ(Found(table, To(port)), expected);
    }
  }
}

}  // namespace
}  // namespace postern
