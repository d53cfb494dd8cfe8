// SPDX-License-Identifier: Apache-2.0
//
// The draft's server example (3.1) packet by packet, and what connections
// inherit from their listener.

#include "gtest/gtest.h"

#include "tests/sim/sim_host.h"

namespace postern {
namespace {

constexpr SocketCookie kListener{100};
constexpr SocketCookie kChild{101};
constexpr SocketCookie kClient{200};
constexpr std::uint16_t kServerPort = 80;
constexpr std::uint16_t kClientPort = 4711;

class Server : public testing::Test {
 protected:
  Server() {
    AddSaPair(alice_, bob_, Category::kAh);
    bob_.kernel().Listen(kServerPort, kListener);
    bob_.SetLevel(kListener, Category::kAh, Level::kRequire);
    alice_.kernel().Connect(ClientFlow(), kClient);
  }

  FlowKey ClientFlow() const {
    return {alice_.address(), bob_.address(), kClientPort, kServerPort, 6};
  }

  FlowKey ServerFlow() const {
    return {bob_.address(), alice_.address(), kServerPort, kClientPort, 6};
  }

  Octets FromClient(std::uint8_t flags) const {
    return PacketBuilder("fd00:9:1::1", "fd00:9:2::1")
        .Tcp(kClientPort, kServerPort, flags);
  }

  Octets FromServer(std::uint8_t flags) const {
    return PacketBuilder("fd00:9:2::1", "fd00:9:1::1")
        .Tcp(kServerPort, kClientPort, flags);
  }

  static bool IsAh(const Octets& packet) {
    return IpView::Parse(packet).value().protocol() == 51;
  }

  // The handshake of a client that requires AH.
  void Connect() {
    alice_.SetLevel(kClient, Category::kAh, Level::kRequire);
    const Octets syn = alice_.Send(FromClient(kSyn)).at(0);
    EXPECT_TRUE(IsAh(syn));
    ASSERT_EQ(bob_.Receive(syn).size(), 1u);
    bob_.kernel().Connect(ServerFlow(), kChild);
    const Octets answer = bob_.Send(FromServer(kSyn | kAck)).at(0);
    EXPECT_TRUE(IsAh(answer));
    ASSERT_EQ(alice_.Receive(answer).size(), 1u);
    ASSERT_EQ(bob_.Receive(alice_.Send(FromClient(kAck)).at(0)).size(), 1u);
  }

  SimHost alice_{"fd00:9:1::1"};
  SimHost bob_{"fd00:9:2::1"};
};

// DEF-30
// API-32: ClientA. Dropped, no answer, no state.
TEST_F(Server, DropsTheSynOfAPlainClient) {
  const Octets syn = alice_.Send(FromClient(kSyn)).at(0);
  EXPECT_FALSE(IsAh(syn));
  EXPECT_TRUE(bob_.Receive(syn).empty());
  EXPECT_EQ(bob_.drops(DropReason::kPolicyRequiresAh), 1u);
  EXPECT_EQ(bob_.sockets().flows(), 0u);
}

// API-32 API-34 API-35: ClientB.
TEST_F(Server, AnswersAClientThatUsesAh) {
  Connect();
}

// DEF-35
// API-33
TEST_F(Server, AcceptedConnectionKeepsTheListenersLevels) {
  Connect();
  // The listener changes its mind; the connection does not.
  bob_.SetLevel(kListener, Category::kAh, Level::kNone);
  EXPECT_TRUE(IsAh(bob_.Send(FromServer(kAck)).at(0)));
  EXPECT_TRUE(bob_.Receive(FromClient(kAck)).empty());
  ASSERT_NE(bob_.sockets().Find(kChild), nullptr);
  EXPECT_EQ(bob_.sockets().Find(kChild)->levels().of(Category::kAh),
            Level::kRequire);
}

// API-30: the child changes its own level; the next packet obeys.
TEST_F(Server, ChildCanChangeItsOwnLevel) {
  Connect();
  bob_.SetLevel(kChild, Category::kAh, Level::kNone);
  EXPECT_FALSE(IsAh(bob_.Send(FromServer(kAck)).at(0)));
  bob_.SetLevel(kChild, Category::kAh, Level::kRequire);
  EXPECT_TRUE(IsAh(bob_.Send(FromServer(kAck)).at(0)));
}

// API-31: the system level rises while the connection lives.
TEST_F(Server, SystemLevelBindsTheNextPacket) {
  Connect();
  AddSaPair(alice_, bob_, Category::kEspTransport);
  bob_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  EXPECT_TRUE(bob_.Receive(alice_.Send(FromClient(kAck)).at(0)).empty());
  EXPECT_EQ(bob_.drops(DropReason::kPolicyRequiresEspTransport), 1u);
}

// DEF-35: the kernel's reset for a connection whose socket is gone.
TEST_F(Server, LateResetIsStillProtected) {
  Connect();
  bob_.kernel().Close(ServerFlow());
  bob_.sockets().Retire(kChild, bob_.now());
  EXPECT_TRUE(IsAh(bob_.Send(FromServer(kRst | kAck)).at(0)));
}

TEST_F(Server, ANewSocketOnAnOldPortIsNotBoundByTheOldOne) {
  Connect();
  constexpr SocketCookie kNext{300};
  bob_.kernel().Close(ServerFlow());
  bob_.sockets().Retire(kChild, bob_.now());
  bob_.kernel().Connect(ServerFlow(), kNext);
  EXPECT_FALSE(IsAh(bob_.Send(FromServer(kSyn)).at(0)));
}

// A child that sets its level before any packet of its own, under a listener
// without levels.
TEST_F(Server, ChildOfAPlainListenerCanRaiseItsLevel) {
  bob_.SetLevel(kListener, Category::kAh, Level::kNone);
  const Octets syn = alice_.Send(FromClient(kSyn)).at(0);
  ASSERT_EQ(bob_.Receive(syn).size(), 1u);
  bob_.kernel().Connect(ServerFlow(), kChild);
  EXPECT_FALSE(IsAh(bob_.Send(FromServer(kSyn | kAck)).at(0)));
  bob_.SetLevel(kChild, Category::kAh, Level::kRequire);
  EXPECT_TRUE(bob_.Receive(FromClient(kAck)).empty());
  EXPECT_TRUE(IsAh(bob_.Send(FromServer(kAck)).at(0)));
}

TEST_F(Server, WarmFlowsAskTheKernelNoMore) {
  Connect();
  (void)bob_.Send(FromServer(kAck));
  const int before = bob_.kernel().questions();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(bob_.Send(FromServer(kAck)).size(), 1u);
  }
  EXPECT_EQ(bob_.kernel().questions(), before);
}

}  // namespace
}  // namespace postern
