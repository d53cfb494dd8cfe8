// SPDX-License-Identifier: Apache-2.0
//
// What rules make of a host's decisions beside its sockets and tunnels; whole
// pipelines are in tests/sim/rules_test.cc.

#include "gtest/gtest.h"

#include "tests/unit/policy/policy_world.h"

namespace postern {
namespace {

class RulesPolicyTest : public PolicyWorld {
 protected:
  static Rule Protecting(Category category) {
    Rule rule;
    rule.name = "r";
    rule.verdict = Rule::Verdict::kProtect;
    rule.levels.Set(category, Level::kRequire);
    return rule;
  }

  void SetRule(Rule rule) {
    system_.ReplaceRules(
        RuleTable::Create({std::move(rule)}, RuleTable::Otherwise::kNoLevels)
            .value());
  }
};

// A privileged socket's BYPASS beats a rule as it beats every system level; one
// category's alone leaves the others (API-22).
TEST_F(RulesPolicyTest, ASocketsBypassBeatsWhatARuleProtects) {
  SetRule(Protecting(Category::kAh));
  const Owner sender{Owner::Kind::kSocket, SocketCookie{7}};
  const Octets packet = ToPeer().Udp(80, 4711);
  EXPECT_TRUE(std::holds_alternative<NeedSa>(Decide(packet, sender)));
  SetSocket(SocketCookie{7}, Category::kEspTransport, Level::kBypass);
  EXPECT_TRUE(std::holds_alternative<NeedSa>(Decide(packet, sender)));
  SetSocket(SocketCookie{7}, Category::kAh, Level::kBypass);
  EXPECT_TRUE(std::holds_alternative<Bypass>(Decide(packet, sender)));
}

// SPD-05 SEL-14: a tunnel's far end speaks for the remotes of the rule that names
// it, and the rule looks at the packet within.
TEST_F(RulesPolicyTest, ARuleNamesTheTunnelsFarEndBothWays) {
  Rule rule = Protecting(Category::kEspNetwork);
  rule.gateway = Address(kGateway);
  rule.selector.destination = IpPrefix::Parse("10.8.0.0/24").value();
  SetRule(rule);
  SecurityAssociation& in = Add(Parameters(
      Category::kEspNetwork, Direction::kInbound, {kGateway, kHere}));
  const TransformPath path = PathOf({&in});
  EXPECT_TRUE(
      Admit(PacketBuilder("10.8.0.21", kHere).Udp(80, 4711), path).ok());
  EXPECT_EQ(Refusal(PacketBuilder("10.8.1.21", kHere).Udp(80, 4711), path),
            DropReason::kSelectorMismatch);
  EXPECT_EQ(Refusal(PacketBuilder("10.8.0.21", kHere).Udp(80, 4711)),
            DropReason::kPolicyRequiresEspNetwork);

  SecurityAssociation& out = Add(Parameters(
      Category::kEspNetwork, Direction::kOutbound, {kHere, kGateway}));
  const Decision decision =
      Decide(PacketBuilder(kHere, "10.8.0.21").Udp(4711, 80));
  const auto* protect = std::get_if<Protect>(&decision);
  ASSERT_NE(protect, nullptr);
  ASSERT_EQ(protect->bundle->associations().size(), 1u);
  EXPECT_EQ(protect->bundle->associations()[0], &out);
}

// SEL-12 SEL-07: outbound, an SA is chosen by its selectors, by the message too.
TEST_F(RulesPolicyTest, AnSaForOneIcmpTypeCarriesNoOther) {
  Rule rule = Protecting(Category::kAh);
  rule.selector.protocol = Number(IpProtocol::kIcmp);
  SetRule(rule);
  SaParameters sa = Parameters(Category::kAh, Direction::kOutbound);
  sa.selector.protocol = Number(IpProtocol::kIcmp);
  sa.selector.message = *RangeOf(MessageTypes{8, 8});
  Add(sa);
  const Octets request = ToPeer().Raw(1, {8, 0, 0, 0, 0, 1, 0, 1});
  const Octets reply = ToPeer().Raw(1, {0, 0, 0, 0, 0, 1, 0, 1});
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(std::holds_alternative<Protect>(Decide(request)));
    EXPECT_TRUE(std::holds_alternative<NeedSa>(Decide(reply)));
  }
}

}  // namespace
}  // namespace postern
