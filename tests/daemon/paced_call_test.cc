// SPDX-License-Identifier: Apache-2.0

#include "daemon/paced_call.h"

#include <gtest/gtest.h>

#include <vector>

namespace postern {
namespace {

constexpr Duration kPause = std::chrono::milliseconds(10);

class PacedCallTest : public ::testing::Test {
 protected:
  // Runs the loop until so many calls were made.
  void RunUntil(std::size_t calls) {
    wanted_ = calls;
    loop_.Run();
  }

  EventLoop loop_;
  std::size_t wanted_ = 0;
  std::vector<Instant> calls_;
  PacedCall paced_{loop_, kPause, [this] {
                     calls_.push_back(MonotonicNow());
                     if (calls_.size() == wanted_) {
                       loop_.Stop();
                     }
                   }};
};

TEST_F(PacedCallTest, TheFirstCallIsMadeAtOnce) {
  paced_.Ask();
  EXPECT_EQ(calls_.size(), 1u);
}

TEST_F(PacedCallTest, ManyAreOneCallAfterThePause) {
  for (int i = 0; i < 1000; ++i) {
    paced_.Ask();
  }
  EXPECT_EQ(calls_.size(), 1u);
  RunUntil(2);
  EXPECT_GE(calls_[1] - calls_[0], kPause);
}

TEST_F(PacedCallTest, ACallFollowsTheLastAskHoweverManyThereWere) {
  const TimerWatch asker(loop_, kPause / 10, [this] {
    if (calls_.size() < 5) {
      paced_.Ask();
    }
  });
  RunUntil(5);
  for (std::size_t i = 1; i < calls_.size(); ++i) {
    EXPECT_GE(calls_[i] - calls_[i - 1], kPause);
  }
}

TEST_F(PacedCallTest, IsQuietWhenNobodyAsks) {
  paced_.Ask();
  const TimerWatch end(loop_, 5 * kPause, [this] { loop_.Stop(); });
  loop_.Run();
  EXPECT_EQ(calls_.size(), 1u);
}

}  // namespace
}  // namespace postern
