// SPDX-License-Identifier: Apache-2.0

#include "daemon/roll_call.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/support/fake_socket_owner.h"

namespace postern {
namespace {

constexpr SocketCookie kListener{1};
constexpr SocketCookie kChild{2};
constexpr SocketCookie kOther{3};
constexpr Instant kStart;
constexpr Instant kDue = kStart + SocketTable::kHalfOpen;

FlowKey KeyOf(unsigned remote_port) {
  FlowKey key;
  key.local = IpAddress::Parse("10.9.1.1").value();
  key.remote = IpAddress::Parse("10.9.2.1").value();
  key.local_port = 80;
  key.remote_port = static_cast<std::uint16_t>(remote_port);
  key.protocol = Number(IpProtocol::kTcp);
  return key;
}

LevelSet Required() {
  LevelSet levels;
  levels.Set(Category::kAh, Level::kRequire);
  return levels;
}

class RollCallTest : public ::testing::Test {
 protected:
  RollCallTest() { kernel_.Listen(KeyOf(0).local, 80, kListener); }

  // A connection whose SYN-ACK has left.
  void Connect(unsigned port, SocketCookie cookie) {
    kernel_.Open(KeyOf(port), cookie);
    (void)sockets_.Inherit(KeyOf(port), Required(), kStart);
    (void)sockets_.Adopt(cookie, KeyOf(port));
  }

  // Whether the socket's entry goes when retired ones do.
  bool IsKept(SocketCookie cookie) {
    sockets_.Age(kDue + std::chrono::hours(1));
    return sockets_.Find(cookie) != nullptr;
  }

  SocketTable sockets_;
  FakeSocketOwner kernel_;
  SaOwners owners_;
  RollCall roll_call_{sockets_, owners_, kernel_};
};

TEST_F(RollCallTest, BelievesAConnectionThatTheKernelKnows) {
  Connect(1, kChild);
  EXPECT_EQ(roll_call_.Call(kDue), RollCall::Rest::kNothing);
  EXPECT_EQ(kernel_.questions(), 1u);
  EXPECT_TRUE(IsKept(kChild));
  // Once in its life is enough.
  (void)roll_call_.Call(kDue + SocketTable::kHalfOpen);
  EXPECT_EQ(kernel_.questions(), 1u);
}

// A handshake that never ended: the kernel gives no notice of it.
TEST_F(RollCallTest, RetiresAConnectionThatTheKernelDoesNotKnow) {
  Connect(1, kChild);
  kernel_.Close(KeyOf(1));  // the listener answers now
  (void)roll_call_.Call(kDue - Duration(1));
  EXPECT_EQ(kernel_.questions(), 0u);
  (void)roll_call_.Call(kDue);
  EXPECT_EQ(roll_call_.retired(), 1u);
  EXPECT_FALSE(IsKept(kChild));
}

TEST_F(RollCallTest, RetiresAConnectionWhoseFlowIsAnothers) {
  Connect(1, kChild);
  kernel_.Open(KeyOf(1), kOther);
  (void)roll_call_.Call(kDue);
  EXPECT_FALSE(IsKept(kChild));
}

TEST_F(RollCallTest, RetiresAConnectionWithoutAFlow) {
  Connect(1, kChild);
  sockets_.ForgetFlow(KeyOf(1));
  (void)roll_call_.Call(kDue);
  EXPECT_EQ(kernel_.questions(), 0u);
  EXPECT_FALSE(IsKept(kChild));
}

// It may be alive without being bound: to forget it would lower it.
TEST_F(RollCallTest, NeverRetiresWhatAProgramAskedFor) {
  Connect(1, kChild);
  sockets_.Find(kChild)->SetLevel(Category::kAh, Level::kUse);
  (void)sockets_.Obtain(kOther);
  kernel_.Close(KeyOf(1));
  roll_call_.Doubt(kStart);
  (void)roll_call_.Call(kDue);
  EXPECT_TRUE(IsKept(kChild));
  EXPECT_TRUE(IsKept(kOther));
}

TEST_F(RollCallTest, AsksAgainWhenTheKernelCouldNotBeAsked) {
  Connect(1, kChild);
  kernel_.Close(KeyOf(1));
  kernel_.Break();
  (void)roll_call_.Call(kDue);
  EXPECT_EQ(roll_call_.retired(), 0u);
  kernel_.Mend();
  (void)roll_call_.Call(kDue + SocketTable::kHalfOpen);
  EXPECT_FALSE(IsKept(kChild));
}

TEST_F(RollCallTest, AsksAgainWhenNoticesWereLost) {
  Connect(1, kChild);
  (void)roll_call_.Call(kDue);
  kernel_.Close(KeyOf(1));
  roll_call_.Doubt(kDue);
  (void)roll_call_.Call(kDue);
  EXPECT_EQ(roll_call_.retired(), 0u);
  (void)roll_call_.Call(kDue + SocketTable::kHalfOpen);
  EXPECT_EQ(roll_call_.retired(), 1u);
}

TEST_F(RollCallTest, TakesTurnsWithOtherWork) {
  for (unsigned i = 0; i < RollCall::kAtOnce + 1; ++i) {
    Connect(1 + i, SocketCookie{100 + i});
  }
  EXPECT_EQ(roll_call_.Call(kDue), RollCall::Rest::kMore);
  EXPECT_EQ(kernel_.questions(), RollCall::kAtOnce);
  EXPECT_EQ(roll_call_.Call(kDue), RollCall::Rest::kNothing);
  EXPECT_EQ(kernel_.questions(), RollCall::kAtOnce + 1);
}

// Whoever owns an SA is asked for after it was added.
class OwnerCallTest : public RollCallTest {
 protected:
  static constexpr SocketCookie kOwner{71};
  static constexpr SocketCookie kSharer{72};

  void Own(const FlowKey& flow) {
    owners_.Note(kOwner, kSa);
    owners_.KnowFlow(kOwner, flow);
  }

  // Whether the call found that the owner is gone.
  bool Retires() {
    (void)roll_call_.Call(kStart);
    return !owners_.TakeDue(kStart + SaOwners::kLinger).empty();
  }

  const SaIdentity kSa{.spi = Spi{0x1001},
                       .destination = KeyOf(1).remote,
                       .protocol = IpsecProtocol::kAh};
};

TEST_F(OwnerCallTest, BelievesAnOwnerThatHasItsFlow) {
  kernel_.Open(KeyOf(1), kOwner);
  Own(KeyOf(1));
  EXPECT_FALSE(Retires());
  EXPECT_FALSE(Retires());
  EXPECT_EQ(kernel_.questions(), 1u);
}

TEST_F(OwnerCallTest, RetiresAnOwnerWhoseFlowIsNobodysOrAnothers) {
  Own(KeyOf(1));
  EXPECT_TRUE(Retires());
  Own(KeyOf(1));
  kernel_.Open(KeyOf(1), kChild);
  EXPECT_TRUE(Retires());
}

TEST_F(OwnerCallTest, BelievesAnOwnerWhoseSasAnotherSocketUses) {
  static_cast<void>((*sockets_.Obtain(kSharer))
                        ->SetWishes(std::make_shared<SocketWishes>(
                            SocketWishes{.share = kOwner})));
  kernel_.Open(KeyOf(1), kSharer);
  Own(KeyOf(1));
  EXPECT_FALSE(Retires());
}

TEST_F(OwnerCallTest, BelievesWhatTheKernelCannotTell) {
  kernel_.Break();
  Own(KeyOf(1));
  EXPECT_FALSE(Retires());
  kernel_.Mend();
  EXPECT_FALSE(Retires());  // not asked again
  roll_call_.Doubt(kStart);
  EXPECT_TRUE(Retires());
}

TEST_F(OwnerCallTest, BelievesADatagramSocketThatSharesItsPort) {
  FlowKey flow = KeyOf(1);
  flow.protocol = Number(IpProtocol::kUdp);
  kernel_.BindUdp(flow.local, flow.local_port, kChild);
  Own(flow);
  EXPECT_FALSE(Retires());
  kernel_.UnbindUdp(flow.local, flow.local_port);
  roll_call_.Doubt(kStart);
  EXPECT_TRUE(Retires());
}

// API-19: nobody can be asked for the flows of raw and ping sockets.
TEST_F(OwnerCallTest, BelievesAnOwnerOfOtherProtocols) {
  for (const IpProtocol protocol : {IpProtocol::kIcmp, IpProtocol::kIcmpv6}) {
    FlowKey flow = KeyOf(1);
    flow.protocol = Number(protocol);
    Own(flow);
    EXPECT_FALSE(Retires());
  }
}

}  // namespace
}  // namespace postern
