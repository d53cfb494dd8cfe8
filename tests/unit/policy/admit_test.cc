// SPDX-License-Identifier: Apache-2.0
//
// What is delivered: InboundPolicy, level by level and case by case. The whole
// matrix is in decision_matrix_test.cc.

#include <variant>

#include "policy/decide.h"
#include "tests/unit/policy/policy_world.h"

namespace postern {
namespace {

constexpr Category kEsp = Category::kEspTransport;
constexpr Category kAuth = Category::kAh;
constexpr Category kNetwork = Category::kEspNetwork;
constexpr SocketCookie kSocket{11};
constexpr SocketCookie kListener{12};
constexpr SocketCookie kChild{13};

class InboundPolicyTest : public PolicyWorld {
 protected:
  void SetUp() override { kernel_.Open(KeyOf(IpProtocol::kUdp), kSocket); }

  const Octets udp_ = FromPeer().Udp(4711, 80, {1, 2, 3});
  const Octets syn_ = FromPeer().Tcp(4711, 80, kSyn);
  const Octets ack_ = FromPeer().Tcp(4711, 80, kAck);
};

TEST_F(InboundPolicyTest, AcceptsAnythingBelowRequire) {  // API-08, API-12
  SecurityAssociation& ah = AddInbound(kAuth);
  for (const Level level : {Level::kNone, Level::kAvail, Level::kUse}) {
    SetSocket(kSocket, kAuth, level);
    EXPECT_TRUE(Admit(udp_).ok()) << NameOf(level);  // API-15
    EXPECT_TRUE(Admit(udp_, PathOf({&ah})).ok()) << NameOf(level);
  }
}

TEST_F(InboundPolicyTest, DropsClearPacketsAtRequire) {  // API-18, IN-15
  SetSocket(kSocket, kAuth, Level::kRequire);
  AddInbound(kAuth);  // that there is an SA does not count (API-45)
  EXPECT_EQ(Refusal(udp_), DropReason::kPolicyRequiresAh);
}

TEST_F(InboundPolicyTest, DropsEspWhereAhIsRequired) {  // API-18
  SetSocket(kSocket, kAuth, Level::kRequire);
  EXPECT_EQ(Refusal(udp_, PathOf({&AddInbound(kEsp)})),
            DropReason::kPolicyRequiresAh);
  EXPECT_TRUE(Admit(udp_, PathOf({&AddInbound(kAuth)})).ok());
}

TEST_F(InboundPolicyTest, DropsEspTransportWhereEspNetworkIsRequired) {
  SetSocket(kSocket, kNetwork, Level::kRequire);  // API-18, DEF-33
  EXPECT_EQ(Refusal(udp_, PathOf({&AddInbound(kEsp)})),
            DropReason::kPolicyRequiresEspNetwork);
  EXPECT_TRUE(Admit(udp_, PathOf({&AddInbound(kNetwork)})).ok());
}

TEST_F(InboundPolicyTest, DropsEspNetworkWhereEspTransportIsRequired) {
  SetSocket(kSocket, kEsp, Level::kRequire);  // API-18, DEF-33
  EXPECT_EQ(Refusal(udp_, PathOf({&AddInbound(kNetwork)})),
            DropReason::kPolicyRequiresEspTransport);
}

TEST_F(InboundPolicyTest, RequiresAtUniqueAsAtRequire) {  // API-19
  SetSocket(kSocket, kAuth, Level::kUnique);
  EXPECT_EQ(Refusal(udp_), DropReason::kPolicyRequiresAh);
  EXPECT_TRUE(Admit(udp_, PathOf({&AddInbound(kAuth)})).ok());
}

TEST_F(InboundPolicyTest, ObeysChangesInMidSession) {  // API-30, API-31
  EXPECT_TRUE(Admit(udp_).ok());
  SetSocket(kSocket, kAuth, Level::kRequire);
  EXPECT_FALSE(Admit(udp_).ok());
  SetSocket(kSocket, kAuth, Level::kNone);
  EXPECT_TRUE(Admit(udp_).ok());
  LevelSet system;
  system.Set(kAuth, Level::kRequire);
  SetRoutes({DefaultRoute(system)});
  EXPECT_FALSE(Admit(udp_).ok());
}

TEST_F(InboundPolicyTest, DropsUnknownOwners) {
  SetSocket(kSocket, kAuth, Level::kAvail);  // somebody's levels may bind it
  kernel_.Break();
  EXPECT_EQ(Refusal(udp_), DropReason::kOwnerUnknown);
}

TEST_F(InboundPolicyTest, DropsWhatComesFromADiscardedRemote) {
  Route route;
  route.verdict = Route::Verdict::kDiscard;
  SetRoutes({route});
  SetSocket(kSocket, kAuth, Level::kBypass);
  EXPECT_EQ(Refusal(udp_), DropReason::kDiscardRoute);
  EXPECT_EQ(Refusal(udp_, PathOf({&AddInbound(kAuth)})),
            DropReason::kDiscardRoute);
  EXPECT_EQ(Refusal(FromPeer().FragmentOffset(9).Udp(4711, 80, {1})),
            DropReason::kDiscardRoute);
}

TEST_F(InboundPolicyTest, DropsPacketsThatEndBeforeTheirPortsOrFlags) {
  const std::uint8_t tcp = Number(IpProtocol::kTcp);
  EXPECT_EQ(Refusal(FromPeer().Raw(tcp, Octets(3))),
            DropReason::kBadTransportHeader);
  EXPECT_EQ(Refusal(FromPeer().Raw(tcp, Octets(13))),
            DropReason::kBadTransportHeader);
  EXPECT_EQ(Refusal(FromPeer().MoreFragments().Raw(tcp, Octets(8))),
            DropReason::kBadTransportHeader);
}

// RFC 4301 5.2: selectors.
TEST_F(InboundPolicyTest, DropsWhatTheSelectorsDoNotName) {
  SaParameters sa = Parameters(kAuth, Direction::kInbound);
  sa.selector.protocol = Number(IpProtocol::kUdp);
  sa.selector.source_port = 4711;
  SecurityAssociation& ah = Add(sa);
  EXPECT_TRUE(Admit(udp_, PathOf({&ah})).ok());
  EXPECT_EQ(Refusal(FromPeer().Udp(4712, 80), PathOf({&ah})),
            DropReason::kSelectorMismatch);
  EXPECT_EQ(Refusal(FromPeer().IcmpEcho(1, 1), PathOf({&ah})),
            DropReason::kSelectorMismatch);
}

TEST_F(InboundPolicyTest, ChecksTheSelectorsOfEverySa) {
  SaParameters sa = Parameters(kEsp, Direction::kInbound);
  sa.selector.protocol = Number(IpProtocol::kTcp);
  EXPECT_EQ(Refusal(udp_, PathOf({&AddInbound(kAuth), &Add(sa)})),
            DropReason::kSelectorMismatch);
}

TEST_F(InboundPolicyTest, DropsForeignSourcesInTransportMode) {
  const Octets foreign = PacketBuilder("10.9.2.99", kHere).Udp(4711, 80);
  EXPECT_TRUE(Admit(foreign).ok());
  EXPECT_EQ(Refusal(foreign, PathOf({&AddInbound(kAuth)})),
            DropReason::kSelectorMismatch);
}

// A wide selector and a route that names the peer change nothing about that.
TEST_F(InboundPolicyTest, LetsATransportSaSpeakForItsOwnSourceOnly) {
  SaParameters sa = Parameters(kAuth, Direction::kInbound);
  sa.selector.source = IpPrefix::Parse("10.9.2.0/24").value();
  Route route;
  route.levels.Set(kNetwork, Level::kAvail);
  route.gateway = Address(kPeer);
  SetRoutes({route});
  SecurityAssociation& ah = Add(sa);
  EXPECT_TRUE(Admit(udp_, PathOf({&ah})).ok());
  EXPECT_EQ(
      Refusal(PacketBuilder("10.9.2.99", kHere).Udp(4711, 80), PathOf({&ah})),
      DropReason::kSelectorMismatch);
}

TEST_F(InboundPolicyTest, LetsATunnelSpeakForItsOwnEndOnly) {
  SecurityAssociation& tunnel = AddInbound(kNetwork);
  EXPECT_TRUE(Admit(udp_, PathOf({&tunnel})).ok());
  EXPECT_EQ(Refusal(PacketBuilder("10.9.2.99", kHere).Udp(4711, 80),
                    PathOf({&tunnel})),
            DropReason::kSelectorMismatch);
}

TEST_F(InboundPolicyTest, LetsAGatewaySpeakForTheRoutesThatNameIt) {
  SecurityAssociation& tunnel =
      Add(Parameters(kNetwork, Direction::kInbound, {kGateway, kHere}));
  EXPECT_EQ(Refusal(udp_, PathOf({&tunnel})), DropReason::kSelectorMismatch);
  Route route;
  route.prefix = IpPrefix::Parse("10.9.2.0/24").value();
  route.levels.Set(kNetwork, Level::kRequire);
  route.gateway = Address(kGateway);
  SetRoutes({route});
  EXPECT_TRUE(Admit(udp_, PathOf({&tunnel})).ok());
  EXPECT_EQ(Refusal(PacketBuilder("10.9.3.1", kHere).Udp(4711, 80),
                    PathOf({&tunnel})),
            DropReason::kSelectorMismatch);
}

TEST_F(InboundPolicyTest, LetsATunnelSpeakForWhatItsSelectorHolds) {
  SaParameters sa =
      Parameters(kNetwork, Direction::kInbound, {kGateway, kHere});
  sa.selector.source = IpPrefix::Parse("10.9.2.0/24").value();
  SecurityAssociation& tunnel = Add(sa);
  EXPECT_TRUE(Admit(udp_, PathOf({&tunnel})).ok());
  EXPECT_EQ(Refusal(PacketBuilder("10.9.3.1", kHere).Udp(4711, 80),
                    PathOf({&tunnel})),
            DropReason::kSelectorMismatch);
}

// The scenario of the draft's 3.1.
TEST_F(InboundPolicyTest, DropsClientAsSynAndAcceptsClientBs) {  // API-32
  kernel_.Listen(Address(kHere), 80, kListener);
  SetSocket(kListener, kAuth, Level::kRequire);
  SecurityAssociation& ah = AddInbound(kAuth);

  EXPECT_EQ(Refusal(syn_), DropReason::kPolicyRequiresAh);
  EXPECT_EQ(sockets_.flows(), 0u);  // no state

  EXPECT_TRUE(Admit(syn_, PathOf({&ah})).ok());
  EXPECT_EQ(sockets_.flows(), 1u);
  kernel_.Open(KeyOf(IpProtocol::kTcp), kChild);
  const Octets syn_ack = ToPeer().Tcp(80, 4711, kSyn | kAck);
  EXPECT_TRUE(std::holds_alternative<NeedSa>(Decide(syn_ack)));
  AddOutbound(kAuth);
  EXPECT_TRUE(std::holds_alternative<Protect>(Decide(syn_ack)));
  EXPECT_EQ(sockets_.Find(kChild)->levels().of(kAuth), Level::kRequire);

  // API-34: all of the connection, both ways, whatever the listener does.
  SetSocket(kListener, kAuth, Level::kNone);
  EXPECT_EQ(Refusal(ack_), DropReason::kPolicyRequiresAh);
  EXPECT_TRUE(Admit(ack_, PathOf({&ah})).ok());
  for (const int flags : {+kAck, kFin | kAck, +kRst}) {
    const Octets segment =
        ToPeer().Tcp(80, 4711, static_cast<std::uint8_t>(flags));
    EXPECT_TRUE(std::holds_alternative<Protect>(Decide(segment)));
  }
  // A reset that the kernel sends when the socket is gone.
  kernel_.Close(KeyOf(IpProtocol::kTcp));
  kernel_.StopListening(Address(kHere), 80);
  sockets_.Retire(kChild, now_);
  EXPECT_TRUE(
      std::holds_alternative<Protect>(Decide(ToPeer().Tcp(80, 4711, kRst))));
}

TEST_F(InboundPolicyTest, RefusesASynWhenInheritanceHasNoRoom) {
  kernel_.Listen(Address(kHere), 80, kListener);
  SocketTable small({.sockets = 1, .inherited = 1});
  small.Obtain(kListener).value()->SetLevel(kAuth, Level::kUse);
  FlowResolver flows({system_, small, kernel_, stats_}, 64);
  InboundPolicy inbound(system_, flows);
  const Passage admitted = inbound.Admit(IpView::Parse(syn_).value(), {}, now_);
  ASSERT_FALSE(admitted.ok());
  EXPECT_EQ(admitted.error(), DropReason::kTableFull);
}

// A fragment that names no ports must not slip past a socket's REQUIRE.
TEST_F(InboundPolicyTest, DropsLaterFragmentsWhereAnySocketRequires) {
  const Octets later = FromPeer().FragmentOffset(9).Udp(4711, 80, {1});
  EXPECT_TRUE(Admit(later).ok());
  SetSocket(kChild, kAuth, Level::kUse);
  EXPECT_TRUE(Admit(later).ok());
  SetSocket(kChild, kAuth, Level::kRequire);
  EXPECT_EQ(Refusal(later), DropReason::kFragment);
  EXPECT_EQ(Refusal(later, PathOf({&AddInbound(kEsp)})), DropReason::kFragment);
  EXPECT_TRUE(Admit(later, PathOf({&AddInbound(kAuth)})).ok());
}

TEST_F(InboundPolicyTest, DropsLaterFragmentsWhereTheRouteRequires) {
  const Octets later = FromPeer().FragmentOffset(9).Udp(4711, 80, {1});
  LevelSet system;
  system.Set(kNetwork, Level::kRequire);
  SetRoutes({DefaultRoute(system)});
  EXPECT_EQ(Refusal(later), DropReason::kFragment);
  EXPECT_TRUE(Admit(later, PathOf({&AddInbound(kNetwork)})).ok());
}

TEST_F(InboundPolicyTest, DropsLaterFragmentsWhereAHalfOpenChildRequires) {
  LevelSet levels;
  levels.Set(kAuth, Level::kRequire);
  (void)sockets_.Inherit(KeyOf(IpProtocol::kTcp), levels, now_);
  EXPECT_EQ(Refusal(FromPeer().FragmentOffset(9).Udp(4711, 80, {1})),
            DropReason::kFragment);
}

TEST_F(InboundPolicyTest, JudgesFirstFragmentsByTheirSocket) {
  SetSocket(kSocket, kAuth, Level::kRequire);
  EXPECT_EQ(Refusal(FromPeer().MoreFragments().Udp(4711, 80, Octets(8))),
            DropReason::kPolicyRequiresAh);
}

}  // namespace
}  // namespace postern
