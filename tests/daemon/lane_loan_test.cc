// SPDX-License-Identifier: Apache-2.0

#include "daemon/lane_loan.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <future>
#include <vector>

#include "tests/daemon/lane_pair_world.h"

namespace postern {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

class LaneLoanTest : public LanePairWorld {
 protected:
  static constexpr std::size_t kBusy = Batch::kCapacity;

  void StartTwo(const LoanRules& rules) {
    Start({.number = 2, .loans = rules});
  }

  static void PutMany(const UniqueFd& end, std::size_t many) {
    for (std::uint32_t i = 0; i < many; ++i) {
      Put(end, Datagram(2, i));
    }
  }

  static void ExpectInOrder(const UniqueFd& end, std::size_t many) {
    for (std::uint32_t i = 0; i < many; ++i) {
      ASSERT_EQ(Await(end), Datagram(2, i));
    }
  }

  // A loan is made at the end of a round, when its packets have come already.
  // What the host itself has to say leaves with the round behind that.
  void AwaitTheNextRound() {
    pair_->Emit(Datagram(7));
    EXPECT_EQ(Await(wire()), Datagram(7));
  }

  // Much waits both ways when it starts.
  void StartBusy(const LoanRules& rules) {
    PutMany(tun(), kBusy);
    PutMany(wire(), kBusy);
    StartTwo(rules);
    ExpectInOrder(tun(), kBusy);
    ExpectInOrder(wire(), kBusy);
  }
};

TEST_F(LaneLoanTest, BeginsWhenBothWaysAreBusyAndEndsWhenTheyAreQuiet) {
  StartBusy({.packets = 2, .quiet = milliseconds(5)});
  EXPECT_TRUE(Comes([this] { return pair_->loans() == 1 && !pair_->lent(); }));
  ExpectCarried(0, Direction::kInbound, kBusy);
  // It is all the first thread's again.
  Put(wire(), Datagram(3));
  EXPECT_EQ(Await(tun()), Datagram(3));
  ExpectCarried(0, Direction::kInbound, kBusy + 1);
  EXPECT_EQ(pair_->loans(), 1u);
}

TEST_F(LaneLoanTest, HasTheSecondThreadCarryWhatComesIn) {
  StartBusy({.packets = 2, .quiet = hours(1)});
  ASSERT_TRUE(Comes([this] { return pair_->lent(); }));
  PutMany(wire(), 100);
  PutMany(tun(), 100);
  ExpectInOrder(tun(), 100);
  ExpectInOrder(wire(), 100);
  ExpectCarried(0, Direction::kOutbound, kBusy + 100);
  ExpectCarried(0, Direction::kInbound, kBusy);
  ExpectCarried(1, Direction::kInbound, 100);
  ExpectCarried(1, Direction::kOutbound, 0);
}

TEST_F(LaneLoanTest, IsNotMadeForWhatGoesOneWay) {
  PutMany(tun(), kBusy);
  StartTwo({.packets = 2, .quiet = hours(1)});
  ExpectInOrder(wire(), kBusy);
  AwaitTheNextRound();
  EXPECT_EQ(pair_->loans(), 0u);
  pair_.reset();
  PutMany(wire(), kBusy);
  StartTwo({.packets = 2, .quiet = hours(1)});
  ExpectInOrder(tun(), kBusy);
  AwaitTheNextRound();
  EXPECT_EQ(pair_->loans(), 0u);
}

// The lane that was lent has nothing to do, but to have it back would only be to
// lend it again.
TEST_F(LaneLoanTest, LastsAsLongAsTheLenderIsBusy) {
  StartBusy({.packets = 2, .quiet = milliseconds(200)});
  ASSERT_TRUE(Comes([this] { return pair_->lent(); }));
  const Deadline enough = Deadline::AfterMilliseconds(700);
  while (enough.remaining_ms() > 0) {
    PutMany(tun(), kBusy);
    ExpectInOrder(wire(), kBusy);
  }
  EXPECT_TRUE(pair_->lent());
  EXPECT_TRUE(Comes([this] { return !pair_->lent(); }));
  EXPECT_EQ(pair_->loans(), 1u);
}

// Bursts both ways, each as soon as the one before has been taken: just when the
// lane is about to be given back.
TEST_F(LaneLoanTest, LosesAndReordersNothing) {
  constexpr std::uint64_t kLoans = 100;
  constexpr std::uint32_t kBurst = 100;
  constexpr std::uint32_t kLast = 0xffffffff;
  const auto receive = [](const UniqueFd& end) {
    std::uint32_t number = 0;
    std::vector<std::uint8_t> got;
    while ((got = Await(end)) == Datagram(2, number)) {
      ++number;
    }
    EXPECT_EQ(got, Datagram(2, kLast));
    return number;
  };
  StartTwo({.packets = 2, .quiet = Duration(0)});
  auto by_host = std::async(std::launch::async, receive, std::cref(tun()));
  auto by_network = std::async(std::launch::async, receive, std::cref(wire()));
  const Deadline deadline = Deadline::AfterMilliseconds(60'000);
  std::uint32_t sent = 0;
  while (pair_->loans() < kLoans && deadline.remaining_ms() > 0) {
    for (std::uint32_t i = 0; i < kBurst; ++i, ++sent) {
      Put(tun(), Datagram(2, sent));
      Put(wire(), Datagram(2, sent));
    }
    pair_->Prod();
    ASSERT_TRUE(Comes([&] {
      return Counted(Direction::kInbound, Count::kInboundPackets) == sent;
    }));
  }
  Put(tun(), Datagram(2, kLast));
  Put(wire(), Datagram(2, kLast));
  EXPECT_EQ(by_host.get(), sent);
  EXPECT_EQ(by_network.get(), sent);
  EXPECT_GE(pair_->loans(), kLoans);
}

// DEF-04: whichever has the lane just then.
TEST_F(LaneLoanTest, EndsWithThePairInTheMiddleOfIt) {
  for (int i = 0; i < 50; ++i) {
    PutMany(tun(), 70);
    PutMany(wire(), 70);
    StartTwo({.packets = 2, .quiet = Duration(0)});
    Await(wire());
    pair_.reset();
    // What it left there comes with the next.
    StartTwo({.packets = 1'000'000, .quiet = hours(1)});
    for (int rest = 1; rest < 70; ++rest) {
      Await(wire());
    }
    for (int all = 0; all < 70; ++all) {
      Await(tun());
    }
    pair_.reset();
  }
  EXPECT_EQ(failures_.load(), 0);
}

}  // namespace
}  // namespace postern
