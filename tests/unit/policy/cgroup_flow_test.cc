// SPDX-License-Identifier: Apache-2.0
//
// Flows of sockets in cgroups: "/ruled" has a rule, and "/ruled/below" obeys it;
// "/free" has none, and the path of kRemoved cannot be told.

#include <array>
#include <vector>

#include "policy/decide.h"
#include "tests/support/fake_cgroup_paths.h"
#include "tests/unit/policy/flow_resolver_world.h"

namespace postern {
namespace {

constexpr CgroupId kRuled{100};
constexpr CgroupId kBelow{101};
constexpr CgroupId kFree{102};
constexpr CgroupId kRemoved{103};
constexpr SocketCookie kKernel{9};  // a raw socket of the kernel's own
constexpr Owner kNobody{.kind = Owner::Kind::kNobody};

Owner Sent(SocketCookie cookie, CgroupId cgroup,
           Owner::Role role = Owner::Role::kEndpoint) {
  return {.kind = Owner::Kind::kSocket,
          .cookie = cookie,
          .role = role,
          .cgroup = cgroup};
}

class CgroupFlowTest : public FlowResolverTest {
 protected:
  CgroupFlowTest() {
    paths_.Make(kRuled, "/ruled");
    paths_.Make(kBelow, "/ruled/below");
    paths_.Make(kFree, "/free");
  }

  void SetRule(Level level) {
    LevelSet levels;
    levels.Set(Category::kAh, level);
    system_.ReplaceCgroups(system_.cgroups().With({"/ruled", levels}));
  }

  void DropRules() { system_.ReplaceCgroups(CgroupTable()); }

  Level Judge(const FlowKey& key, Opening opening, Direction direction,
              const Owner& sender = Owner()) {
    const Opinion<Flow*> flow =
        ruled_.Resolve(key, opening, direction, now_, sender);
    EXPECT_TRUE(flow.ok());
    return flow.ok() ? (*flow)->effective.of(Category::kAh) : Level::kBypass;
  }

  Level Out(const FlowKey& key, const Owner& sender,
            Opening opening = Opening::kNone) {
    return Judge(key, opening, kOut, sender);
  }

  Level In(const FlowKey& key, Opening opening = Opening::kNone) {
    return Judge(key, opening, kIn);
  }

  Passage AdmitSynInto(const FlowKey& key) {
    const Opinion<Flow*> flow = ruled_.Resolve(key, Opening::kSyn, kIn, now_);
    return flow.ok() ? ruled_.Inherit(**flow, now_) : flow.error();
  }

  // A listener in this cgroup, asked and answered up to the SYN-ACK.
  void AnswerSyn(CgroupId cgroup) {
    kernel_.Listen(tcp_.local, 80, kListener);
    kernel_.PutInto(cgroup, kListener);
    ASSERT_TRUE(AdmitSynInto(tcp_).ok());
    kernel_.OpenHalf(tcp_, kChild);
    Out(tcp_, Sent(kChild, cgroup), Opening::kSynAck);
  }

  const FlowKey icmp_ = KeyOf(IpProtocol::kIcmp, 0);
  FakeCgroupPaths paths_;
  FlowResolver ruled_{{.system = system_,
                       .sockets = sockets_,
                       .owner = kernel_,
                       .stats = stats_,
                       .cgroups = &paths_},
                      64};
};

TEST_F(CgroupFlowTest, EverySocketOfTheCgroupAndBelowObeysTheRule) {
  SetRule(Level::kRequire);
  for (const FlowKey& key : {tcp_, udp_, icmp_}) {
    EXPECT_EQ(Out(key, Sent(kClient, kRuled)), Level::kRequire);
    EXPECT_EQ(Out(key, Sent(kChild, kBelow)), Level::kRequire);
    EXPECT_EQ(Out(key, Sent(kLater, kFree)), Level::kNone);
  }
  EXPECT_EQ(kernel_.questions(), 0U);
}

TEST_F(CgroupFlowTest, InboundTheKernelTellsTheCgroup) {
  SetRule(Level::kRequire);
  kernel_.Open(tcp_, kClient);
  kernel_.BindUdp(udp_.local, 80, kLater);
  kernel_.PutInto(kRuled, kClient);
  kernel_.PutInto(kFree, kLater);
  EXPECT_EQ(In(tcp_), Level::kRequire);
  EXPECT_EQ(In(udp_), Level::kNone);
  kernel_.PutInto(kRuled, kLater);
  now_ += FlowResolver::kTrust;
  EXPECT_EQ(In(udp_), Level::kRequire);
}

TEST_F(CgroupFlowTest, AChangeBindsTheNextPacket) {  // API-31
  kernel_.Open(tcp_, kClient);
  kernel_.PutInto(kRuled, kClient);
  const auto expect = [this](Level level) {
    EXPECT_EQ(In(tcp_), level);
    for (const FlowKey& key : {tcp_, udp_, icmp_}) {
      EXPECT_EQ(Out(key, Sent(kClient, kRuled)), level);
    }
    EXPECT_EQ(Out(icmp_, Sent(kLater, kRuled, Owner::Role::kRaw)), level);
  };
  for (const Level level : {Level::kUse, Level::kRequire, Level::kAvail}) {
    expect(Level::kNone);
    SetRule(level);
    expect(level);
    DropRules();
  }
}

TEST_F(CgroupFlowTest, TheSocketsOwnLevelIsNotWeakened) {
  SetAh(kClient, Level::kRequire);
  SetAh(kLater, Level::kBypass);
  SetSystemAh(Level::kUse);
  SetRule(Level::kBypass);
  EXPECT_EQ(Out(udp_, Sent(kClient, kRuled)), Level::kRequire);
  EXPECT_EQ(Out(udp_, Sent(kChild, kRuled)), Level::kBypass);
  EXPECT_EQ(Out(udp_, Sent(kListener, kFree)), Level::kUse);
  SetRule(Level::kUse);
  EXPECT_EQ(Out(udp_, Sent(kClient, kRuled)), Level::kRequire);
  EXPECT_EQ(Out(udp_, Sent(kLater, kRuled)), Level::kBypass);
}

TEST_F(CgroupFlowTest, WhatCannotBeToldIsBoundByTheStrictestRule) {
  SetRule(Level::kRequire);
  for (const CgroupId unknown : {kRemoved, kNoCgroup}) {
    EXPECT_EQ(Out(udp_, Sent(kClient, unknown)), Level::kRequire);
    EXPECT_EQ(Out(tcp_, Sent(kLater, unknown)), Level::kRequire);
  }
}

// Of its end there was a notice already, and there will be no other.
TEST_F(CgroupFlowTest, NothingIsNotedOfASocketInTimeWait) {
  SetRule(Level::kRequire);
  EXPECT_EQ(Out(tcp_, Sent(kLater, kNoCgroup)), Level::kRequire);
  EXPECT_EQ(sockets_.sockets(), 0U);
}

TEST_F(CgroupFlowTest, WithoutRulesNothingIsAsked) {
  kernel_.OpenHalf(tcp_, kClient);
  EXPECT_EQ(In(tcp_), Level::kNone);
  EXPECT_EQ(Out(udp_, Sent(kClient, kRuled)), Level::kNone);
  EXPECT_EQ(kernel_.questions(), 1U);
  EXPECT_EQ(paths_.questions(), 0U);
  EXPECT_EQ(sockets_.sockets(), 0U);
}

TEST_F(CgroupFlowTest, AConnectionObeysItsListenersCgroupFromItsSyn) {
  SetRule(Level::kRequire);
  kernel_.Listen(tcp_.local, 80, kListener);
  kernel_.PutInto(kBelow, kListener);
  EXPECT_EQ(In(tcp_, Opening::kSyn), Level::kRequire);
  AnswerSyn(kBelow);
  EXPECT_EQ(Out(tcp_, Sent(kChild, kBelow), Opening::kSynAck), Level::kRequire);
  EXPECT_EQ(In(tcp_), Level::kRequire);  // the ACK: a request socket still
}

// The ACK came before the rule, when nobody asked for the listener.
TEST_F(CgroupFlowTest, ARuleBindsConnectionsThatWereHalfOpen) {
  AnswerSyn(kRuled);
  EXPECT_EQ(In(tcp_), Level::kNone);
  SetRule(Level::kRequire);
  EXPECT_EQ(In(tcp_), Level::kRequire);
}

TEST_F(CgroupFlowTest, OtherListenersConnectionsAreAsTheyWere) {
  SetRule(Level::kRequire);
  AnswerSyn(kFree);
  EXPECT_EQ(In(tcp_), Level::kNone);
  EXPECT_EQ(sockets_.flows(), 0U);
}

TEST_F(CgroupFlowTest, AResetAfterTheEndObeysTheRule) {
  SetRule(Level::kRequire);
  const FlowKey other = KeyOf(IpProtocol::kTcp, 81);
  EXPECT_EQ(Out(tcp_, Sent(kClient, kRuled), Opening::kSyn), Level::kRequire);
  EXPECT_EQ(Out(other, Sent(kLater, kFree), Opening::kSyn), Level::kNone);
  sockets_.Retire(kClient, now_);
  for (const Owner& kernels :
       {kNobody, Sent(kKernel, kFree, Owner::Role::kRaw)}) {
    EXPECT_EQ(Out(tcp_, kernels), Level::kRequire);
    EXPECT_EQ(Out(other, kernels), Level::kNone);
  }
  DropRules();
  EXPECT_EQ(Out(tcp_, kNobody), Level::kNone);
}

// As a journal brings it back: what the cgroup was is not written down.
TEST_F(CgroupFlowTest, AResetAfterARestartObeysTheStrictestRule) {
  ASSERT_TRUE(sockets_.Obtain(kClient).ok());
  sockets_.Remember(kClient, tcp_);
  SetRule(Level::kRequire);
  EXPECT_EQ(Out(tcp_, kNobody), Level::kRequire);
  EXPECT_EQ(Out(KeyOf(IpProtocol::kTcp, 81), kNobody), Level::kNone);
}

// A flood of SYNs must not fill the table for good.
TEST_F(CgroupFlowTest, AHandshakeThatNeverEndsIsDoubted) {
  SetRule(Level::kUse);
  AnswerSyn(kRuled);
  const auto doubted = sockets_.TakeDoubted(now_ + SocketTable::kHalfOpen, 10);
  ASSERT_EQ(doubted.size(), 1U);
  EXPECT_EQ(doubted[0].cookie, kChild);
}

TEST_F(CgroupFlowTest, AResetForARequestThatIsGoneObeysTheRule) {
  SetRule(Level::kRequire);
  AnswerSyn(kRuled);
  kernel_.Close(tcp_);
  kernel_.StopListening(tcp_.local, 80);
  EXPECT_EQ(Out(tcp_, kNobody), Level::kRequire);
}

// The listener's successor is in another cgroup.
TEST_F(CgroupFlowTest, AListenersResetForADeadConnectionObeysTheOldRule) {
  SetRule(Level::kRequire);
  AnswerSyn(kRuled);
  kernel_.Close(tcp_);
  EXPECT_EQ(Out(tcp_, Sent(kLater, kFree, Owner::Role::kListener)),
            Level::kRequire);
}

TEST_F(CgroupFlowTest, TimeWaitKeepsTheCgroup) {
  SetRule(Level::kRequire);
  const FlowKey other = KeyOf(IpProtocol::kTcp, 81);
  Out(tcp_, Sent(kClient, kRuled), Opening::kSyn);
  Out(other, Sent(kLater, kFree), Opening::kSyn);
  EXPECT_EQ(Out(tcp_, Sent(kClient, kNoCgroup)), Level::kRequire);
  EXPECT_EQ(Out(other, Sent(kLater, kNoCgroup)), Level::kNone);
}

TEST_F(CgroupFlowTest, ASynOverTimeWaitObeysTheOldRuleAndTheListeners) {
  SetRule(Level::kRequire);
  kernel_.Listen(tcp_.local, 80, kListener);
  for (const auto& [old, listener, level] :
       {std::tuple{kFree, kFree, Level::kNone},
        std::tuple{kRuled, kFree, Level::kRequire},
        std::tuple{kFree, kRuled, Level::kRequire}}) {
    kernel_.Open(tcp_, kClient);
    kernel_.PutInto(old, kClient);
    In(tcp_);
    kernel_.PutInto(kNoCgroup, kClient);  // TIME_WAIT
    kernel_.PutInto(listener, kListener);
    EXPECT_EQ(In(tcp_, Opening::kSyn), level);
  }
}

TEST_F(CgroupFlowTest, AFullTableLowersNoProtection) {
  SetRule(Level::kRequire);
  for (std::uint64_t cookie = 20; sockets_.Obtain(SocketCookie{cookie}).ok();) {
    ++cookie;
  }
  const Opinion<Flow*> full =
      ruled_.Resolve(tcp_, Opening::kSyn, kOut, now_, Sent(kClient, kRuled));
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error(), DropReason::kTableFull);
  EXPECT_EQ(Out(KeyOf(IpProtocol::kTcp, 81), Sent(kLater, kFree)),
            Level::kNone);
  kernel_.Listen(tcp_.local, 80, kListener);
  kernel_.PutInto(kRuled, kListener);
  EXPECT_FALSE(AdmitSynInto(tcp_).ok());
  // There is room again.
  sockets_.Retire(SocketCookie{20}, now_);
  sockets_.Age(now_ + SocketTable::kLinger);
  EXPECT_EQ(Out(tcp_, Sent(kClient, kRuled)), Level::kRequire);
}

// Where packets name no sender, somebody in a cgroup may have sent them.
TEST_F(CgroupFlowTest, NamelessDatagramsObeyTheStrictestRule) {
  EXPECT_EQ(Out(icmp_, Owner()), Level::kNone);
  EXPECT_EQ(Out(udp_, Owner()), Level::kNone);
  SetRule(Level::kRequire);
  EXPECT_EQ(Out(icmp_, Owner()), Level::kRequire);
  EXPECT_EQ(Out(udp_, Owner()), Level::kRequire);
  EXPECT_EQ(Out(icmp_, kNobody), Level::kNone);
  // A SYN to a closed port is answered by the kernel.
  EXPECT_EQ(Out(tcp_, kNobody), Level::kNone);
}

TEST_F(CgroupFlowTest, RawSocketsObeyTheirCgroup) {
  SetRule(Level::kRequire);
  for (const FlowKey& key : {icmp_, tcp_}) {
    EXPECT_EQ(Out(key, Sent(kClient, kRuled, Owner::Role::kRaw)),
              Level::kRequire);
    EXPECT_EQ(Out(key, Sent(kKernel, kFree, Owner::Role::kRaw)), Level::kNone);
  }
}

TEST_F(CgroupFlowTest, FragmentsObeyTheirSendersCgroup) {
  SetRule(Level::kRequire);
  FlowKey fragment = udp_;
  fragment.local_port = fragment.remote_port = 0;
  const auto ah_of = [&](const Owner& sender) {
    return ruled_.OfFragment(fragment, sender).effective.of(Category::kAh);
  };
  EXPECT_EQ(ah_of(Sent(kClient, kBelow)), Level::kRequire);
  EXPECT_EQ(ah_of(Sent(kClient, kBelow, Owner::Role::kRaw)), Level::kRequire);
  EXPECT_EQ(ah_of(Sent(kClient, kFree)), Level::kNone);
  EXPECT_EQ(ah_of(kNobody), Level::kNone);
  EXPECT_EQ(ruled_.StrongestSocket().of(Category::kAh), Level::kRequire);
}

// A whole IPv4 packet of this protocol, whose payload begins with `first`.
std::vector<std::uint8_t> Packet4(std::uint8_t protocol, std::uint8_t first) {
  std::vector<std::uint8_t> octets(28);
  octets[0] = 0x45;
  octets[3] = 28;
  octets[9] = protocol;
  octets[12] = octets[16] = 10;
  octets[20] = first;
  return octets;
}

TEST_F(CgroupFlowTest, WhatRawSocketsMayGetSatisfiesEveryRule) {
  const auto demand = [this](std::uint8_t protocol, std::uint8_t first) {
    const std::vector<std::uint8_t> octets = Packet4(protocol, first);
    return ruled_.DemandOfRaw(*IpView::Parse(octets)).of(Category::kAh);
  };
  constexpr std::uint8_t kIcmp = 1;
  constexpr std::uint8_t kEchoReply = 0;
  constexpr std::uint8_t kUnreachable = 3;
  constexpr std::uint8_t kOspf = 89;
  EXPECT_EQ(demand(kIcmp, kEchoReply), Level::kNone);
  SetRule(Level::kRequire);
  EXPECT_EQ(demand(kIcmp, kEchoReply), Level::kRequire);
  EXPECT_EQ(demand(kOspf, 0), Level::kRequire);
  EXPECT_EQ(demand(kIcmp, kUnreachable), Level::kNone);
  for (const IpProtocol protocol : {IpProtocol::kTcp, IpProtocol::kUdp}) {
    EXPECT_EQ(demand(Number(protocol), 0), Level::kNone);
  }
}

// The kernel may name a sibling of the listener that the SYN was admitted for.
TEST_F(CgroupFlowTest, AHalfOpenConnectionKeepsItsOwnListenersCgroup) {
  SetRule(Level::kRequire);
  AnswerSyn(kRuled);
  kernel_.PutInto(kFree, kListener);
  EXPECT_EQ(In(tcp_), Level::kRequire);
  // What the kernel tells of the whole socket counts from then on.
  kernel_.Open(tcp_, kChild);
  kernel_.PutInto(kRuled, kChild);
  EXPECT_EQ(In(tcp_), Level::kRequire);
  EXPECT_EQ(sockets_.Find(kChild)->cgroup(), kRuled);
}

// A SYN that comes again finds its own half-open connection.
TEST_F(CgroupFlowTest, ARepeatedSynAsksForNoListener) {
  SetRule(Level::kRequire);
  AnswerSyn(kRuled);
  EXPECT_EQ(In(tcp_, Opening::kSyn), Level::kRequire);
  EXPECT_FALSE(sockets_.MayBeReopened(tcp_, now_));
}

}  // namespace
}  // namespace postern
