// SPDX-License-Identifier: Apache-2.0
//
// Packets that go through the pipelines many at a time fare as if each had gone
// alone, and in their order.

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/sim/sim_host.h"

namespace postern {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

Octets Datagram(std::uint16_t port, std::size_t size = 40) {
  return PacketBuilder("10.9.1.1", "10.9.2.1").Udp(1000, port, Octets(size));
}

// Different ones, so that none can stand for another.
std::vector<Octets> Datagrams(std::size_t count, std::uint16_t port = 2000) {
  std::vector<Octets> packets;
  for (std::size_t i = 0; i < count; ++i) {
    packets.push_back(Datagram(port, 40 + i));
  }
  return packets;
}

struct Pair {
  SimHost alice{"10.9.1.1"};
  SimHost bob{"10.9.2.1"};
};

// An SA from one host to the other that ends after so many packets.
void AddMortalSa(Pair& pair, std::uint64_t packets, Direction dies) {
  SaParameters sa =
      SaFor(pair.alice.address(), pair.bob.address(), Category::kEspTransport);
  for (const Direction direction :
       {Direction::kOutbound, Direction::kInbound}) {
    sa.direction = direction;
    sa.hard.packets = direction == dies ? std::optional(packets) : std::nullopt;
    Sadb& sadb =
        direction == Direction::kOutbound ? pair.alice.sadb() : pair.bob.sadb();
    ASSERT_TRUE(sadb.Add(sa, {}, pair.alice.now()).ok());
  }
}

class TrainOfEveryBundle
    : public testing::TestWithParam<std::vector<Category>> {
 protected:
  TrainOfEveryBundle() {
    for (Pair* pair : {&many_, &one_}) {
      for (const Category category : GetParam()) {
        AddSaPair(pair->alice, pair->bob, category);
        pair->alice.SetSystemLevel(category, Level::kRequire);
        pair->bob.SetSystemLevel(category, Level::kRequire);
      }
    }
  }

  // What leaves alice together is, octet by octet, what leaves her twin one by
  // one; and bob gets what she sent.
  void ExpectSame(const std::vector<Octets>& packets) {
    const std::vector<Octets> together = many_.alice.SendAll(packets);
    std::vector<Octets> alone;
    for (const Octets& packet : packets) {
      for (Octets& sent : one_.alice.Send(packet)) {
        alone.push_back(std::move(sent));
      }
    }
    EXPECT_EQ(together, alone);
    EXPECT_EQ(many_.bob.ReceiveAll(together), packets);
    EXPECT_EQ(many_.alice.forgotten() + many_.bob.forgotten(), 0u);
    EXPECT_TRUE(many_.alice.drained() && many_.bob.drained());
  }

  Pair many_;
  Pair one_;
};

TEST_P(TrainOfEveryBundle, TreatsOneFlowsPacketsAsIfEachWentAlone) {
  ExpectSame(Datagrams(50));
}

// DEF-37
TEST_P(TrainOfEveryBundle, TreatsMixedFlowsPacketsAsIfEachWentAlone) {
  std::vector<Octets> packets;
  for (std::uint16_t i = 0; i < 50; ++i) {
    packets.push_back(
        Datagram(static_cast<std::uint16_t>(2000 + i / 3 % 4), 40 + i));
  }
  ExpectSame(packets);
}

INSTANTIATE_TEST_SUITE_P(Trains, TrainOfEveryBundle,
                         testing::Values(std::vector<Category>{},
                                         std::vector{Category::kEspTransport},
                                         std::vector{Category::kAh},
                                         std::vector{Category::kEspNetwork},
                                         std::vector{Category::kEspTransport,
                                                     Category::kAh,
                                                     Category::kEspNetwork}));

class Trains : public testing::Test {
 protected:
  void Require(Category category) {
    AddSaPair(pair_.alice, pair_.bob, category);
    alice_.SetSystemLevel(category, Level::kRequire);
    bob_.SetSystemLevel(category, Level::kRequire);
  }

  Pair pair_;
  SimHost& alice_ = pair_.alice;
  SimHost& bob_ = pair_.bob;
};

// SAD-14
TEST_F(Trains, GoOnWithTheNextSaWhereOneEnds) {
  alice_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  AddSa(alice_, bob_, Category::kEspTransport);
  // The newest is taken first.
  SaParameters mortal =
      SaFor(alice_.address(), bob_.address(), Category::kEspTransport);
  mortal.spi = Spi{0x7777};
  mortal.encryption_key = SecretBytes(Octets(20, 0x77));
  mortal.hard.packets = 10;
  ASSERT_TRUE(alice_.sadb().Add(mortal, {}, alice_.now()).ok());

  const std::vector<Octets> sent = alice_.SendAll(Datagrams(30));
  ASSERT_EQ(sent.size(), 30u);
  const auto spi_of = [](const Octets& packet) {
    return LoadBe<std::uint32_t>(ConstBytes(packet).subspan(20));
  };
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(spi_of(sent[i]) == 0x7777, i < 10) << i;
  }
}

TEST_F(Trains, HoldWhatComesAfterTheLastSasEnd) {
  alice_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  AddMortalSa(pair_, 10, Direction::kOutbound);
  EXPECT_EQ(alice_.SendAll(Datagrams(30)).size(), 10u);
  EXPECT_EQ(alice_.outbound().held(), 20u);
  EXPECT_EQ(alice_.drops(DropReason::kLifetimeExpired), 0u);
}

// A packet to which one SA was applied cannot be decided anew.
TEST_F(Trains, LoseNothingWhereASecondSaEnds) {
  Require(Category::kEspTransport);
  Require(Category::kAh);
  SaParameters mortal = SaFor(alice_.address(), bob_.address(), Category::kAh);
  mortal.spi = Spi{0x7777};
  mortal.integrity_key = SecretBytes(Octets(32, 0x77));
  mortal.hard.packets = 10;
  ASSERT_TRUE(alice_.sadb().Add(mortal, {}, alice_.now()).ok());
  mortal.direction = Direction::kInbound;
  mortal.hard.packets.reset();
  ASSERT_TRUE(bob_.sadb().Add(mortal, {}, bob_.now()).ok());

  const std::vector<Octets> clear = Datagrams(30);
  EXPECT_EQ(bob_.ReceiveAll(alice_.SendAll(clear)), clear);
  EXPECT_EQ(alice_.drops(DropReason::kLifetimeExpired), 0u);
}

// DEF-04
// Somebody deletes the second SA at any moment. What has the first one's ESP
// already must not be taken for a packet of ESP's own, which has no socket.
TEST_F(Trains, NeverLeaveHalfProtectedWhenAnSaIsDeleted) {
  const SocketCookie cookie{7};
  alice_.kernel().Connect(
      {alice_.address(), bob_.address(), 1000, 2000, Number(IpProtocol::kUdp)},
      cookie);
  alice_.SetLevel(cookie, Category::kEspTransport, Level::kRequire);
  alice_.SetLevel(cookie, Category::kAh, Level::kRequire);
  AddSa(alice_, bob_, Category::kEspTransport);
  std::size_t sent = 0;
  for (std::uint32_t round = 0; round < 400; ++round) {
    SaParameters ah = SaFor(alice_.address(), bob_.address(), Category::kAh);
    ah.spi = Spi{0x8000 + round};
    Octets key(32, 0x11);
    StoreBe(Bytes(key), round);
    ah.integrity_key = SecretBytes(key);
    ASSERT_TRUE(alice_.sadb().Add(ah, {}, alice_.now()).ok());
    SecurityAssociation* const mortal = alice_.sadb().Get(ah.identity());
    alice_.ReleaseHeld();
    std::atomic<bool> started{false};
    std::thread killer([&] {
      started.store(true);
      const Instant when =
          MonotonicNow() + std::chrono::microseconds(round % 200 * 5);
      while (MonotonicNow() < when) {
      }
      mortal->Kill();
    });
    while (!started.load()) {
      std::this_thread::yield();
    }
    for (const Octets& packet : alice_.SendAll(Datagrams(60))) {
      ASSERT_EQ(packet[9], Number(IpProtocol::kAh)) << round;
      ++sent;
    }
    killer.join();
  }
  EXPECT_GT(sent, 0U);
}

// DEF-42
TEST_F(Trains, DropByNameWhatIsTooBigAndSendTheRest) {
  Require(Category::kEspTransport);
  std::vector<Octets> packets = Datagrams(3);
  packets.insert(packets.begin() + 1, PacketBuilder("10.9.1.1", "10.9.2.1")
                                          .DontFragment()
                                          .Udp(1000, 2000, Octets(9000)));
  EXPECT_EQ(alice_.SendAll(packets).size(), 3u);
  EXPECT_EQ(alice_.drops(DropReason::kTooBig), 1u);
}

// DEF-07
// RPL-05
TEST_F(Trains, AreReplayedOnceEvenWithinOneBatch) {
  Require(Category::kEspTransport);
  const std::vector<Octets> clear = Datagrams(3);
  const std::vector<Octets> sent = alice_.SendAll(clear);
  EXPECT_EQ(bob_.ReceiveAll({sent[0], sent[1], sent[0], sent[2], sent[1]}),
            clear);
  EXPECT_EQ(bob_.drops(DropReason::kReplayDuplicate), 2u);
}

// DEF-42
TEST_F(Trains, LoseOnlyTheForgedPacket) {
  Require(Category::kAh);
  Require(Category::kEspTransport);
  const std::vector<Octets> clear = Datagrams(5);
  std::vector<Octets> sent = alice_.SendAll(clear);
  sent[2].back() ^= 1;
  EXPECT_THAT(bob_.ReceiveAll(sent),
              ElementsAre(clear[0], clear[1], clear[3], clear[4]));
  EXPECT_EQ(bob_.drops(DropReason::kBadIcv), 1u);
  ASSERT_EQ(bob_.audits().size(), 1u);
  EXPECT_EQ(bob_.audits()[0].reason, DropReason::kBadIcv);
  EXPECT_EQ(bob_.audits()[0].sequence, 3u);
}

// SAD-15
TEST_F(Trains, EndWithTheSaThatTheyCameBy) {
  alice_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  AddMortalSa(pair_, 5, Direction::kInbound);
  const std::vector<Octets> clear = Datagrams(8);
  const std::vector<Octets> sent = alice_.SendAll(clear);
  ASSERT_EQ(sent.size(), 8u);
  EXPECT_EQ(bob_.ReceiveAll(sent).size(), 5u);
  EXPECT_EQ(bob_.drops(DropReason::kLifetimeExpired), 3u);
}

// SPD-12: so does a rule, of a flow that is warm in both directions.
TEST_F(Trains, ObeyARuleThatWasSetInBetween) {
  const auto rule = [](Rule::Verdict verdict) {
    Rule made;
    made.name = "rule";
    made.verdict = verdict;
    if (verdict == Rule::Verdict::kProtect) {
      made.levels.Set(Category::kAh, Level::kRequire);
    }
    return std::vector{made};
  };
  std::vector<Octets> back;
  for (std::uint8_t i = 0; i < 3; ++i) {
    back.push_back(PacketBuilder("10.9.2.1", "10.9.1.1").Udp(2000, 1000, {i}));
  }
  const auto expect = [&](std::size_t sent, std::size_t taken) {
    for (int again = 0; again < 2; ++again) {
      EXPECT_THAT(alice_.SendAll(Datagrams(3)), SizeIs(sent));
      EXPECT_THAT(alice_.ReceiveAll(back), SizeIs(taken));
    }
  };
  expect(3, 3);
  alice_.SetRules(rule(Rule::Verdict::kDiscard));
  expect(0, 0);
  EXPECT_EQ(alice_.drops(DropReason::kDiscardRule), 12u);
  alice_.SetRules(rule(Rule::Verdict::kBypass));
  expect(3, 3);
  alice_.SetRules(rule(Rule::Verdict::kProtect));
  expect(0, 0);
  EXPECT_EQ(alice_.outbound().held(), 6u);
  alice_.SetRules({});
  alice_.ReleaseHeld();
  EXPECT_THAT(alice_.SendAll(Datagrams(3)), SizeIs(9));
  expect(3, 3);
}

// API-28: what is set between two packets binds the second.
TEST_F(Trains, ObeyALevelThatWasSetInBetween) {
  const SocketCookie cookie{7};
  const FlowKey flow{alice_.address(), bob_.address(), 1000, 2000,
                     Number(IpProtocol::kUdp)};
  alice_.kernel().Connect(flow, cookie);
  EXPECT_EQ(alice_.SendAll(Datagrams(3)).size(), 3u);
  alice_.SetLevel(cookie, Category::kAh, Level::kRequire);
  EXPECT_THAT(alice_.SendAll(Datagrams(3)), IsEmpty());
  alice_.SetLevel(cookie, Category::kAh, Level::kNone);
  alice_.ReleaseHeld();
  EXPECT_EQ(alice_.SendAll(Datagrams(3)).size(), 6u);
}

}  // namespace
}  // namespace postern
