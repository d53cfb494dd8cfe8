// SPDX-License-Identifier: Apache-2.0
//
// Outbound packets that name the socket that sent them.

#include "tests/unit/policy/flow_resolver_world.h"

namespace postern {
namespace {

Owner Sent(SocketCookie cookie, Owner::Role role = Owner::Role::kEndpoint) {
  return {Owner::Kind::kSocket, cookie, role};
}

constexpr Owner kNobody{Owner::Kind::kNobody, {}, {}};
constexpr SocketCookie kKernel{9};  // a raw socket of the kernel's own

class SenderTest : public FlowResolverTest {
 protected:
  Level AhOf(const FlowKey& key, const Owner& sender,
             Opening opening = Opening::kNone) {
    const Opinion<Flow*> flow =
        resolver_.Resolve(key, opening, kOut, now_, sender);
    EXPECT_TRUE(flow.ok());
    return flow.ok() ? (*flow)->effective.of(Category::kAh) : Level::kBypass;
  }

  const FlowKey icmp_ = KeyOf(IpProtocol::kIcmp, 0);
};

TEST_F(SenderTest, IsTheOwnerWhateverTheKernelWouldSay) {
  kernel_.Open(udp_, kLater);
  SetAh(kLater, Level::kRequire);
  SetAh(kClient, Level::kUse);
  EXPECT_EQ(AhOf(udp_, Sent(kClient)), Level::kUse);
  EXPECT_EQ(kernel_.questions(), 0U);
}

TEST_F(SenderTest, BindsEachPacketOfSocketsThatShareAPort) {
  SetAh(kClient, Level::kRequire);
  SetAh(kLater, Level::kAvail);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(AhOf(udp_, Sent(kClient)), Level::kRequire);
    EXPECT_EQ(AhOf(udp_, Sent(kLater)), Level::kAvail);
    EXPECT_EQ(AhOf(udp_, Sent(kChild)), Level::kNone);
  }
  EXPECT_EQ(kernel_.questions(), 0U);
}

TEST_F(SenderTest, ObeysALevelSetAfterItsFirstPacket) {
  for (const FlowKey& key : {udp_, icmp_, tcp_}) {
    EXPECT_EQ(AhOf(key, Sent(kClient)), Level::kNone);
  }
  SetAh(kClient, Level::kRequire);
  for (const FlowKey& key : {udp_, icmp_, tcp_}) {
    EXPECT_EQ(AhOf(key, Sent(kClient)), Level::kRequire);
  }
}

TEST_F(SenderTest, MayBeARawSocketWithLevels) {
  const Owner raw = Sent(kClient, Owner::Role::kRaw);
  for (const FlowKey& key : {icmp_, tcp_, udp_}) {
    EXPECT_EQ(AhOf(key, raw), Level::kNone);
  }
  SetAh(kClient, Level::kRequire);
  for (const FlowKey& key : {icmp_, tcp_, udp_}) {
    EXPECT_EQ(AhOf(key, raw), Level::kRequire);
  }
}

// What a raw socket sends must not become what is remembered of a connection.
TEST_F(SenderTest, ARawSocketDoesNotTakeAConnectionOver) {
  SetAh(kClient, Level::kRequire);
  EXPECT_EQ(AhOf(tcp_, Sent(kClient)), Level::kRequire);
  SetAh(kLater, Level::kAvail);
  EXPECT_EQ(AhOf(tcp_, Sent(kLater, Owner::Role::kRaw)), Level::kAvail);
  // A late reset: the connection's levels.
  EXPECT_EQ(AhOf(tcp_, Sent(kKernel, Owner::Role::kRaw)), Level::kRequire);
}

TEST_F(SenderTest, NobodyAndTheKernelObeyTheSystemLevels) {
  SetAh(kClient, Level::kRequire);
  for (const FlowKey& key : {udp_, icmp_}) {
    EXPECT_EQ(AhOf(key, kNobody), Level::kNone);
    EXPECT_EQ(AhOf(key, Sent(kKernel, Owner::Role::kRaw)), Level::kNone);
  }
  SetSystemAh(Level::kUnique);
  for (const FlowKey& key : {udp_, icmp_}) {
    EXPECT_EQ(AhOf(key, kNobody), Level::kRequire);
    EXPECT_EQ(AhOf(key, Sent(kKernel, Owner::Role::kRaw)), Level::kRequire);
    EXPECT_EQ(AhOf(key, Sent(kClient)), Level::kUnique);
  }
}

TEST_F(SenderTest, AClosedSocketsLastDatagramObeysItsLevels) {
  SetAh(kClient, Level::kRequire);
  sockets_.Retire(kClient, now_);
  EXPECT_EQ(AhOf(udp_, Sent(kClient)), Level::kRequire);
}

TEST_F(SenderTest, ASynAckTakesTheListenersLevels) {  // API-33
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kRequire);
  ASSERT_TRUE(AdmitSyn(tcp_).ok());
  EXPECT_EQ(AhOf(tcp_, Sent(kChild), Opening::kSynAck), Level::kRequire);
  EXPECT_EQ(sockets_.Find(kChild)->levels().of(Category::kAh), Level::kRequire);
}

// The SYN-ACK of a syncookie belongs to no socket yet.
TEST_F(SenderTest, ASyncookiesSynAckTakesTheListenersLevels) {
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kRequire);
  ASSERT_TRUE(AdmitSyn(tcp_).ok());
  EXPECT_EQ(AhOf(tcp_, kNobody, Opening::kSynAck), Level::kRequire);
}

// A reset for a segment that fits no connection names the listener.
TEST_F(SenderTest, AListenersResetObeysTheListenersLevels) {
  SetAh(kListener, Level::kUse);
  EXPECT_EQ(AhOf(tcp_, Sent(kListener, Owner::Role::kListener)), Level::kUse);
}

TEST_F(SenderTest, TheKernelsResetForADeadConnectionObeysItsLevels) {
  SetAh(kClient, Level::kRequire);
  EXPECT_EQ(AhOf(tcp_, Sent(kClient), Opening::kSyn), Level::kRequire);
  for (const Owner& kernels : {kNobody, Sent(kKernel, Owner::Role::kRaw)}) {
    EXPECT_EQ(AhOf(tcp_, kernels), Level::kRequire);
  }
  // A new connection of the same 5-tuple owes the old one nothing.
  EXPECT_EQ(AhOf(tcp_, Sent(kLater), Opening::kSyn), Level::kNone);
  EXPECT_EQ(AhOf(tcp_, Sent(kKernel, Owner::Role::kRaw)), Level::kNone);
}

// What is remembered of nobody's segment must not keep the connection without a
// session once it has a socket: at UNIQUE nothing could leave.
TEST_F(SenderTest,
       AKernelsSegmentBelongsToTheSessionThatComesLater) {  // API-19
  const auto session = [&]() -> std::optional<SocketCookie> {
    const Opinion<Flow*> flow =
        resolver_.Resolve(tcp_, Opening::kNone, kOut, now_, kNobody);
    return flow.ok() ? (*flow)->session : std::nullopt;
  };
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kUnique);
  ASSERT_TRUE(AdmitSyn(tcp_).ok());
  kernel_.StopListening(tcp_.local, 80);
  EXPECT_EQ(session(), std::nullopt);
  ASSERT_NE(sockets_.Adopt(kChild, tcp_), nullptr);
  EXPECT_EQ(session(), kChild);
}

// A segment of the old connection still waits in the TUN when the next one on
// the same 5-tuple has inherited: it must not take what that has.
TEST_F(SenderTest, ADeadSocketDoesNotTakeItsSuccessorsInheritance) {  // API-33
  EXPECT_EQ(AhOf(tcp_, Sent(kClient)), Level::kNone);
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kRequire);
  ASSERT_TRUE(AdmitSyn(tcp_).ok());
  EXPECT_EQ(AhOf(tcp_, Sent(kClient)), Level::kNone);  // remembered
  EXPECT_EQ(AhOf(tcp_, Sent(kLater)), Level::kNone);   // not remembered
  EXPECT_EQ(AhOf(tcp_, Sent(kChild), Opening::kSynAck), Level::kRequire);
  EXPECT_EQ(AhOf(tcp_, Sent(kChild)), Level::kRequire);
}

// After a syncookie the child's first segment is the first we see of it.
TEST_F(SenderTest, AChildIsAskedForBeforeItTakesWhatWaitsForIt) {
  kernel_.Listen(tcp_.local, 80, kListener);
  SetAh(kListener, Level::kRequire);
  ASSERT_TRUE(AdmitSyn(tcp_).ok());
  kernel_.Open(tcp_, kChild);
  EXPECT_EQ(AhOf(tcp_, Sent(kChild)), Level::kRequire);
  EXPECT_EQ(sockets_.Find(kChild)->levels().of(Category::kAh), Level::kRequire);
}

TEST_F(SenderTest, BindsFragmentsToo) {
  SetAh(kClient, Level::kRequire);
  FlowKey fragment = udp_;
  fragment.local_port = fragment.remote_port = 0;
  const auto ah_of = [&](const Owner& sender) {
    return resolver_.OfFragment(fragment, sender).effective.of(Category::kAh);
  };
  EXPECT_EQ(ah_of(Sent(kClient)), Level::kRequire);
  EXPECT_EQ(ah_of(Sent(kLater)), Level::kNone);
  EXPECT_EQ(ah_of(kNobody), Level::kNone);
}

}  // namespace
}  // namespace postern
