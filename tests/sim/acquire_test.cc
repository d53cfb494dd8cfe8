// SPDX-License-Identifier: Apache-2.0
//
// Packets that wait for an SA: none of them leaves in clear, they leave in their
// order when the SA is there, and every bound on them holds. No sender waits.

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

#include "tests/sim/sim_host.h"
#include "tests/support/naive_fragments.h"

namespace postern {
namespace {

constexpr HeldPackets::Limits kHold{.per_acquire = 4,
                                    .per_peer = 6,
                                    .in_all = 8,
                                    .time = std::chrono::seconds(10)};

class Waiting : public testing::Test {
 protected:
  Waiting() {
    alice_.SetSystemLevel(Category::kAh, Level::kUse);
    alice_.kernel().Connect({alice_.address(), bob_.address(), 1000, 2000, 17},
                            SocketCookie{3});
  }

  static Octets Numbered(std::uint8_t number,
                         std::string_view to = "10.9.2.1") {
    return PacketBuilder("10.9.1.1", to).Udp(1000, 2000, {number});
  }

  // The payloads of AH-protected datagrams.
  static std::vector<int> Numbers(const std::vector<Octets>& packets) {
    std::vector<int> numbers;
    for (const Octets& packet : packets) {
      EXPECT_EQ(IpView::Parse(packet).value().protocol(), 51);
      numbers.push_back(packet.back());
    }
    return numbers;
  }

  void SendNumbered(int count) {
    for (int i = 1; i <= count; ++i) {
      EXPECT_TRUE(alice_.Send(Numbered(static_cast<std::uint8_t>(i))).empty());
    }
  }

  SimHost alice_{"10.9.1.1", kHold};
  SimHost bob_{"10.9.2.1"};
};

// DEF-37
// API-14
TEST_F(Waiting, LeavesInOrderWhenTheSaIsThere) {
  SendNumbered(3);
  EXPECT_EQ(alice_.outbound().held(), 3u);
  AddSa(alice_, bob_, Category::kAh);
  EXPECT_EQ(Numbers(alice_.Resume()), (std::vector{1, 2, 3}));
  EXPECT_EQ(alice_.outbound().held(), 0u);
  EXPECT_EQ(alice_.count(Count::kOutboundHeld), 3u);
}

TEST_F(Waiting, IsNotOvertakenByWhatComesLater) {
  SendNumbered(3);
  AddSa(alice_, bob_, Category::kAh);
  EXPECT_EQ(Numbers(alice_.SendAll({Numbered(4), Numbered(5)})),
            (std::vector{1, 2, 3, 4, 5}));
}

// DEF-34
// PFK-49
TEST_F(Waiting, AsksOnceForEachNeed) {
  SendNumbered(4);
  EXPECT_EQ(alice_.acquires().TakeNew().size(), 1u);
  EXPECT_TRUE(alice_.Send(Numbered(1, "10.9.3.1")).empty());
  const std::vector<Acquire> fresh = alice_.acquires().TakeNew();
  ASSERT_EQ(fresh.size(), 1u);
  EXPECT_EQ(fresh[0].need.destination, IpAddress::Parse("10.9.3.1").value());
  EXPECT_EQ(fresh[0].need.category, Category::kAh);
  EXPECT_EQ(alice_.count(Count::kAcquires), 2u);
}

TEST_F(Waiting, AsksForAllCategoriesAtOnceAndWaitsForAll) {
  alice_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  SendNumbered(2);
  EXPECT_EQ(alice_.acquires().TakeNew().size(), 2u);
  AddSa(alice_, bob_, Category::kEspTransport);
  EXPECT_TRUE(alice_.Resume().empty());
  EXPECT_EQ(alice_.outbound().held(), 2u);
  AddSa(alice_, bob_, Category::kAh);
  EXPECT_EQ(alice_.Resume().size(), 2u);
}

// API-13: traffic never waits at AVAIL.
TEST_F(Waiting, AvailWaitsForNothing) {
  alice_.SetSystemLevel(Category::kAh, Level::kAvail);
  EXPECT_EQ(alice_.Send(Numbered(1)).at(0), Numbered(1));
  EXPECT_EQ(alice_.outbound().held(), 0u);
}

// OUT-02
TEST_F(Waiting, ARefusalDropsWhatWaits) {
  SendNumbered(2);
  const AcquireId id = alice_.acquires().TakeNew().at(0).id;
  ASSERT_TRUE(alice_.acquires().Refuse(id, alice_.now()).ok());
  alice_.ReleaseHeld();
  EXPECT_TRUE(alice_.Resume().empty());
  EXPECT_EQ(alice_.drops(DropReason::kAcquireRefused), 2u);
  // No new question before the hold-down is over.
  SendNumbered(1);
  EXPECT_EQ(alice_.drops(DropReason::kAcquireRefused), 3u);
  EXPECT_TRUE(alice_.acquires().TakeNew().empty());
  alice_.Advance(Acquires::Limits().hold_down);
  SendNumbered(1);
  EXPECT_EQ(alice_.acquires().TakeNew().size(), 1u);
}

// DEF-34
TEST_F(Waiting, IsOverAfterItsTime) {
  SendNumbered(2);
  alice_.Advance(kHold.time);
  EXPECT_EQ(alice_.outbound().NextDeadline(), alice_.now());
  EXPECT_TRUE(alice_.Resume().empty());
  EXPECT_EQ(alice_.drops(DropReason::kNoSa), 2u);
  AddSa(alice_, bob_, Category::kAh);
  EXPECT_TRUE(alice_.Resume().empty());
}

// DEF-34
TEST_F(Waiting, TheOldestGoesFirstAtEachBound) {
  SendNumbered(5);  // per acquire
  EXPECT_EQ(alice_.outbound().held(), 4u);
  alice_.SetSystemLevel(Category::kEspTransport, Level::kUse);
  SendNumbered(3);  // another acquire, the same peer
  EXPECT_EQ(alice_.outbound().held(), 6u);
  for (const char* peer : {"10.9.3.1", "10.9.4.1", "10.9.5.1"}) {
    EXPECT_TRUE(alice_.Send(Numbered(1, peer)).empty());
  }
  EXPECT_EQ(alice_.outbound().held(), 8u);  // in all
  EXPECT_EQ(alice_.drops(DropReason::kHoldOverflow), 3u);
  AddSa(alice_, bob_, Category::kAh);
  AddSa(alice_, bob_, Category::kEspTransport);
  // Those three were nobody's, and the first of them went.
  EXPECT_EQ(alice_.Resume().size(), 6u);
}

// What waited in fragments is one packet once an SA of transport mode is there. If
// later ones of its flow wait, it goes behind them, although as many as may wait
// for one acquire do: nobody goes while they are walked over.
TEST_F(Waiting, WhatIsPutTogetherPushesNobodyOut) {
  alice_.SetSystemLevel(Category::kAh, Level::kNone);
  alice_.SetSystemLevel(Category::kEspTransport, Level::kUse);
  const Octets large =
      PacketBuilder("10.9.1.1", "10.9.2.1").Udp(1000, 2000, Octets(1200, 9));
  for (const Octets& fragment : NaiveFragments(large, 800)) {
    EXPECT_TRUE(alice_.Send(fragment).empty());
  }
  alice_.SetSystemLevel(Category::kEspTransport, Level::kNone);
  alice_.SetSystemLevel(Category::kAh, Level::kUse);
  SendNumbered(4);  // of another acquire, all that there may be
  EXPECT_EQ(alice_.outbound().held(), kHold.per_peer);
  AddSa(alice_, bob_, Category::kAh);
  EXPECT_EQ(Numbers(alice_.Resume()), (std::vector{1, 2, 3, 4, 9}));
  EXPECT_EQ(alice_.outbound().held(), 0u);
  EXPECT_EQ(alice_.drops(DropReason::kHoldOverflow), 0u);
  EXPECT_EQ(alice_.count(Count::kReassembled), 1u);
  EXPECT_TRUE(alice_.drained());
}

// semantics: packets before the call obey the old or the new level.
TEST_F(Waiting, ALoweredLevelLetsThemGo) {
  SendNumbered(2);
  alice_.SetSystemLevel(Category::kAh, Level::kNone);
  alice_.ReleaseHeld();
  EXPECT_EQ(alice_.Resume().size(), 2u);
}

TEST_F(Waiting, MoreThanABatchLeavesInOrder) {
  SimHost many("10.9.1.1");
  many.SetSystemLevel(Category::kAh, Level::kUse);
  std::vector<Octets> all;
  for (int peer = 1; peer <= 5; ++peer) {
    for (std::uint8_t i = 0; i < 30; ++i) {
      all.push_back(Numbered(i, "10.9.2." + std::to_string(peer)));
      EXPECT_TRUE(many.Send(all.back()).empty());
    }
  }
  SimHost peers("10.9.2.1");
  for (int peer = 1; peer <= 5; ++peer) {
    SaParameters sa =
        SaFor(many.address(),
              IpAddress::Parse("10.9.2." + std::to_string(peer)).value(),
              Category::kAh);
    ASSERT_TRUE(many.sadb().Add(sa, {}, many.now()).ok());
  }
  const std::vector<int> numbers = Numbers(many.Resume());
  ASSERT_EQ(numbers.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(numbers[i], all[i].back()) << i;
  }
}

// An acquire is shared by flows of which its answer may serve one only.
TEST_F(Waiting, OneFlowDoesNotKeepAnotherWaiting) {
  const Octets other =
      PacketBuilder("10.9.1.1", "10.9.2.1").Udp(1001, 2000, {9});
  SendNumbered(1);
  EXPECT_TRUE(alice_.Send(other).empty());
  EXPECT_EQ(alice_.acquires().List().size(), 1u);
  SaParameters sa = SaFor(alice_.address(), bob_.address(), Category::kAh);
  sa.selector.protocol = 17;
  sa.selector.source_port = 1001;
  ASSERT_TRUE(alice_.sadb().Add(sa, {}, alice_.now()).ok());
  EXPECT_EQ(Numbers(alice_.Resume()), std::vector{9});
  EXPECT_EQ(alice_.outbound().held(), 1u);
}

TEST_F(Waiting, AStrangersPacketsGoBeforeOurs) {
  SendNumbered(3);
  for (int i = 0; i < 10; ++i) {
    const std::string stranger = "198.18." + std::to_string(i) + ".1";
    // Nobody's: an echo reply.
    EXPECT_TRUE(alice_.Send(PacketBuilder("10.9.1.1", stranger).IcmpEcho(1, 1))
                    .empty());
  }
  EXPECT_EQ(alice_.outbound().held(), 8u);
  AddSa(alice_, bob_, Category::kAh);
  EXPECT_EQ(Numbers(alice_.Resume()), (std::vector{1, 2, 3}));
}

// DEF-34
// API-16: what strangers cause is bounded, and leaves room for our own needs.
TEST_F(Waiting, SpoofedSynsCauseFewAcquires) {
  constexpr SocketCookie kListener{7};
  alice_.SetSystemLevel(Category::kAh, Level::kNone);
  alice_.kernel().Listen(80, kListener);
  alice_.SetLevel(kListener, Category::kAh, Level::kUse);
  for (int i = 0; i < 10'000; ++i) {
    const std::string stranger = "198." + std::to_string(18 + i % 2) + "." +
                                 std::to_string(i / 200 % 256) + "." +
                                 std::to_string(1 + i % 200);
    const Octets syn = PacketBuilder(stranger, "10.9.1.1").Tcp(4711, 80, kSyn);
    ASSERT_EQ(alice_.Receive(syn).size(), 1u);  // USE accepts it
    const FlowKey flow{alice_.address(), IpAddress::Parse(stranger).value(), 80,
                       4711, 6};
    alice_.kernel().Connect(flow,
                            SocketCookie{1000U + static_cast<unsigned>(i)});
    EXPECT_TRUE(
        alice_
            .Send(
                PacketBuilder("10.9.1.1", stranger).Tcp(80, 4711, kSyn | kAck))
            .empty());
    alice_.Advance(std::chrono::microseconds(100));
  }
  const std::size_t asked = alice_.acquires().TakeNew().size();
  EXPECT_GT(asked, 0u);
  // A second's tokens and the burst.
  EXPECT_LE(asked, 128u + 100u);
  EXPECT_LE(alice_.outbound().held(), kHold.in_all);
  EXPECT_GT(alice_.drops(DropReason::kAcquireLimited), 9'000u);
  // We ourselves can still ask.
  alice_.SetSystemLevel(Category::kAh, Level::kUse);
  EXPECT_TRUE(alice_.Send(Numbered(1)).empty());
  EXPECT_EQ(alice_.acquires().TakeNew().size(), 1u);
}

}  // namespace
}  // namespace postern
