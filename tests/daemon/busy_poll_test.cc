// SPDX-License-Identifier: Apache-2.0

#include "daemon/busy_poll.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

using std::chrono::microseconds;

constexpr Duration kMost = microseconds(50);

class BusyPollTest : public ::testing::Test {
 protected:
  // Looks, in vain, until it is told to sleep; returns for how long.
  Duration LookInVain() {
    const Instant began = now_;
    while (poll_.LookAgain(now_)) {
      now_ += microseconds(1);
    }
    return now_ - began;
  }

  Instant now_{};
  BusyPoll poll_{kMost};
};

TEST_F(BusyPollTest, SleepsAtOnceWhileNothingSpeaksForLooking) {
  EXPECT_EQ(LookInVain(), Duration::zero());
  poll_.Slept(kMost + microseconds(1));
  EXPECT_EQ(LookInVain(), Duration::zero());
}

TEST_F(BusyPollTest, LooksOnceASleepWasShorterThanALook) {
  poll_.Slept(kMost);
  EXPECT_EQ(LookInVain(), kMost);
}

TEST_F(BusyPollTest, GivesUpAfterAsManyLooksInVainAsItHasCredit) {
  poll_.Slept(kMost);
  Duration looked{0};
  for (int i = 0; i < 100; ++i) {
    poll_.Slept(std::chrono::seconds(1));
    looked += LookInVain();
  }
  EXPECT_EQ(looked, BusyPoll::kCredit * kMost);
}

// An answer that comes in the time, and then a long silence, again and again: a
// host that is asked now and then.
TEST_F(BusyPollTest, KeepsLookingWhileEveryOtherLookFindsSomething) {
  poll_.Slept(kMost);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(poll_.LookAgain(now_));
    now_ += kMost / 2;
    poll_.Found();
    ASSERT_EQ(LookInVain(), kMost);
    poll_.Slept(std::chrono::milliseconds(200));
  }
}

TEST_F(BusyPollTest, TakesPacketsThatItDidNotLookForAsNoProof) {
  poll_.Found();
  EXPECT_EQ(LookInVain(), Duration::zero());
}

TEST_F(BusyPollTest, NeverLooksWithoutATime) {
  poll_ = BusyPoll(Duration::zero());
  EXPECT_FALSE(poll_.enabled());
  poll_.Slept(Duration::zero());
  EXPECT_EQ(LookInVain(), Duration::zero());
}

}  // namespace
}  // namespace postern
