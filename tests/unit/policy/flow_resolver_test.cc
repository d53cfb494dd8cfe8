// SPDX-License-Identifier: Apache-2.0

#include "policy/flow_resolver.h"

#include "tests/unit/policy/flow_resolver_world.h"

namespace postern {
namespace {

TEST_F(FlowResolverTest, AsksTheKernelOnceForAConnection) {
  kernel_.Open(tcp_, kClient);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Resolve(tcp_, Opening::kNone, kOut).ok());
    ASSERT_TRUE(Resolve(tcp_, Opening::kNone, kIn).ok());
  }
  EXPECT_EQ(kernel_.questions(), 1u);
  EXPECT_EQ(stats_.of(Count::kOwnerLookups), 1u);
}

TEST_F(FlowResolverTest, FailsClosedWhenTheKernelCannotBeAsked) {
  kernel_.Break();
  for (const FlowKey& key : {tcp_, udp_}) {
    const Opinion<Flow*> flow = Resolve(key, Opening::kNone, kOut);
    ASSERT_FALSE(flow.ok());
    EXPECT_EQ(flow.error(), DropReason::kOwnerUnknown);
  }
  // Nothing of it was remembered.
  kernel_.Mend();
  kernel_.Open(tcp_, kClient);
  SetAh(kClient, Level::kRequire);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kRequire);
}

TEST_F(FlowResolverTest, DoesNotFallBackToAnOldAnswerWhenTheKernelFails) {
  kernel_.Open(tcp_, kClient);
  ASSERT_TRUE(Resolve(tcp_, Opening::kNone, kOut).ok());
  kernel_.Break();
  EXPECT_FALSE(Resolve(tcp_, Opening::kSyn, kOut).ok());
  EXPECT_FALSE(Resolve(tcp_, Opening::kNone, kOut).ok());
}

TEST_F(FlowResolverTest, TakesTheSystemLevelForWhatNobodyOwns) {
  SetSystemAh(Level::kUnique);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kRequire);
  kernel_.Open(udp_, kClient);
  EXPECT_EQ(AhLevel(udp_, Opening::kNone, kOut), Level::kUnique);
}

TEST_F(FlowResolverTest, ObeysALevelThatIsSetInMidSession) {  // API-30
  kernel_.Open(tcp_, kClient);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kNone);
  SetAh(kClient, Level::kRequire);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kRequire);
  SetAh(kClient, Level::kNone);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kIn), Level::kNone);
  SetAh(kClient, Level::kRequire);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kIn), Level::kRequire);
  EXPECT_EQ(kernel_.questions(), 1u);
}

TEST_F(FlowResolverTest, ObeysASystemLevelThatIsSetInMidSession) {  // API-31
  kernel_.Open(tcp_, kClient);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kNone);
  SetSystemAh(Level::kRequire);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kRequire);
  EXPECT_EQ(kernel_.questions(), 1u);
}

TEST_F(FlowResolverTest, ObeysTheLevelsOfASocketFromItsSyn) {  // API-27, API-35
  SetAh(kClient, Level::kRequire);
  kernel_.Open(tcp_, kClient);
  EXPECT_EQ(AhLevel(tcp_, Opening::kSyn, kOut), Level::kRequire);
}

TEST_F(FlowResolverTest, GivesAChildItsListenersLevels) {  // API-33
  kernel_.Listen(tcp_.local, 80, kListener);
  for (const Category category : kCategories) {
    sockets_.Obtain(kListener).value()->SetLevel(category, Level::kUse);
  }
  Accept(kChild);
  for (const Category category : kCategories) {
    EXPECT_EQ(sockets_.Find(kChild)->levels().of(category), Level::kUse);
  }
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kIn), Level::kUse);
}

TEST_F(FlowResolverTest, KeepsAChildAsItsListenerChanges) {  // API-33
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kRequire);
  ASSERT_TRUE(AdmitSyn(tcp_).ok());
  SetAh(kListener, Level::kNone);
  kernel_.Open(tcp_, kChild);
  EXPECT_EQ(AhLevel(tcp_, Opening::kSynAck, kOut), Level::kRequire);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kIn), Level::kRequire);
}

TEST_F(FlowResolverTest, LetsAChildChangeItsOwnLevels) {
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kRequire);
  Accept(kChild);
  SetAh(kChild, Level::kNone);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kNone);
  EXPECT_EQ(sockets_.Find(kListener)->levels().of(Category::kAh),
            Level::kRequire);
}

TEST_F(FlowResolverTest, LetsAChildInheritBypass) {
  kernel_.Listen(tcp_.local, 80, kListener);
  SetSystemAh(Level::kRequire);
  SetAh(kListener, Level::kBypass);
  Accept(kChild);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kBypass);
}

TEST_F(FlowResolverTest, RecordsNothingForAListenerWithoutLevels) {
  kernel_.Listen(tcp_.local, 80, kListener);
  Accept(kChild);
  EXPECT_EQ(sockets_.flows(), 0u);
  EXPECT_EQ(sockets_.sockets(), 0u);
}

// Listeners of one SO_REUSEPORT group: asked without the peer's address, the
// kernel names any of them.
TEST_F(FlowResolverTest, DoesNotGiveAChildTheLevelsOfItsListenersSibling) {
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kLater, Level::kRequire);
  ASSERT_TRUE(AdmitSyn(tcp_).ok());
  kernel_.Listen(tcp_.local, 80, kLater);
  kernel_.Open(tcp_, kChild);
  EXPECT_EQ(AhLevel(tcp_, Opening::kSynAck, kOut), Level::kNone);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kIn), Level::kNone);
}

TEST_F(FlowResolverTest, RefusesASynWhoseInheritanceHasNoRoom) {
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kUse);
  FlowKey key = tcp_;
  for (key.remote_port = 1; key.remote_port <= 2; ++key.remote_port) {
    ASSERT_TRUE(AdmitSyn(key).ok());
  }
  const Passage refused = AdmitSyn(key);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error(), DropReason::kTableFull);
}

TEST_F(FlowResolverTest, DoesNotTrustAListenersAnswerForTheNextPacket) {
  kernel_.Listen(tcp_.local, 80, kListener);
  EXPECT_EQ(AhLevel(tcp_, Opening::kSyn, kIn), Level::kNone);
  kernel_.Open(tcp_, kChild);
  SetAh(kChild, Level::kRequire);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kIn), Level::kRequire);
}

TEST_F(FlowResolverTest, CarriesInheritanceThroughASyncookie) {
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kRequire);
  ASSERT_TRUE(AdmitSyn(tcp_).ok());
  SetAh(kListener, Level::kNone);
  // No request socket: the listener answers for the SYN-ACK and for the ACK.
  EXPECT_EQ(AhLevel(tcp_, Opening::kSynAck, kOut), Level::kRequire);
  const Opinion<Flow*> ack = Resolve(tcp_, Opening::kNone, kIn);
  ASSERT_TRUE(ack.ok());
  EXPECT_EQ((*ack)->effective.of(Category::kAh), Level::kRequire);
  EXPECT_TRUE(resolver_.Inherit(**ack, now_).ok());
  // Then the child is there.
  kernel_.Open(tcp_, kChild);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kRequire);
  EXPECT_EQ(sockets_.Find(kChild)->levels().of(Category::kAh), Level::kRequire);
}

TEST_F(FlowResolverTest, InheritsAtTheAckOfASyncookieThatWeDidNotSee) {
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kRequire);
  const Opinion<Flow*> ack = Resolve(tcp_, Opening::kNone, kIn);
  ASSERT_TRUE(ack.ok());
  EXPECT_EQ((*ack)->effective.of(Category::kAh), Level::kRequire);
  ASSERT_TRUE(resolver_.Inherit(**ack, now_).ok());
  SetAh(kListener, Level::kNone);
  kernel_.Open(tcp_, kChild);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kRequire);
}

// DEF-35
TEST_F(FlowResolverTest, BindsLateResetsByTheDeadSocketsLevels) {  // API-34
  SetAh(kClient, Level::kRequire);
  kernel_.Open(tcp_, kClient);
  ASSERT_TRUE(Resolve(tcp_, Opening::kSyn, kOut).ok());
  kernel_.Close(tcp_);
  sockets_.Retire(kClient, now_);
  FlowResolver later({system_, sockets_, kernel_, stats_}, 64);
  const Opinion<Flow*> flow = later.Resolve(tcp_, Opening::kNone, kOut, now_);
  ASSERT_TRUE(flow.ok());
  EXPECT_FALSE((*flow)->cookie.has_value());
  EXPECT_EQ((*flow)->effective.of(Category::kAh), Level::kRequire);
}

// DEF-35
TEST_F(FlowResolverTest, BindsLateResetsByLevelsSetInMidSession) {
  kernel_.Open(tcp_, kClient);
  ASSERT_TRUE(Resolve(tcp_, Opening::kSyn, kOut).ok());
  SetAh(kClient, Level::kRequire);
  ASSERT_TRUE(Resolve(tcp_, Opening::kNone, kOut).ok());
  kernel_.Close(tcp_);
  FlowResolver later({system_, sockets_, kernel_, stats_}, 64);
  const Opinion<Flow*> flow = later.Resolve(tcp_, Opening::kNone, kOut, now_);
  ASSERT_TRUE(flow.ok());
  EXPECT_EQ((*flow)->effective.of(Category::kAh), Level::kRequire);
}

TEST_F(FlowResolverTest, DoesNotBindANewClientByAnOldOnesLevels) {
  SetAh(kClient, Level::kRequire);
  kernel_.Open(tcp_, kClient);
  ASSERT_TRUE(Resolve(tcp_, Opening::kSyn, kOut).ok());
  kernel_.Open(tcp_, kLater);  // the same 5-tuple again
  EXPECT_EQ(AhLevel(tcp_, Opening::kSyn, kOut), Level::kNone);
  EXPECT_EQ(AhLevel(tcp_, Opening::kSynAck, kIn), Level::kNone);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kNone);
}

TEST_F(FlowResolverTest, DoesNotBindANewClientsLateResetsByAnOldOnesLevels) {
  SetAh(kClient, Level::kRequire);
  kernel_.Open(tcp_, kClient);
  ASSERT_TRUE(Resolve(tcp_, Opening::kSyn, kOut).ok());
  kernel_.Open(tcp_, kLater);
  ASSERT_TRUE(Resolve(tcp_, Opening::kSyn, kOut).ok());
  kernel_.Close(tcp_);
  FlowResolver later({system_, sockets_, kernel_, stats_}, 64);
  const Opinion<Flow*> flow = later.Resolve(tcp_, Opening::kNone, kOut, now_);
  ASSERT_TRUE(flow.ok());
  EXPECT_EQ((*flow)->effective.of(Category::kAh), Level::kNone);
}

TEST_F(FlowResolverTest, BindsANewClientByItsOwnLevels) {
  kernel_.Open(tcp_, kClient);
  ASSERT_TRUE(Resolve(tcp_, Opening::kSyn, kOut).ok());
  SetAh(kLater, Level::kRequire);
  kernel_.Open(tcp_, kLater);
  // Its SYN went through another worker; this one sees the SYN-ACK.
  EXPECT_EQ(AhLevel(tcp_, Opening::kSynAck, kIn), Level::kRequire);
}

TEST_F(FlowResolverTest, DoesNotBindANewChildByAnOldOnesLevels) {
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kRequire);
  Accept(kChild);
  kernel_.Close(tcp_);
  SetAh(kListener, Level::kNone);
  Accept(kLater);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kNone);
  EXPECT_EQ(sockets_.Find(kLater), nullptr);
}

TEST_F(FlowResolverTest, JudgesASynOverTimeWaitByTheListenerToo) {  // API-32
  kernel_.Listen(tcp_.local, 80, kListener);
  kernel_.Open(tcp_, kChild);  // in TIME_WAIT, without levels
  SetAh(kListener, Level::kRequire);
  EXPECT_EQ(AhLevel(tcp_, Opening::kSyn, kIn), Level::kRequire);
  ASSERT_TRUE(AdmitSyn(tcp_).ok());
  kernel_.Open(tcp_, kLater);
  EXPECT_EQ(AhLevel(tcp_, Opening::kSynAck, kOut), Level::kRequire);
  EXPECT_EQ(sockets_.Find(kChild), nullptr);
  EXPECT_EQ(sockets_.Find(kLater)->levels().of(Category::kAh), Level::kRequire);
}

TEST_F(FlowResolverTest, JudgesASynOverTimeWaitByTheOldOwnerToo) {
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kBypass);
  kernel_.Open(tcp_, kChild);
  SetAh(kChild, Level::kRequire);
  EXPECT_EQ(AhLevel(tcp_, Opening::kSyn, kIn), Level::kRequire);
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kIn), Level::kRequire);
}

TEST_F(FlowResolverTest, BindsARepeatedSynToItsFirstCopy) {
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kRequire);
  Accept(kChild);
  ASSERT_TRUE(AdmitSyn(tcp_).ok());  // the request socket answers for it
  EXPECT_EQ(sockets_.FindFlow(tcp_), sockets_.Find(kChild));
}

TEST_F(FlowResolverTest, DoesNotAskTheKernelWhereTheRouteDiscards) {
  Route route;
  route.verdict = Route::Verdict::kDiscard;
  system_.Replace(RouteTable::Create({route}).value());
  kernel_.Open(tcp_, kClient);
  SetAh(kClient, Level::kBypass);
  const Opinion<Flow*> flow = Resolve(tcp_, Opening::kNone, kOut);
  ASSERT_TRUE(flow.ok());
  EXPECT_TRUE((*flow)->discard);
  EXPECT_EQ(kernel_.questions(), 0u);
  system_.Replace(RouteTable());
  EXPECT_EQ(AhLevel(tcp_, Opening::kNone, kOut), Level::kBypass);
}

TEST_F(FlowResolverTest, SeesADatagramSocketThatIsBoundWhereNobodyWas) {
  SetAh(kClient, Level::kRequire);
  EXPECT_EQ(AhLevel(udp_, Opening::kNone, kIn), Level::kNone);
  kernel_.BindUdp(udp_.local, udp_.local_port, kClient);
  EXPECT_EQ(AhLevel(udp_, Opening::kNone, kIn), Level::kRequire);
}

TEST_F(FlowResolverTest, HoldsADatagramThatOutlivedItsSocketToTheStrongest) {
  SetAh(kClient, Level::kRequire);
  EXPECT_EQ(AhLevel(udp_, Opening::kNone, kOut), Level::kRequire);
  // Whose SA it would be is not known: nobody else's will do (API-19).
  SetAh(kClient, Level::kUnique);
  EXPECT_EQ(AhLevel(udp_, Opening::kNone, kOut), Level::kUnique);
  // Only what this host sent, and only what a closed socket can have sent.
  EXPECT_EQ(AhLevel(udp_, Opening::kNone, kIn), Level::kNone);
  FlowKey icmp = KeyOf(IpProtocol::kIcmp, 0);
  icmp.remote_port = 0;
  EXPECT_EQ(AhLevel(icmp, Opening::kNone, kOut), Level::kNone);
}

TEST_F(FlowResolverTest, SeesADatagramSocketThatFollowsAnother) {
  SetAh(kLater, Level::kRequire);
  kernel_.Open(udp_, kClient);
  EXPECT_EQ(AhLevel(udp_, Opening::kNone, kIn), Level::kNone);
  kernel_.Open(udp_, kLater);
  sockets_.Retire(kClient, now_);
  EXPECT_EQ(AhLevel(udp_, Opening::kNone, kIn), Level::kRequire);
}

TEST_F(FlowResolverTest, SeesADatagramSocketThatIsConnectedBesideAnother) {
  SetAh(kLater, Level::kRequire);
  kernel_.BindUdp(udp_.local, udp_.local_port, kClient);
  EXPECT_EQ(AhLevel(udp_, Opening::kNone, kIn), Level::kNone);
  kernel_.Open(udp_, kLater);
  now_ += FlowResolver::kTrust;
  EXPECT_EQ(AhLevel(udp_, Opening::kNone, kIn), Level::kRequire);
}

TEST_F(FlowResolverTest, TrustsADatagramFlowsOwnerForAShortTimeOnly) {
  SetAh(kLater, Level::kRequire);
  kernel_.BindUdp(udp_.local, udp_.local_port, kClient);
  ASSERT_TRUE(Resolve(udp_, Opening::kNone, kIn).ok());
  ASSERT_TRUE(Resolve(udp_, Opening::kNone, kIn).ok());
  EXPECT_EQ(kernel_.questions(), 1u);
  kernel_.Open(udp_, kLater);
  now_ += FlowResolver::kTrust;
  EXPECT_EQ(AhLevel(udp_, Opening::kNone, kIn), Level::kRequire);
}

TEST_F(FlowResolverTest, LosesNothingWhenItsTableIsTooSmall) {
  FlowResolver small({system_, sockets_, kernel_, stats_}, 1);
  FlowKey key = tcp_;
  for (std::uint16_t port = 1; port <= 8; ++port) {
    key.remote_port = port;
    kernel_.Open(key, SocketCookie{port});
    SetAh(SocketCookie{port}, port % 2 == 0 ? Level::kRequire : Level::kUse);
  }
  for (std::uint16_t turn = 0; turn < 3; ++turn) {
    for (std::uint16_t port = 1; port <= 8; ++port) {
      key.remote_port = port;
      key.local_port = static_cast<std::uint16_t>(80 + turn);
      kernel_.Open(key, SocketCookie{port});
      const Opinion<Flow*> flow =
          small.Resolve(key, Opening::kNone, kOut, now_);
      ASSERT_TRUE(flow.ok());
      EXPECT_EQ((*flow)->effective.of(Category::kAh),
                port % 2 == 0 ? Level::kRequire : Level::kUse);
    }
  }
}

}  // namespace
}  // namespace postern
