// SPDX-License-Identifier: Apache-2.0
//
// What leaves: OutboundPolicy, level by level and case by case. The whole
// matrix is in decision_matrix_test.cc.

#include "policy/decide.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <variant>

#include "tests/unit/policy/policy_world.h"

namespace postern {
namespace {

constexpr Category kEsp = Category::kEspTransport;
constexpr Category kAuth = Category::kAh;
constexpr Category kNetwork = Category::kEspNetwork;
constexpr SocketCookie kSocket{11};
constexpr SocketCookie kOther{12};

LevelSet Only(Category category, Level level) {
  LevelSet levels;
  levels.Set(category, level);
  return levels;
}

class OutboundPolicyTest : public PolicyWorld {
 protected:
  void SetUp() override {
    kernel_.Open(KeyOf(IpProtocol::kUdp), kSocket);
    kernel_.Open(KeyOf(IpProtocol::kTcp), kSocket);
  }

  void ExpectClear(const Octets& packet) {
    EXPECT_TRUE(std::holds_alternative<Bypass>(Decide(packet)));
  }

  void ExpectNeeds(const Octets& packet, Category category) {
    ExpectNeeds(packet, std::vector{category});
  }

  void ExpectNeeds(const Octets& packet,
                   const std::vector<Category>& categories) {
    const Decision decision = Decide(packet);
    const auto* need = std::get_if<NeedSa>(&decision);
    ASSERT_NE(need, nullptr);
    CategorySet expected;
    for (const Category category : categories) {
      expected.Add(category);
    }
    EXPECT_EQ(need->missing, expected);
  }

  void ExpectProtected(
      const Octets& packet,
      std::initializer_list<const SecurityAssociation*> inner_first) {
    const Decision decision = Decide(packet);
    const auto* protect = std::get_if<Protect>(&decision);
    ASSERT_NE(protect, nullptr);
    const auto applied = protect->bundle->associations();
    EXPECT_TRUE(std::equal(applied.begin(), applied.end(), inner_first.begin(),
                           inner_first.end()));
  }

  void ExpectDiscarded(const Octets& packet, DropReason reason) {
    const Decision decision = Decide(packet);
    const auto* discard = std::get_if<Discard>(&decision);
    ASSERT_NE(discard, nullptr);
    EXPECT_EQ(discard->reason, reason) << NameOf(discard->reason);
  }

  const Octets udp_ = ToPeer().Udp(80, 4711, {1, 2, 3});
};

TEST_F(OutboundPolicyTest, DiscardsByDefault) {
  EXPECT_TRUE(std::holds_alternative<Discard>(Decision()));
}

TEST_F(OutboundPolicyTest, SendsClearAtNoneEvenWithAnSa) {  // API-08
  AddOutbound(kAuth);
  ExpectClear(udp_);
}

TEST_F(OutboundPolicyTest, UsesAnSaAtAvailWhileThereIsOne) {  // API-11
  SetSocket(kSocket, kAuth, Level::kAvail);
  ExpectClear(udp_);
  SecurityAssociation& ah = AddOutbound(kAuth);
  ExpectProtected(udp_, {&ah});
  ASSERT_TRUE(sadb_.Delete(ah.parameters().identity()).ok());
  ExpectClear(udp_);
}

TEST_F(OutboundPolicyTest, WaitsForAnSaAtUse) {  // API-14
  SetSocket(kSocket, kAuth, Level::kUse);
  ExpectNeeds(udp_, kAuth);
  SecurityAssociation& ah = AddOutbound(kAuth);
  ExpectProtected(udp_, {&ah});
}

TEST_F(OutboundPolicyTest, NeverSendsClearAtRequire) {  // API-17, API-44
  SetSocket(kSocket, kAuth, Level::kRequire);
  ExpectNeeds(udp_, kAuth);
  SecurityAssociation& ah = AddOutbound(kAuth);
  ExpectProtected(udp_, {&ah});
  ASSERT_TRUE(sadb_.Delete(ah.parameters().identity()).ok());
  ExpectNeeds(udp_, kAuth);
}

TEST_F(OutboundPolicyTest, NamesTheFlowThatNeedsAnSa) {
  SetSocket(kSocket, kNetwork, Level::kRequire);
  const Decision decision = Decide(udp_);
  const auto* need = std::get_if<NeedSa>(&decision);
  ASSERT_NE(need, nullptr);
  EXPECT_EQ(need->Of(kNetwork).flow, KeyOf(IpProtocol::kUdp));
  EXPECT_EQ(need->Of(kNetwork).source, Address(kHere));
  EXPECT_EQ(need->Of(kNetwork).destination, Address(kPeer));
}

TEST_F(OutboundPolicyTest, DoesNotUseAnSaThatHasEnded) {
  SetSocket(kSocket, kAuth, Level::kRequire);
  SecurityAssociation& ah = AddOutbound(kAuth);
  ExpectProtected(udp_, {&ah});
  ah.Kill();
  ExpectNeeds(udp_, kAuth);
}

TEST_F(OutboundPolicyTest, LeavesAvailClearWhenTheSaHasEnded) {  // API-11
  SetSocket(kSocket, kAuth, Level::kAvail);
  SecurityAssociation& ah = AddOutbound(kAuth);
  ExpectProtected(udp_, {&ah});
  ah.Kill();
  ExpectClear(udp_);
}

TEST_F(OutboundPolicyTest, TakesTheNewestSa) {
  SetSocket(kSocket, kAuth, Level::kRequire);
  SecurityAssociation& old = AddOutbound(kAuth);
  ExpectProtected(udp_, {&old});
  SecurityAssociation& successor = AddOutbound(kAuth);
  ExpectProtected(udp_, {&successor});
}

TEST_F(OutboundPolicyTest, AppliesEspThenAhThenTheTunnel) {  // API-03
  for (const Category category : kCategories) {
    SetSocket(kSocket, category, Level::kRequire);
  }
  SecurityAssociation& network = AddOutbound(kNetwork);
  SecurityAssociation& ah = AddOutbound(kAuth);
  ExpectNeeds(udp_, kEsp);
  SecurityAssociation& esp = AddOutbound(kEsp);
  ExpectProtected(udp_, {&esp, &ah, &network});
}

TEST_F(OutboundPolicyTest, NeverSendsHalfOfWhatIsDemanded) {  // API-17
  SetSocket(kSocket, kEsp, Level::kRequire);
  SetSocket(kSocket, kNetwork, Level::kUse);
  AddOutbound(kEsp);
  ExpectNeeds(udp_, kNetwork);
}

TEST_F(OutboundPolicyTest, DemandsAnSaOfItsOwnAtUnique) {  // API-19
  SetSocket(kSocket, kAuth, Level::kUnique);
  AddOutbound(kAuth);
  ExpectNeeds(udp_, kAuth);
}

TEST_F(OutboundPolicyTest, KeepsSystemUniqueOfNobodysPacketsToRequire) {
  SetRoutes({DefaultRoute(Only(kAuth, Level::kUnique))});
  SecurityAssociation& ah = AddOutbound(kAuth);
  ExpectProtected(ToPeer().IcmpEcho(1, 1), {&ah});
  ExpectNeeds(udp_, kAuth);
}

TEST_F(OutboundPolicyTest, LetsNobodyBelowTheSystemLevel) {  // API-10, API-22
  SetRoutes({DefaultRoute(Only(kAuth, Level::kRequire))});
  ExpectNeeds(udp_, kAuth);
  SetSocket(kSocket, kAuth, Level::kNone);
  ExpectNeeds(udp_, kAuth);
}

TEST_F(OutboundPolicyTest, BypassesOneCategoryOnItsOwn) {  // API-25
  LevelSet system;
  system.Set(kEsp, Level::kRequire);
  system.Set(kAuth, Level::kRequire);
  SetRoutes({DefaultRoute(system)});
  SetSocket(kSocket, kAuth, Level::kBypass);
  SecurityAssociation& esp = AddOutbound(kEsp);
  AddOutbound(kAuth);
  ExpectProtected(udp_, {&esp});
}

TEST_F(OutboundPolicyTest, BypassesAllThreeCategories) {  // API-24
  LevelSet system;
  for (const Category category : kCategories) {
    system.Set(category, Level::kRequire);
    SetSocket(kSocket, category, Level::kBypass);
    AddOutbound(category);
  }
  SetRoutes({DefaultRoute(system)});
  ExpectClear(udp_);
  EXPECT_TRUE(Admit(FromPeer().Udp(4711, 80)).ok());
}

TEST_F(OutboundPolicyTest, DiscardsOnADiscardRouteEvenBypassed) {
  Route route;
  route.verdict = Route::Verdict::kDiscard;
  SetRoutes({route});
  SetSocket(kSocket, kAuth, Level::kBypass);
  ExpectDiscarded(udp_, DropReason::kDiscardRoute);
  SetRoutes({});
  ExpectClear(udp_);
}

TEST_F(OutboundPolicyTest, DiscardsWhatTheKernelDoesNotTellTheOwnerOf) {
  kernel_.Break();
  ExpectDiscarded(udp_, DropReason::kOwnerUnknown);
}

TEST_F(OutboundPolicyTest, DiscardsSegmentsThatEndBeforeTheirFlags) {
  ExpectDiscarded(ToPeer().Raw(Number(IpProtocol::kTcp), Octets(13)),
                  DropReason::kBadTransportHeader);
  ExpectDiscarded(ToPeer().Raw(Number(IpProtocol::kTcp), Octets(3)),
                  DropReason::kBadTransportHeader);
}

TEST_F(OutboundPolicyTest, SendsTheTunnelToTheRoutesGateway) {
  Route route;
  route.prefix = IpPrefix::Parse("10.9.2.0/24").value();
  route.levels = Only(kNetwork, Level::kRequire);
  route.gateway = Address(kGateway);
  SetRoutes({route});
  AddOutbound(kNetwork);  // to the peer itself: not the one that is meant
  ExpectNeeds(udp_, kNetwork);
  SecurityAssociation& tunnel =
      Add(Parameters(kNetwork, Direction::kOutbound, {kHere, kGateway}));
  ExpectProtected(udp_, {&tunnel});
}

// SPD-21
TEST_F(OutboundPolicyTest, LeavesAhToThePeerWhereARouteHasAGateway) {
  Route route;
  route.levels = Only(kNetwork, Level::kRequire);
  route.levels.Set(kAuth, Level::kRequire);
  route.gateway = Address(kGateway);
  SetRoutes({route});
  SecurityAssociation& ah = AddOutbound(kAuth);
  SecurityAssociation& tunnel =
      Add(Parameters(kNetwork, Direction::kOutbound, {kHere, kGateway}));
  ExpectProtected(udp_, {&ah, &tunnel});
}

TEST_F(OutboundPolicyTest, KeepsToTheSelectorsOfTheSa) {
  SetSocket(kSocket, kAuth, Level::kRequire);
  SaParameters other = Parameters(kAuth, Direction::kOutbound);
  other.selector.protocol = Number(IpProtocol::kTcp);
  Add(other);
  ExpectNeeds(udp_, kAuth);
  SaParameters fitting = Parameters(kAuth, Direction::kOutbound);
  fitting.selector.protocol = Number(IpProtocol::kUdp);
  ExpectProtected(udp_, {&Add(fitting)});
}

TEST_F(OutboundPolicyTest, ObeysEveryChangeInMidSession) {  // API-30, API-31
  ExpectClear(udp_);
  SetSocket(kSocket, kAuth, Level::kRequire);
  ExpectNeeds(udp_, kAuth);
  SetSocket(kSocket, kAuth, Level::kNone);
  ExpectClear(udp_);
  SetRoutes({DefaultRoute(Only(kEsp, Level::kRequire))});
  ExpectNeeds(udp_, kEsp);
  SetRoutes({});
  SetSocket(kSocket, kAuth, Level::kRequire);
  ExpectNeeds(udp_, kAuth);
}

TEST_F(OutboundPolicyTest, AsksTheDraftsRoutesForTheLevel) {  // API-36
  const auto route = [](std::string_view prefix, const LevelSet& levels) {
    Route made;
    made.prefix = IpPrefix::Parse(prefix).value();
    made.levels = levels;
    return made;
  };
  LevelSet both;
  both.Set(kEsp, Level::kRequire);
  both.Set(kAuth, Level::kRequire);
  SetRoutes({route("0.0.0.0/0", Only(kAuth, Level::kAvail)),
             route("10.21.12.0/24", Only(kAuth, Level::kRequire)),
             route("10.51.50.0/24", both), route("10.91.25.0/24", {})});
  ExpectClear(PacketBuilder(kHere, "192.0.2.1").IcmpEcho(1, 1));
  ExpectNeeds(PacketBuilder(kHere, "10.21.12.1").IcmpEcho(1, 1), kAuth);
  ExpectNeeds(PacketBuilder(kHere, "10.51.50.21").IcmpEcho(1, 1),
              {kEsp, kAuth});
  ExpectClear(PacketBuilder(kHere, "10.91.25.1").IcmpEcho(1, 1));
  EXPECT_EQ(Refusal(PacketBuilder("10.21.12.1", kHere).IcmpEcho(1, 1)),
            DropReason::kPolicyRequiresAh);
  EXPECT_EQ(Refusal(PacketBuilder("10.51.50.21", kHere).IcmpEcho(1, 1)),
            DropReason::kPolicyRequiresEspTransport);
  EXPECT_TRUE(Admit(PacketBuilder("10.91.25.1", kHere).IcmpEcho(1, 1)).ok());
}

TEST_F(OutboundPolicyTest, ProtectsIpv6AsIpv4) {  // API-28
  const FlowKey key{Address("2001:db8::1"), Address("2001:db8::2"), 80, 4711,
                    Number(IpProtocol::kUdp)};
  const Octets packet =
      PacketBuilder("2001:db8::1", "2001:db8::2").Udp(80, 4711);
  kernel_.Open(key, kOther);
  SetSocket(kOther, kAuth, Level::kRequire);
  ExpectNeeds(packet, kAuth);
  SecurityAssociation& ah = Add(
      Parameters(kAuth, Direction::kOutbound, {"2001:db8::1", "2001:db8::2"}));
  ExpectProtected(packet, {&ah});
}

// A fragment that names no ports must not slip past its socket's levels.
TEST_F(OutboundPolicyTest, DropsLaterFragmentsWhileAnySocketForbidsClear) {
  const Octets later = ToPeer().FragmentOffset(100).Udp(80, 4711, {1});
  ExpectClear(later);
  SetSocket(kOther, kAuth, Level::kAvail);
  ExpectClear(later);
  SetSocket(kOther, kAuth, Level::kUse);
  ExpectDiscarded(later, DropReason::kFragment);
  SetSocket(kOther, kAuth, Level::kBypass);
  ExpectClear(later);
}

TEST_F(OutboundPolicyTest, ProtectsLaterFragmentsWhereTheRouteDoes) {
  const Octets later = ToPeer().FragmentOffset(100).Udp(80, 4711, {1});
  SetSocket(kOther, kNetwork, Level::kRequire);
  SetRoutes({DefaultRoute(Only(kNetwork, Level::kUse))});
  ExpectNeeds(later, kNetwork);
  SecurityAssociation& tunnel = AddOutbound(kNetwork);
  ExpectProtected(later, {&tunnel});
}

TEST_F(OutboundPolicyTest, DiscardsLaterFragmentsOnADiscardRoute) {
  Route route;
  route.verdict = Route::Verdict::kDiscard;
  SetRoutes({route});
  ExpectDiscarded(ToPeer().FragmentOffset(100).Udp(80, 4711, {1}),
                  DropReason::kDiscardRoute);
}

TEST_F(OutboundPolicyTest, JudgesFirstFragmentsByTheirSocket) {
  SetSocket(kSocket, kAuth, Level::kRequire);
  ExpectNeeds(ToPeer().MoreFragments().Udp(80, 4711, Octets(8)), kAuth);
}

}  // namespace
}  // namespace postern
