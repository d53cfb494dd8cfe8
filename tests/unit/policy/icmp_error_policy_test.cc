// SPDX-License-Identifier: Apache-2.0
//
// ICMP errors obey what binds the flow of which they tell (API-44, DEF-35).

#include <variant>

#include "tests/unit/policy/policy_world.h"

namespace postern {
namespace {

constexpr SocketCookie kSocket{11};
constexpr SocketCookie kKernels{1};
constexpr std::uint8_t kUnreachable = 3;

class IcmpErrorPolicy : public PolicyWorld {
 protected:
  void SetUp() override {
    kernel_.Open(KeyOf(IpProtocol::kUdp), kSocket);
    kernel_.Open(KeyOf(IpProtocol::kTcp), kSocket);
  }

  static Octets Error(const PacketBuilder& from, const Octets& quoted) {
    Octets payload = {kUnreachable, 3, 0, 0, 0, 0, 0, 0};
    payload.insert(payload.end(), quoted.begin(), quoted.end());
    return from.Raw(Number(IpProtocol::kIcmp), payload);
  }

  void ExpectDiscard(DropReason reason) {
    const Decision decision = Decide(ours_, icmp_socket_);
    const auto* discard = std::get_if<Discard>(&decision);
    ASSERT_NE(discard, nullptr);
    EXPECT_EQ(discard->reason, reason);
  }

  // The port was closed: we tell the peer so.
  const Octets ours_ = Error(ToPeer(), FromPeer().Udp(4711, 80, {1, 2, 3}));
  // Somebody tells us the same of what we sent.
  const Octets theirs_ = Error(FromPeer(), ToPeer().Udp(80, 4711, {1, 2, 3}));
  const Octets about_tcp_ = Error(FromPeer(), ToPeer().Tcp(80, 4711, kAck));
  const Owner icmp_socket_{Owner::Kind::kSocket, kKernels, Owner::Role::kRaw};
};

TEST_F(IcmpErrorPolicy, WhatWeTellOfAProtectedFlowIsProtected) {
  EXPECT_TRUE(std::holds_alternative<Bypass>(Decide(ours_, icmp_socket_)));
  SetSocket(kSocket, Category::kEspTransport, Level::kRequire);
  ExpectDiscard(DropReason::kErrorWithoutSa);
  AddOutbound(Category::kEspTransport);
  EXPECT_TRUE(std::holds_alternative<Protect>(Decide(ours_, icmp_socket_)));
}

// ICMP-08: an SA is asked for only if the system's levels demand it of the error.
TEST_F(IcmpErrorPolicy, WhatWeTellAsksForNoSaOnBehalfOfAFlow) {
  LevelSet system;
  system.Set(Category::kAh, Level::kUse);
  SetRoutes({DefaultRoute(system)});
  EXPECT_TRUE(std::holds_alternative<NeedSa>(Decide(ours_, icmp_socket_)));
  SetSocket(kSocket, Category::kEspTransport, Level::kUse);
  ExpectDiscard(DropReason::kErrorWithoutSa);
  AddOutbound(Category::kAh);
  ExpectDiscard(DropReason::kErrorWithoutSa);
  SetSocket(kSocket, Category::kEspTransport, Level::kAvail);
  EXPECT_TRUE(std::holds_alternative<Protect>(Decide(ours_, icmp_socket_)));
}

// IN-17
TEST_F(IcmpErrorPolicy, AForgedErrorDoesNotReachAFlowThatRequiresProtection) {
  EXPECT_TRUE(Admit(theirs_).ok());
  EXPECT_TRUE(Admit(about_tcp_).ok());
  SetSocket(kSocket, Category::kAh, Level::kRequire);
  EXPECT_EQ(Refusal(theirs_), DropReason::kPolicyRequiresAh);
  EXPECT_EQ(Refusal(about_tcp_), DropReason::kPolicyRequiresAh);
  SecurityAssociation& ah = AddInbound(Category::kAh);
  EXPECT_TRUE(Admit(theirs_, PathOf({&ah})).ok());
}

TEST_F(IcmpErrorPolicy, UseAcceptsErrorsAsEverything) {  // API-15
  SetSocket(kSocket, Category::kAh, Level::kUse);
  EXPECT_TRUE(Admit(theirs_).ok());
}

// Whoever writes an error can quote what he likes.
TEST_F(IcmpErrorPolicy, ABypassedFlowsErrorsAreNotBypassed) {
  LevelSet strict;
  strict.Set(Category::kAh, Level::kRequire);
  SetRoutes({DefaultRoute(strict)});
  SetSocket(kSocket, Category::kAh, Level::kBypass);
  EXPECT_EQ(Refusal(theirs_), DropReason::kPolicyRequiresAh);
  EXPECT_TRUE(std::holds_alternative<NeedSa>(Decide(ours_, icmp_socket_)));
}

// It may be about anybody's flow.
TEST_F(IcmpErrorPolicy, AnErrorThatShowsNoFlowObeysTheStrongestLevel) {
  Octets quoted = ToPeer().Udp(80, 4711, {1, 2, 3});
  quoted[0] = 0x55;
  const Octets inbound = Error(FromPeer(), quoted);
  const Octets outbound = Error(ToPeer(), quoted);
  EXPECT_TRUE(Admit(inbound).ok());
  EXPECT_TRUE(std::holds_alternative<Bypass>(Decide(outbound, icmp_socket_)));
  SetSocket(SocketCookie{99}, Category::kAh, Level::kRequire);
  EXPECT_EQ(Refusal(inbound), DropReason::kUnclearError);
  const Decision decision = Decide(outbound, icmp_socket_);
  const auto* discard = std::get_if<Discard>(&decision);
  ASSERT_NE(discard, nullptr);
  EXPECT_EQ(discard->reason, DropReason::kUnclearError);
}

TEST_F(IcmpErrorPolicy, ARoutersErrorObeysItsOwnRouteToo) {
  Route discard;
  discard.prefix = IpPrefix::Parse("192.0.2.0/24").value();
  discard.verdict = Route::Verdict::kDiscard;
  SetRoutes({discard});
  const Octets router = Error(PacketBuilder("192.0.2.1", kHere),
                              ToPeer().Udp(80, 4711, {1, 2, 3}));
  EXPECT_EQ(Refusal(router), DropReason::kDiscardRoute);
}

TEST_F(IcmpErrorPolicy, WhenTheKernelCannotBeAskedNoErrorPasses) {
  kernel_.Break();
  EXPECT_EQ(Refusal(theirs_), DropReason::kOwnerUnknown);
  const Decision decision = Decide(ours_, icmp_socket_);
  ASSERT_TRUE(std::holds_alternative<Discard>(decision));
}

// What a program sends from a raw socket is that socket's.
TEST_F(IcmpErrorPolicy, ARawSocketsErrorIsItsOwn) {
  constexpr SocketCookie kRaw{77};
  SetSocket(kSocket, Category::kAh, Level::kRequire);
  SetSocket(kRaw, Category::kEspTransport, Level::kNone);
  const Owner raw{Owner::Kind::kSocket, kRaw, Owner::Role::kRaw};
  EXPECT_TRUE(std::holds_alternative<Bypass>(Decide(ours_, raw)));
}

// ICMP-05 ICMP-09: a tunnel for one flow carries errors about that flow, from
// whoever is on the way, and about no other.
TEST_F(IcmpErrorPolicy, AnSaCarriesErrorsAboutWhatItsSelectorsHold) {
  SaParameters sa = Parameters(Category::kEspNetwork, Direction::kInbound);
  sa.selector.protocol = Number(IpProtocol::kUdp);
  sa.selector.source_port = 4711;
  sa.selector.destination_port = 80;
  const TransformPath path = PathOf({&Add(sa)});
  const PacketBuilder router("10.9.7.254", kHere);
  const auto about = [](const PacketBuilder& sent) {
    return sent.Udp(80, 4711, {1, 2, 3});
  };
  EXPECT_TRUE(Admit(theirs_, path).ok());
  EXPECT_TRUE(Admit(Error(router, about(ToPeer())), path).ok());
  EXPECT_EQ(Refusal(about_tcp_, path), DropReason::kSelectorMismatch);
  EXPECT_EQ(Refusal(Error(router, ToPeer().Udp(81, 4711)), path),
            DropReason::kSelectorMismatch);
  EXPECT_EQ(
      Refusal(Error(router, about(PacketBuilder(kHere, "10.9.9.9"))), path),
      DropReason::kSelectorMismatch);
}

// Transport mode is between two hosts: no router speaks there.
TEST_F(IcmpErrorPolicy, ATransportSaCarriesItsPeersErrorsOnly) {
  const TransformPath path = PathOf({&AddInbound(Category::kEspTransport)});
  EXPECT_TRUE(Admit(theirs_, path).ok());
  EXPECT_EQ(
      Refusal(Error(PacketBuilder("10.9.7.254", kHere), ToPeer().Udp(80, 4711)),
              path),
      DropReason::kSelectorMismatch);
}

// ICMP-06
TEST_F(IcmpErrorPolicy, AnSaForIcmpCarriesErrorsAboutAnything) {
  SaParameters sa = Parameters(Category::kEspNetwork, Direction::kInbound);
  sa.selector.protocol = Number(IpProtocol::kIcmp);
  const TransformPath path = PathOf({&Add(sa)});
  EXPECT_TRUE(Admit(about_tcp_, path).ok());
  EXPECT_TRUE(
      Admit(Error(FromPeer(), PacketBuilder(kHere, "10.9.9.9").Udp(1, 2)), path)
          .ok());
}

// ICMP-07: by the SA of the flow, the other way round.
TEST_F(IcmpErrorPolicy, WhatWeTellLeavesByTheSaOfWhatItIsAbout) {
  SetSocket(kSocket, Category::kEspTransport, Level::kRequire);
  SaParameters sa = Parameters(Category::kEspTransport, Direction::kOutbound);
  sa.selector.protocol = Number(IpProtocol::kUdp);
  sa.selector.source_port = 80;
  sa.selector.destination_port = 4711;
  SecurityAssociation& of_flow = Add(sa);
  const Decision decision = Decide(ours_, icmp_socket_);
  const auto* protect = std::get_if<Protect>(&decision);
  ASSERT_NE(protect, nullptr);
  ASSERT_EQ(protect->bundle->associations().size(), 1u);
  EXPECT_EQ(protect->bundle->associations()[0], &of_flow);
}

}  // namespace
}  // namespace postern
