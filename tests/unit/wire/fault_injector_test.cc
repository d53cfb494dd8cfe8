// SPDX-License-Identifier: Apache-2.0

#include "wire/fault_injector.h"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "gtest/gtest.h"

#include "tests/unit/wire/port_fixture.h"

namespace postern {
namespace {

constexpr unsigned kAlways = 1000;

class FaultInjectorTest : public PortFixture {
 protected:
  // What arrives of packets 0 to count - 1 that were sent through `plan`.
  std::vector<Octets> Through(const FaultInjector::Plan& plan,
                              std::size_t count) {
    auto [near, far] = MemoryPort::MakePair({.queue_packets = 100'000});
    FaultInjector injector(std::move(near), plan);
    SendNumbers(injector, count);
    counts_ = injector.sent_faults();
    return ReceiveAll(*far);
  }

  void SendNumbers(PacketPort& port, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Send(port, {Numbered(i)});
    }
  }

  static std::vector<Octets> Numbers(const std::vector<std::size_t>& numbers) {
    std::vector<Octets> all;
    for (const std::size_t n : numbers) {
      all.push_back(Numbered(n));
    }
    return all;
  }

  static FaultInjector::Plan Sending(const FaultPlan& plan,
                                     std::uint64_t seed = 1) {
    return {.seed = seed, .sending = plan, .receiving = {}};
  }

  FaultCounts counts_;
};

TEST_F(FaultInjectorTest, SaysOfItsPortWhatThatSays) {
  FaultInjector injector(std::make_unique<Patient>(), {});
  EXPECT_FALSE(injector.IsGone(kError));
  EXPECT_EQ(injector.NextDeadline(), Patient::kLater);
  FaultInjector other(std::move(near_), {});
  EXPECT_TRUE(other.IsGone(kError));
  EXPECT_EQ(other.NextDeadline(), std::nullopt);
}

TEST_F(FaultInjectorTest, WithoutFaultsEverythingPassesInOrder) {
  EXPECT_EQ(Through(Sending({}), 5), Numbers({0, 1, 2, 3, 4}));
  EXPECT_EQ(counts_, FaultCounts{});
  auto [near, far] = MemoryPort::MakePair();
  FaultInjector injector(std::move(near), {});
  EXPECT_EQ(injector.mtu(), 1500U);
  EXPECT_EQ(injector.descriptor(), -1);
  Send(*far, Numbers({0, 1, 2}));
  EXPECT_EQ(ReceiveAll(injector), Numbers({0, 1, 2}));
}

TEST_F(FaultInjectorTest, DropsAndCounts) {
  EXPECT_TRUE(Through(Sending({.drop_per_mille = kAlways}), 5).empty());
  EXPECT_EQ(stats_.of(DropReason::kFaultInjected), 5U);
  EXPECT_EQ(counts_.dropped, 5U);
}

TEST_F(FaultInjectorTest, DropsAboutAsOftenAsItWasTold) {
  const auto arrived = Through(Sending({.drop_per_mille = 100}), 10'000);
  EXPECT_GT(arrived.size(), 8'800U);  // 9,000 expected, deviation 30
  EXPECT_LT(arrived.size(), 9'200U);
  EXPECT_EQ(arrived.size() + counts_.dropped, 10'000U);
  EXPECT_EQ(stats_.of(DropReason::kFaultInjected), counts_.dropped);
}

TEST_F(FaultInjectorTest, Duplicates) {
  EXPECT_EQ(Through(Sending({.duplicate_per_mille = kAlways}), 3),
            Numbers({0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(counts_.duplicated, 3U);
  EXPECT_EQ(stats_.of(DropReason::kFaultInjected), 0U);
}

TEST_F(FaultInjectorTest, DuplicatesOfAFullBatchAllLeave) {
  auto [near, far] = MemoryPort::MakePair();
  FaultInjector injector(std::move(near),
                         Sending({.duplicate_per_mille = kAlways}));
  std::vector<Octets> full;
  for (std::size_t i = 0; i < Batch::kCapacity; ++i) {
    full.push_back(Numbered(i));
  }
  Send(injector, full);
  EXPECT_EQ(ReceiveAll(*far).size(), 2 * Batch::kCapacity);
}

TEST_F(FaultInjectorTest, ReceivedDuplicatesThatDoNotFitComeWithTheNextCall) {
  auto [near, far] = MemoryPort::MakePair();
  FaultInjector injector(std::move(near),
                         {.seed = 1,
                          .sending = {},
                          .receiving = {.duplicate_per_mille = kAlways}});
  SendNumbers(*far, Batch::kCapacity);
  Batch batch;
  EXPECT_EQ(injector.Receive(batch, pool_, stats_), Batch::kCapacity);
  batch.Clear();
  EXPECT_EQ(injector.Receive(batch, pool_, stats_), Batch::kCapacity);
  batch.Clear();
  EXPECT_EQ(injector.Receive(batch, pool_, stats_), 0U);
  EXPECT_EQ(injector.received_faults().duplicated, Batch::kCapacity);
}

TEST_F(FaultInjectorTest, ReceivedPacketsKeepTheirOrderInASmallPool) {
  auto [near, far] = MemoryPort::MakePair();
  FaultInjector injector(std::move(near),
                         {.seed = 1,
                          .sending = {},
                          .receiving = {.duplicate_per_mille = kAlways}});
  SendNumbers(*far, 3);
  PacketPool small({.packets = 2, .payload = 2000});
  std::vector<Octets> all;
  for (int i = 0; i < 10; ++i) {
    Batch batch;
    injector.Receive(batch, small, stats_);
    for (const Packet& packet : batch.packets()) {
      const ConstBytes octets = packet.bytes();
      all.emplace_back(octets.begin(), octets.end());
    }
    batch.Clear();
  }
  EXPECT_EQ(all, Numbers({0, 0, 1, 1, 2, 2}));
}

TEST_F(FaultInjectorTest, DropsABackloggedPacketThatAnotherPoolHasNoRoomFor) {
  auto [near, far] = MemoryPort::MakePair();
  FaultInjector injector(
      std::move(near),
      {.seed = 1,
       .sending = {},
       .receiving = {.delay_per_mille = kAlways, .delay_packets = 1}});
  Send(*far, {Numbered(0, 100)});
  EXPECT_TRUE(ReceiveAll(injector).empty());
  Send(*far, {Numbered(1, 20)});
  PacketPool small({.packets = 4, .payload = 50});
  Batch batch;
  EXPECT_EQ(injector.Receive(batch, small, stats_), 0U);
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 1U);
}

TEST_F(FaultInjectorTest, ReorderingSwapsWithTheNextPacket) {
  const auto arrived = Through(Sending({.reorder_per_mille = 300}), 1000);
  EXPECT_GT(counts_.reordered, 200U);
  EXPECT_FALSE(std::is_sorted(arrived.begin(), arrived.end()));
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    const std::size_t n = std::size_t{arrived[i][0]} * 256 + arrived[i][1];
    EXPECT_LE(n > i ? n - i : i - n, 1U) << i;  // moved by one place at most
  }
  EXPECT_EQ(std::set<Octets>(arrived.begin(), arrived.end()).size(),
            arrived.size());
  EXPECT_GE(arrived.size(), 999U);  // the last may still be held
}

TEST_F(FaultInjectorTest, DelaysByAsManyPacketsAsItWasTold) {
  const FaultPlan plan{.delay_per_mille = kAlways, .delay_packets = 3};
  EXPECT_EQ(Through(Sending(plan), 5), Numbers({0, 1}));
  EXPECT_EQ(counts_.delayed, 5U);
}

TEST_F(FaultInjectorTest, NothingIsLostByDelays) {
  const FaultPlan plan{.delay_per_mille = 50, .delay_packets = 3};
  const auto arrived = Through(Sending(plan), 1000);
  EXPECT_GT(counts_.delayed, 20U);
  EXPECT_GE(arrived.size(), 997U);  // the last three may still be held
  EXPECT_EQ(std::set<Octets>(arrived.begin(), arrived.end()).size(),
            arrived.size());
}

// 0 says that nothing waits, not that all was held.
TEST_F(FaultInjectorTest, AsksAgainWhileItHoldsAllThatCame) {
  auto [near, far] = MemoryPort::MakePair();
  FaultInjector injector(
      std::move(near),
      {.seed = 1,
       .sending = {},
       .receiving = {.delay_per_mille = kAlways, .delay_packets = 100}});
  SendNumbers(*far, 700);
  EXPECT_EQ(ReceiveAll(injector).size(), 600U);
}

TEST_F(FaultInjectorTest, FlipsExactlyOneBit) {
  const auto arrived = Through(Sending({.flip_per_mille = kAlways}), 200);
  ASSERT_EQ(arrived.size(), 200U);
  std::set<std::size_t> places;
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    const Octets sent = Numbered(i);
    ASSERT_EQ(arrived[i].size(), sent.size());
    int flipped = 0;
    for (std::size_t j = 0; j < sent.size(); ++j) {
      const auto differing = static_cast<std::uint8_t>(arrived[i][j] ^ sent[j]);
      flipped += std::popcount(differing);
      if (differing != 0) {
        places.insert(j);
      }
    }
    EXPECT_EQ(flipped, 1);
  }
  EXPECT_GT(places.size(), 20U);  // all over the packet
  EXPECT_EQ(counts_.flipped, 200U);
}

TEST_F(FaultInjectorTest, TheSameSeedGivesTheSameFaults) {
  const FaultPlan everything{.drop_per_mille = 100,
                             .duplicate_per_mille = 100,
                             .reorder_per_mille = 100,
                             .flip_per_mille = 100,
                             .delay_per_mille = 100};
  const auto first = Through(Sending(everything, 7), 500);
  const FaultCounts counts = counts_;
  EXPECT_EQ(Through(Sending(everything, 7), 500), first);
  EXPECT_EQ(counts_, counts);
  EXPECT_NE(Through(Sending(everything, 8), 500), first);
}

TEST_F(FaultInjectorTest, BatchesDoNotChangeTheFaults) {
  const FaultPlan plan{.drop_per_mille = 200, .reorder_per_mille = 200};
  const auto one_by_one = Through(Sending(plan), 60);
  auto [near, far] = MemoryPort::MakePair();
  FaultInjector injector(std::move(near), Sending(plan));
  std::vector<Octets> all;
  for (std::size_t i = 0; i < 60; ++i) {
    all.push_back(Numbered(i));
  }
  Send(injector, all);
  EXPECT_EQ(ReceiveAll(*far), one_by_one);
}

TEST_F(FaultInjectorTest, TheTwoDirectionsHaveFaultsOfTheirOwn) {
  auto [near, far] = MemoryPort::MakePair();
  FaultInjector injector(
      std::move(near),
      {.seed = 1, .sending = {}, .receiving = {.drop_per_mille = kAlways}});
  Send(injector, Numbers({0}));
  Send(*far, Numbers({1}));
  EXPECT_EQ(ReceiveAll(*far).size(), 1U);
  EXPECT_TRUE(ReceiveAll(injector).empty());
  EXPECT_EQ(injector.received_faults().dropped, 1U);
  EXPECT_EQ(injector.sent_faults().dropped, 0U);
}

}  // namespace
}  // namespace postern
