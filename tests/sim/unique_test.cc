// SPDX-License-Identifier: Apache-2.0
//
// Level UNIQUE: an SA that is one socket's alone (draft 1.2.2, API-19, API-20).

#include <cstdint>
#include <optional>
#include <vector>

#include "gtest/gtest.h"

#include "tests/sim/sim_host.h"

namespace postern {
namespace {

constexpr SocketCookie kOne{11};
constexpr SocketCookie kOther{12};
constexpr SocketCookie kShared{13};

class Unique : public testing::Test {
 protected:
  Unique() {
    for (const auto& [cookie, port] :
         {std::pair{kOne, 1001}, {kOther, 1002}, {kShared, 1003}}) {
      alice_.kernel().Connect(FlowOf(port), cookie);
    }
    alice_.SetLevel(kOne, Category::kAh, Level::kUnique);
  }

  FlowKey FlowOf(int port) const {
    return {alice_.address(), bob_.address(), static_cast<std::uint16_t>(port),
            80, 17};
  }

  std::vector<Octets> SendFrom(int port) {
    return alice_.Send(PacketBuilder("10.9.1.1", "10.9.2.1")
                           .Udp(static_cast<std::uint16_t>(port), 80, {1}));
  }

  // The SPI of the only packet; nothing when it did not leave.
  std::optional<std::uint32_t> SpiFrom(int port) {
    const std::vector<Octets> sent = SendFrom(port);
    if (sent.empty()) {
      return std::nullopt;
    }
    EXPECT_EQ(IpView::Parse(sent.at(0)).value().protocol(), 51);
    const Octets& packet = sent.at(0);
    return packet[24] << 24U | packet[25] << 16U | packet[26] << 8U |
           packet[27];
  }

  // Answers the acquire of this socket as key management would.
  void Answer(SocketCookie owner, std::uint32_t spi) {
    for (const Acquire& acquire : alice_.acquires().List()) {
      if (acquire.need.owner != owner) {
        continue;
      }
      SaParameters sa =
          SaFor(acquire.need.source, acquire.need.destination, Category::kAh);
      sa.spi = Spi{spi};
      sa.owner = acquire.need.owner;
      ASSERT_TRUE(alice_.sadb().Add(sa, {}, alice_.now()).ok());
      alice_.ReleaseHeld();
      return;
    }
    FAIL() << "no acquire of this socket";
  }

  SimHost alice_{"10.9.1.1"};
  SimHost bob_{"10.9.2.1"};
};

// API-19
TEST_F(Unique, IsNotProtectedByAnSaForAll) {
  AddSa(alice_, bob_, Category::kAh);
  EXPECT_TRUE(SendFrom(1001).empty());
  EXPECT_EQ(alice_.outbound().held(), 1u);
}

// API-19
TEST_F(Unique, EachSocketHasItsOwnSa) {
  alice_.SetLevel(kOther, Category::kAh, Level::kUnique);
  EXPECT_TRUE(SendFrom(1001).empty());
  EXPECT_TRUE(SendFrom(1002).empty());
  Answer(kOne, 0x2001);
  Answer(kOther, 0x2002);
  EXPECT_EQ(alice_.Resume().size(), 2u);
  EXPECT_EQ(SpiFrom(1001), 0x2001u);
  EXPECT_EQ(SpiFrom(1002), 0x2002u);
}

// API-19
TEST_F(Unique, NobodyElseUsesIt) {
  EXPECT_TRUE(SendFrom(1001).empty());
  Answer(kOne, 0x2001);
  EXPECT_EQ(alice_.Resume().size(), 1u);
  for (const Level level : {Level::kUse, Level::kRequire, Level::kUnique}) {
    alice_.SetLevel(kOther, Category::kAh, level);
    EXPECT_EQ(SpiFrom(1002), std::nullopt);
  }
  // In clear, as AVAIL is without an SA; what waited goes first.
  alice_.SetLevel(kOther, Category::kAh, Level::kAvail);
  EXPECT_TRUE(SendFrom(1002).empty());
  EXPECT_EQ(alice_.Resume().size(), 4u);
  EXPECT_EQ(SendFrom(1002).size(), 1u);
}

// API-20
TEST_F(Unique, ANewSocketOnTheSameFlowAsksForItsOwn) {
  EXPECT_TRUE(SendFrom(1001).empty());
  Answer(kOne, 0x2001);
  EXPECT_EQ(alice_.Resume().size(), 1u);
  constexpr SocketCookie kNext{99};
  alice_.kernel().Close(FlowOf(1001));
  alice_.sockets().Retire(kOne, alice_.now());
  alice_.kernel().Connect(FlowOf(1001), kNext);
  alice_.SetLevel(kNext, Category::kAh, Level::kUnique);
  EXPECT_TRUE(SendFrom(1001).empty());
  Answer(kNext, 0x2003);
  EXPECT_EQ(alice_.Resume().size(), 1u);
  EXPECT_EQ(SpiFrom(1001), 0x2003u);
}

// API-38
TEST_F(Unique, WhoSharesUsesTheSameSa) {
  alice_.SetLevel(kShared, Category::kAh, Level::kUnique);
  SocketWishes wishes;
  wishes.share = kOne;
  ASSERT_TRUE(alice_.sockets()
                  .Find(kShared)
                  ->SetWishes(std::make_shared<const SocketWishes>(wishes))
                  .ok());
  EXPECT_TRUE(SendFrom(1003).empty());
  Answer(kOne, 0x2001);
  EXPECT_EQ(alice_.Resume().size(), 1u);
  EXPECT_EQ(SpiFrom(1003), 0x2001u);
  EXPECT_EQ(SpiFrom(1001), 0x2001u);
}

// The system may demand UNIQUE of everybody.
TEST_F(Unique, TheSystemsLevelBindsEachSocketBySaOfItsOwn) {
  alice_.SetSystemLevel(Category::kAh, Level::kUnique);
  EXPECT_TRUE(SendFrom(1001).empty());
  EXPECT_TRUE(SendFrom(1002).empty());
  EXPECT_EQ(alice_.acquires().List().size(), 2u);
  // Nobody's packets have no session: any SA will do, but not none.
  AddSa(alice_, bob_, Category::kAh);
  EXPECT_EQ(
      alice_.Send(PacketBuilder("10.9.1.1", "10.9.2.1").IcmpEcho(1, 1)).size(),
      1u);
}

// Inbound as REQUIRE.
TEST_F(Unique, AcceptsInboundOnlyWhatIsProtected) {
  AddSa(bob_, alice_, Category::kAh);
  const Octets packet =
      PacketBuilder("10.9.2.1", "10.9.1.1").Udp(80, 1001, {1});
  EXPECT_TRUE(alice_.Receive(packet).empty());
  EXPECT_EQ(alice_.drops(DropReason::kPolicyRequiresAh), 1u);
  bob_.SetSystemLevel(Category::kAh, Level::kRequire);
  EXPECT_EQ(alice_.Receive(bob_.Send(packet).at(0)).size(), 1u);
}

// A server's child: its SYN-ACK waits for an SA of the child's own.
TEST_F(Unique, AChildOfAUniqueListenerHasItsOwn) {
  constexpr SocketCookie kListener{20};
  constexpr SocketCookie kChild{21};
  const FlowKey flow{alice_.address(), bob_.address(), 22, 4711, 6};
  alice_.kernel().Listen(22, kListener);
  alice_.SetLevel(kListener, Category::kAh, Level::kUnique);
  AddSa(bob_, alice_, Category::kAh);
  bob_.SetSystemLevel(Category::kAh, Level::kRequire);
  const Octets syn = PacketBuilder("10.9.2.1", "10.9.1.1").Tcp(4711, 22, kSyn);
  ASSERT_EQ(alice_.Receive(bob_.Send(syn).at(0)).size(), 1u);
  alice_.kernel().Connect(flow, kChild);
  EXPECT_TRUE(
      alice_
          .Send(
              PacketBuilder("10.9.1.1", "10.9.2.1").Tcp(22, 4711, kSyn | kAck))
          .empty());
  Answer(kChild, 0x2005);
  EXPECT_EQ(alice_.Resume().size(), 1u);
  // After the child has gone, its session goes on (late resets).
  alice_.kernel().Close(flow);
  const std::vector<Octets> late =
      alice_.Send(PacketBuilder("10.9.1.1", "10.9.2.1").Tcp(22, 4711, kRst));
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0][27], 0x05);
}

// The SYN-ACK of a syncookie has no socket, and a listener no session.
TEST_F(Unique, ASyncookieGetsNobodysSa) {
  constexpr SocketCookie kListener{20};
  alice_.kernel().Listen(22, kListener);
  alice_.SetLevel(kListener, Category::kAh, Level::kUnique);
  AddSa(alice_, bob_, Category::kAh);
  AddSa(bob_, alice_, Category::kAh);
  bob_.SetSystemLevel(Category::kAh, Level::kRequire);
  const Octets syn = PacketBuilder("10.9.2.1", "10.9.1.1").Tcp(4711, 22, kSyn);
  ASSERT_EQ(alice_.Receive(bob_.Send(syn).at(0)).size(), 1u);
  EXPECT_TRUE(
      alice_
          .Send(
              PacketBuilder("10.9.1.1", "10.9.2.1").Tcp(22, 4711, kSyn | kAck))
          .empty());
  EXPECT_EQ(alice_.drops(DropReason::kOwnerUnknown), 1u);
  EXPECT_EQ(alice_.acquires().List().size(), 0u);
}

}  // namespace
}  // namespace postern
