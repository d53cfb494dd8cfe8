// SPDX-License-Identifier: Apache-2.0
//
// The rules of a host through its whole pipelines: each verdict, both ways and in
// both families, how they combine with levels, and what is audited.

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/sim/sim_host.h"
#include "tests/support/naive_fragments.h"

namespace postern {
namespace {

constexpr std::uint8_t kUdp = 17;
constexpr auto kProtect = Rule::Verdict::kProtect;
constexpr auto kBypass = Rule::Verdict::kBypass;
constexpr auto kDiscard = Rule::Verdict::kDiscard;
constexpr auto kDiscardRest = RuleTable::Otherwise::kDiscard;

struct Ends {
  const char* alice;
  const char* bob;
  std::uint8_t icmp;
};

class Rules : public testing::TestWithParam<Ends> {
 protected:
  static Rule Make(std::string name, Rule::Verdict verdict,
                   Selector selector = {}) {
    Rule rule;
    rule.name = std::move(name);
    rule.verdict = verdict;
    rule.selector = std::move(selector);
    if (verdict == kProtect) {
      rule.levels.Set(Category::kAh, Level::kRequire);
    }
    return rule;
  }

  static Selector Port(std::uint16_t remote) {
    return {.protocol = kUdp, .destination_port = remote};
  }

  Selector Icmp(const MessageTypes& types) const {
    return {.protocol = GetParam().icmp, .message = *RangeOf(types)};
  }

  static Octets Out(std::uint16_t port) {
    return PacketBuilder(GetParam().alice, GetParam().bob).Udp(4000, port);
  }

  static Octets In(std::uint16_t port) {
    return PacketBuilder(GetParam().bob, GetParam().alice).Udp(port, 4000);
  }

  // Of ICMP or ICMPv6; no error.
  static Octets Ping(std::uint8_t type, std::uint8_t code = 0) {
    return PacketBuilder(GetParam().alice, GetParam().bob)
        .Raw(GetParam().icmp, {type, code, 0, 0, 0, 1, 0, 1});
  }

  static Octets PingIn(std::uint8_t type) {
    return PacketBuilder(GetParam().bob, GetParam().alice)
        .Raw(GetParam().icmp, {type, 0, 0, 0, 0, 1, 0, 1});
  }

  static std::uint8_t EchoRequest() { return GetParam().icmp == 1 ? 8 : 128; }

  static std::uint8_t EchoReply() { return GetParam().icmp == 1 ? 0 : 129; }

  void ExpectNotSent(const Octets& packet, DropReason reason) {
    const std::uint64_t before = alice_.drops(reason);
    EXPECT_TRUE(alice_.Send(packet).empty()) << NameOf(reason);
    EXPECT_EQ(alice_.drops(reason), before + 1) << NameOf(reason);
  }

  void ExpectNotReceived(const Octets& packet, DropReason reason) {
    const std::uint64_t before = alice_.drops(reason);
    EXPECT_TRUE(alice_.Receive(packet).empty()) << NameOf(reason);
    EXPECT_EQ(alice_.drops(reason), before + 1) << NameOf(reason);
  }

  void ExpectClear(const Octets& packet) {
    EXPECT_EQ(alice_.Send(packet), std::vector<Octets>{packet});
  }

  void ExpectTaken(const Octets& packet) {
    EXPECT_EQ(alice_.Receive(packet), std::vector<Octets>{packet});
  }

  SimHost alice_{GetParam().alice};
  SimHost bob_{GetParam().bob};
};

INSTANTIATE_TEST_SUITE_P(Families, Rules,
                         testing::Values(Ends{"10.9.1.1", "10.9.2.1", 1},
                                         Ends{"fd00::1", "fd00::2", 58}),
                         [](const auto& row) {
                           return row.param.icmp == 1 ? "V4" : "V6";
                         });

// DEF-23
// SPD-02 SPD-07 ICMP-01: with no rule and no route nothing passes either way.
TEST_P(Rules, DiscardWhatNobodyNamesWhenToldSo) {
  alice_.SetRules({}, kDiscardRest);
  ExpectNotSent(Out(80), DropReason::kDiscardDefault);
  ExpectNotReceived(In(80), DropReason::kDiscardDefault);
  ExpectNotSent(Ping(EchoRequest()), DropReason::kDiscardDefault);
  ExpectNotReceived(PingIn(EchoRequest()), DropReason::kDiscardDefault);
}

// What a route names is named.
TEST_P(Rules, LeaveToTheRoutesWhatARouteNames) {
  Route route;
  route.prefix = IpPrefix::Parse(GetParam().bob).value();
  alice_.SetRoutes({route});
  alice_.SetRules({}, kDiscardRest);
  ExpectClear(Out(80));
  ExpectTaken(In(80));
}

// OUT-10
// SPD-01 SPD-05 SPD-20: the key manager's traffic needs a rule, and has it.
TEST_P(Rules, BypassWhatIsNamedByPortAndNothingElse) {
  AddSaPair(alice_, bob_, Category::kAh);
  alice_.SetRules(
      {Make("ike", kBypass,
            {.protocol = kUdp,
             .destination_port = PortSelector::Of({{500, 500}, {4500, 4500}})}),
       Make("rest", kProtect)});
  ExpectClear(Out(500));
  ExpectClear(Out(4500));
  ExpectTaken(In(500));
  const std::vector<Octets> sent = alice_.Send(Out(501));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(bob_.Receive(sent[0]), std::vector<Octets>{Out(501)});
  EXPECT_NE(sent[0], Out(501));
  EXPECT_EQ(alice_.count(Count::kOutboundProtected), 1u);
}

// IN-02
// SPD-06 IN-04 IN-15: in clear what a rule protects is dropped, and asks nobody
// for an SA; protected it passes.
TEST_P(Rules, DropInClearWhatTheyProtect) {
  AddSaPair(alice_, bob_, Category::kAh);
  alice_.SetRules({Make("web", kProtect, Port(80))});
  ExpectNotReceived(In(80), DropReason::kPolicyRequiresAh);
  EXPECT_EQ(alice_.acquires().size(), 0u);
  ExpectTaken(In(81));
  bob_.SetSystemLevel(Category::kAh, Level::kUse);
  const std::vector<Octets> sent = bob_.Send(In(80));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(alice_.Receive(sent[0]), std::vector<Octets>{In(80)});
}

// Nobody was asked whose it is, which is as well: an error about it obeys the rule,
// and one that does not show of what it tells is not sent.
TEST_P(Rules, KeepWhatTheyProtectOutOfErrorsInClear) {
  AddSaPair(alice_, bob_, Category::kAh);
  alice_.SetRules({Make("web", kProtect, Port(80))});
  bob_.SetSystemLevel(Category::kAh, Level::kUse);
  const auto error_about = [](const Octets& quoted) {
    Octets payload = {EchoRequest() == 8 ? std::uint8_t{3} : std::uint8_t{1}};
    payload.resize(8);
    payload.insert(payload.end(), quoted.begin(), quoted.end());
    return PacketBuilder(GetParam().alice, GetParam().bob)
        .Raw(GetParam().icmp, payload);
  };
  const Octets unclear = error_about({In(80)[0], 0, 0, 0});
  ExpectClear(unclear);
  ASSERT_EQ(alice_.Receive(bob_.Send(In(80)).at(0)).size(), 1u);
  EXPECT_EQ(alice_.kernel().questions(), 0);
  ExpectNotSent(unclear, DropReason::kUnclearError);
  const std::vector<Octets> error = alice_.Send(error_about(In(80)));
  ASSERT_EQ(error.size(), 1u);
  EXPECT_EQ(bob_.Receive(error[0]), std::vector<Octets>{error_about(In(80))});
  EXPECT_NE(error[0], error_about(In(80)));
}

// OUT-02
TEST_P(Rules, AskForAnSaAndSendNothingMeanwhile) {
  alice_.SetRules({Make("web", kProtect, Port(80))});
  EXPECT_TRUE(alice_.Send(Out(80)).empty());
  EXPECT_EQ(alice_.acquires().size(), 1u);
  alice_.Advance(HeldPackets::Limits().time);
  EXPECT_TRUE(alice_.Resume().empty());
  EXPECT_EQ(alice_.drops(DropReason::kNoSa), 1u);
}

// SPD-05 SPD-03
TEST_P(Rules, DiscardBothWaysInTheirOrder) {
  alice_.SetRules({Make("web", kBypass, Port(80)),
                   Make("low", kDiscard,
                        {.protocol = kUdp,
                         .destination_port = PortSelector::Range{1, 100}})});
  ExpectClear(Out(80));
  ExpectNotSent(Out(81), DropReason::kDiscardRule);
  ExpectNotReceived(In(81), DropReason::kDiscardRule);
  ExpectClear(Out(101));
}

// OUT-03 SPD-08 SEL-10: out only, so that the answer is dropped.
TEST_P(Rules, CountForOneDirectionWhenToldSo) {
  Rule out = Make("out", kBypass, Port(53));
  out.ways = Rule::Ways::kOutbound;
  alice_.SetRules({out}, kDiscardRest);
  ExpectClear(Out(53));
  ExpectNotReceived(In(53), DropReason::kDiscardDefault);
  Rule ping = Make("ping", kBypass, Icmp({EchoRequest(), EchoRequest()}));
  ping.ways = Rule::Ways::kOutbound;
  alice_.SetRules({ping}, kDiscardRest);
  ExpectClear(Ping(EchoRequest()));
  ExpectNotReceived(PingIn(EchoRequest()), DropReason::kDiscardDefault);
}

// SEL-07 ICMP-02: a decision for one type holds for no other one, in any order.
TEST_P(Rules, TellIcmpTypesApartWithinOneFlow) {
  alice_.SetRules({Make("ping", kBypass, Icmp({EchoRequest(), EchoRequest()})),
                   Make("13/5", kBypass, Icmp({200, 200, 5, 5}))},
                  kDiscardRest);
  for (int round = 0; round < 3; ++round) {
    ExpectClear(Ping(EchoRequest()));
    ExpectNotSent(Ping(EchoReply()), DropReason::kDiscardDefault);
    ExpectClear(Ping(200, 5));
    ExpectNotSent(Ping(200, 6), DropReason::kDiscardDefault);
    ExpectTaken(PingIn(EchoRequest()));
    ExpectNotReceived(PingIn(EchoReply()), DropReason::kDiscardDefault);
  }
}

// OUT-01
// SPD-12: what was decided before does not outlive the rule that decided it.
TEST_P(Rules, BindTheFlowsThatAreUnderWay) {
  ExpectClear(Out(80));
  ExpectTaken(In(80));
  alice_.SetRules({Make("web", kDiscard, Port(80))});
  ExpectNotSent(Out(80), DropReason::kDiscardRule);
  ExpectNotReceived(In(80), DropReason::kDiscardRule);
  alice_.SetRules({Make("first", kBypass), Make("web", kDiscard, Port(80))});
  ExpectClear(Out(80));
  ExpectTaken(In(80));
}

// A socket's own level is never lowered; what the system demands is.
TEST_P(Rules, BypassTheSystemsLevelsAndNoSocketsOwn) {
  alice_.SetSystemLevel(Category::kAh, Level::kRequire);
  alice_.SetRules({Make("ike", kBypass, Port(500))});
  ExpectClear(Out(500));
  ExpectTaken(In(500));
  const FlowKey flow{alice_.address(), bob_.address(), 4000, 500, kUdp};
  alice_.kernel().Connect(flow, SocketCookie{7});
  alice_.SetLevel(SocketCookie{7}, Category::kEspTransport, Level::kRequire);
  alice_.Advance(std::chrono::seconds(1));
  EXPECT_TRUE(alice_.Send(Out(500)).empty());
  EXPECT_EQ(alice_.outbound().held(), 1u);
  ExpectNotReceived(In(500), DropReason::kPolicyRequiresEspTransport);
}

// The stronger of both, category by category; and a discard outweighs a bypass.
TEST_P(Rules, AddToTheRoutesLevelsAndNeverLiftARoutesDiscard) {
  alice_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  alice_.SetRules({Make("web", kProtect, Port(80))});
  AddSaPair(alice_, bob_, Category::kAh);
  EXPECT_TRUE(alice_.Send(Out(80)).empty());
  AddSaPair(alice_, bob_, Category::kEspTransport);
  alice_.ReleaseHeld();
  EXPECT_EQ(alice_.Resume().size(), 1u);
  EXPECT_EQ(alice_.count(Count::kEspSealed), 1u);
  EXPECT_EQ(alice_.count(Count::kAhSigned), 1u);

  Route route;
  route.prefix = IpPrefix::Parse(GetParam().bob).value();
  route.verdict = Route::Verdict::kDiscard;
  alice_.SetRoutes({route});
  alice_.SetRules({Make("all", kBypass)});
  ExpectNotSent(Out(80), DropReason::kDiscardRoute);
  ExpectNotReceived(In(80), DropReason::kDiscardRoute);
}

// IN-05 IN-06 AUD-08: the record tells the SA and what it carried.
TEST_P(Rules, AuditWhatAnSaDoesNotSpeakFor) {
  SaParameters sa = SaFor(bob_.address(), alice_.address(), Category::kAh);
  sa.direction = Direction::kOutbound;
  ASSERT_TRUE(bob_.sadb().Add(sa, {}, bob_.now()).ok());
  sa.direction = Direction::kInbound;
  sa.selector = {.protocol = kUdp,
                 .source_port = PortSelector::Of({{80, 80}, {90, 99}})};
  ASSERT_TRUE(alice_.sadb().Add(sa, {}, alice_.now()).ok());
  bob_.SetSystemLevel(Category::kAh, Level::kUse);
  for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{99}}) {
    EXPECT_EQ(alice_.Receive(bob_.Send(In(port)).at(0)).size(), 1u);
  }
  ExpectNotReceived(bob_.Send(In(81)).at(0), DropReason::kSelectorMismatch);
  ASSERT_EQ(alice_.audits().size(), 1u);
  const AuditEvent& audit = alice_.audits()[0];
  EXPECT_EQ(audit.reason, DropReason::kSelectorMismatch);
  EXPECT_EQ(audit.spi, sa.spi);
  EXPECT_EQ(audit.sequence, 3u);
  EXPECT_EQ(audit.association, sa.identity());
  ASSERT_TRUE(audit.judged.has_value());
  EXPECT_EQ(audit.judged->key,
            (FlowKey{alice_.address(), bob_.address(), 4000, 81, kUdp}));
}

// OUT-09, AUD-08: no rule, both ways; AUD-02: and nothing is sent about it.
TEST_P(Rules, AuditWhatTheyDiscard) {
  alice_.SetRules({}, kDiscardRest);
  EXPECT_TRUE(alice_.Receive(In(80)).empty());
  EXPECT_TRUE(alice_.Send(Out(80)).empty());
  ASSERT_EQ(alice_.audits().size(), 2u);
  for (const AuditEvent& audit : alice_.audits()) {
    EXPECT_EQ(audit.reason, DropReason::kDiscardDefault);
    ASSERT_TRUE(audit.judged.has_value());
    EXPECT_EQ(audit.judged->key.remote_port, 80);
    EXPECT_EQ(audit.flow_label.has_value(), GetParam().icmp == 58);
  }
  EXPECT_EQ(alice_.audits()[0].direction, Direction::kInbound);
  EXPECT_EQ(alice_.audits()[1].direction, Direction::kOutbound);
}

// AUD-05 AUD-10: the numbers of an SA are used up.
TEST_P(Rules, AuditSequenceNumbersThatAreUsedUp) {
  SaParameters sa = SaFor(alice_.address(), bob_.address(), Category::kAh);
  sa.direction = Direction::kOutbound;
  ASSERT_TRUE(
      alice_.sadb().Add(sa, {.last_used = 0xfffffffe}, alice_.now()).ok());
  alice_.SetSystemLevel(Category::kAh, Level::kUse);
  EXPECT_EQ(alice_.SendAll({Out(80), Out(80), Out(80)}).size(), 1u);
  const auto used_up = std::ranges::find(
      alice_.audits(), DropReason::kSequenceExhausted, &AuditEvent::reason);
  ASSERT_NE(used_up, alice_.audits().end());
  EXPECT_EQ(used_up->spi, sa.spi);
  EXPECT_EQ(used_up->association, sa.identity());
  EXPECT_EQ(used_up->source, alice_.address());
  EXPECT_EQ(used_up->destination, bob_.address());
}

class RulesOfFragments : public testing::Test {
 protected:
  static Rule Make(Rule::Verdict verdict, Selector selector) {
    Rule rule;
    rule.name = "r";
    rule.verdict = verdict;
    rule.selector = std::move(selector);
    return rule;
  }

  static Octets Fragment(const char* from, const char* to) {
    return PacketBuilder(from, to).FragmentOffset(8).Raw(kUdp, Octets(32, 7));
  }

  SimHost alice_{"10.9.1.1"};
  const Octets out_ = Fragment("10.9.1.1", "10.9.2.1");
  const Octets in_ = Fragment("10.9.2.1", "10.9.1.1");
};

// FRAG-06: nobody has seen its first fragment.
TEST_F(RulesOfFragments, NoneIsPassedByAPortThatItDoesNotShow) {
  alice_.SetRules({Make(kBypass, {.protocol = kUdp,
                                  .destination_port = std::uint16_t{500}})},
                  kDiscardRest);
  EXPECT_TRUE(alice_.Send(out_).empty());
  EXPECT_EQ(alice_.drops(DropReason::kDiscardDefault), 1u);
  // Its first fragment may still come.
  EXPECT_TRUE(alice_.Receive(in_).empty());
  alice_.Advance(std::chrono::seconds(31));
  EXPECT_TRUE(alice_.ReceiveAll({}).empty());
  EXPECT_EQ(alice_.drops(DropReason::kReassemblyTimeout), 1u);
}

// FRAG-09: all fragments of a datagram or none, in both families.
TEST(RulesOfDatagrams, APortBypassesAllFragmentsOrNone) {
  for (const auto& [here, there] : {std::pair{"10.9.1.1", "10.9.2.1"},
                                    std::pair{"fd00:9:1::1", "fd00:9:2::1"}}) {
    SimHost alice(here);
    SimHost bob(there);
    AddSaPair(alice, bob, Category::kEspNetwork);
    Rule ike;
    ike.name = "ike";
    ike.verdict = kBypass;
    ike.selector = {.protocol = kUdp, .destination_port = std::uint16_t{500}};
    alice.SetRules({ike});
    std::swap(ike.selector.source_port, ike.selector.destination_port);
    bob.SetRules({ike});
    for (SimHost* host : {&alice, &bob}) {
      host->SetSystemLevel(Category::kEspNetwork, Level::kRequire);
    }
    const auto datagram = [&](std::uint16_t port) {
      return PacketBuilder(here, there).Udp(4000, port, Octets(3000, 7));
    };
    auto fragments = NaiveFragments(datagram(500), 1240);
    EXPECT_TRUE(alice.Send(fragments[0]).empty());
    const auto sent = alice.SendAll({fragments[1], fragments[2]});
    ASSERT_EQ(sent.size(), 3u);
    for (const Octets& piece : sent) {
      EXPECT_NE(IpView::Parse(piece)->fragment(), IpView::Fragment::kWhole);
      EXPECT_NE(IpView::Parse(piece)->protocol(), 50);
    }
    // Without a first one, forged ones get nowhere.
    EXPECT_TRUE(bob.ReceiveAll({sent[2], sent[1]}).empty());
    EXPECT_EQ(bob.count(Count::kInboundClear), 0u);
    const auto received = bob.Receive(sent[0]);
    ASSERT_EQ(received.size(), 1u);
    EXPECT_EQ(received[0].size(), datagram(500).size());
    // Another port: no piece passes in clear, and all pass the tunnel as before.
    fragments = NaiveFragments(datagram(501), 1240, 2);
    EXPECT_TRUE(bob.ReceiveAll(fragments).empty());
    EXPECT_EQ(bob.ReceiveAll(alice.SendAll(fragments)), fragments);
    EXPECT_EQ(alice.count(Count::kReassembled), 1u);
  }
}

// FRAG-09: what is lost of it takes the rest along.
TEST_F(RulesOfFragments, AFirstFragmentDoesNotLeaveAlone) {
  alice_.SetRules({Make(kBypass, {.protocol = kUdp,
                                  .destination_port = std::uint16_t{500}})},
                  kDiscardRest);
  const auto fragments = NaiveFragments(
      PacketBuilder("10.9.1.1", "10.9.2.1").Udp(500, 500, Octets(3000)), 1240);
  EXPECT_TRUE(alice_.SendAll({fragments[0], fragments[2]}).empty());
  alice_.Advance(std::chrono::seconds(31));
  EXPECT_TRUE(alice_.SendAll({}).empty());
  EXPECT_EQ(alice_.drops(DropReason::kReassemblyTimeout), 2u);
}

// FRAG-09: nor when what held them has given way to a rule.
TEST_F(RulesOfFragments, AFirstFragmentThatWaitedDoesNotLeaveAlone) {
  alice_.SetSystemLevel(Category::kEspNetwork, Level::kRequire);
  const auto fragments = NaiveFragments(
      PacketBuilder("10.9.1.1", "10.9.2.1").Udp(500, 500, Octets(3000)), 1240);
  ASSERT_TRUE(alice_.SendAll({fragments[0], fragments[2]}).empty());
  ASSERT_EQ(alice_.outbound().held(), 2u);
  alice_.SetRules({Make(
      kBypass, {.protocol = kUdp, .destination_port = std::uint16_t{500}})});
  alice_.ReleaseHeld();
  EXPECT_TRUE(alice_.SendAll({}).empty());
  EXPECT_EQ(alice_.SendAll({fragments[1]}).size(), 3u);
}

// What is put together on the way out of the queue leaves as it was decided, and
// not as the packet behind it.
TEST_F(RulesOfFragments, WhatWaitedInFragmentsLeavesByItsOwnDecision) {
  SimHost bob("10.9.2.1");
  alice_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  const PacketBuilder to_bob("10.9.1.1", "10.9.2.1");
  auto waiting = NaiveFragments(to_bob.Udp(4000, 80, Octets(600)), 304);
  ASSERT_EQ(waiting.size(), 2u);
  const Octets ike = to_bob.Udp(500, 500, Octets(20));
  waiting.push_back(ike);
  ASSERT_TRUE(alice_.SendAll(waiting).empty());
  ASSERT_EQ(alice_.outbound().held(), 3u);
  AddSaPair(alice_, bob, Category::kEspTransport);
  alice_.SetRules({Make(
      kBypass, {.protocol = kUdp, .destination_port = std::uint16_t{500}})});
  alice_.ReleaseHeld();
  const auto sent = alice_.Resume();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(IpView::Parse(sent[0])->protocol(), 50);
  EXPECT_EQ(sent[1], ike);
}

// FRAG-03: a rule that names later fragments is in force for them, whatever a
// rule behind it says of the first.
TEST_F(RulesOfFragments, ARuleOfTheirOwnIsObeyed) {
  SimHost bob("10.9.2.1");
  AddSaPair(alice_, bob, Category::kEspNetwork);
  Rule opaque = Make(
      kProtect, {.protocol = kUdp, .destination_port = PortSelector::Opaque()});
  opaque.name = "later";
  opaque.levels.Set(Category::kEspNetwork, Level::kRequire);
  const Rule bypass =
      Make(kBypass, {.protocol = kUdp, .destination_port = std::uint16_t{53}});
  alice_.SetRules({opaque, bypass});
  bob.SetRules({opaque, bypass});
  const auto fragments = NaiveFragments(
      PacketBuilder("10.9.1.1", "10.9.2.1").Udp(4000, 53, Octets(3000)), 1240);
  const auto sent = alice_.SendAll(fragments);
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0], fragments[0]);
  EXPECT_EQ(IpView::Parse(sent[1])->protocol(), 50);
  EXPECT_EQ(IpView::Parse(sent[2])->protocol(), 50);
}

// FRAG-08 SPD-16
TEST_F(RulesOfFragments, IsDiscardedWhereItMayBeWhatIsDiscarded) {
  alice_.SetRules({Make(
      kDiscard, {.protocol = kUdp, .destination_port = std::uint16_t{53}})});
  EXPECT_TRUE(alice_.Send(out_).empty());
  EXPECT_TRUE(alice_.Receive(in_).empty());
  EXPECT_EQ(alice_.drops(DropReason::kFragment), 2u);
}

// SEL-08 FRAG-03
TEST_F(RulesOfFragments, MatchesAnyPortAndTheOpaqueOne) {
  for (const PortSelector& port : {PortSelector(), PortSelector::Opaque()}) {
    alice_.SetRules(
        {Make(kBypass, {.protocol = kUdp, .destination_port = port})},
        kDiscardRest);
    EXPECT_EQ(alice_.Send(out_).size(), 1u);
    EXPECT_EQ(alice_.Receive(in_).size(), 1u);
  }
  const Octets whole = PacketBuilder("10.9.1.1", "10.9.2.1").Udp(4000, 80);
  EXPECT_TRUE(alice_.Send(whole).empty());  // not opaque
}

// AUD-04: AH in transport mode takes no fragment, and the rest never comes.
TEST_F(RulesOfFragments, IsAuditedWhenAnSaNeverGetsTheWhole) {
  SimHost bob("10.9.2.1");
  AddSaPair(alice_, bob, Category::kAh);
  alice_.SetSystemLevel(Category::kAh, Level::kRequire);
  EXPECT_TRUE(alice_.Send(out_).empty());
  EXPECT_TRUE(alice_.audits().empty());
  alice_.Advance(std::chrono::seconds(31));
  EXPECT_TRUE(alice_.SendAll({}).empty());
  ASSERT_EQ(alice_.audits().size(), 1u);
  const AuditEvent& audit = alice_.audits()[0];
  EXPECT_EQ(audit.reason, DropReason::kReassemblyTimeout);
  EXPECT_EQ(audit.direction, Direction::kOutbound);
  EXPECT_EQ(audit.source, alice_.address());
  EXPECT_EQ(audit.destination, bob.address());
}

// Errors about what a host sends, under rules (ICMP-06): the error's own type
// and the flow that it quotes must both be let through.
TEST_F(RulesOfFragments, AnErrorNeedsItsOwnRuleAndThatOfWhatItQuotes) {
  const Octets quoted = PacketBuilder("10.9.1.1", "10.9.2.1").Udp(4000, 33434);
  Octets error = {3, 3, 0, 0, 0, 0, 0, 0};
  error.insert(error.end(), quoted.begin(), quoted.end());
  const Octets packet = PacketBuilder("10.9.2.1", "10.9.1.1").Raw(1, error);
  Rule probes = Make(
      kBypass, {.protocol = kUdp, .destination_port = std::uint16_t{33434}});
  probes.ways = Rule::Ways::kOutbound;
  Rule errors = Make(kBypass, {.protocol = std::uint8_t{1},
                               .message = *RangeOf(MessageTypes{3, 3})});
  errors.name = "errors";
  errors.ways = Rule::Ways::kInbound;
  alice_.SetRules({probes}, kDiscardRest);
  EXPECT_TRUE(alice_.Receive(packet).empty());
  alice_.SetRules({errors}, kDiscardRest);
  EXPECT_TRUE(alice_.Receive(packet).empty());
  alice_.SetRules({probes, errors}, kDiscardRest);
  EXPECT_EQ(alice_.Receive(packet).size(), 1u);
}

}  // namespace
}  // namespace postern
