// SPDX-License-Identifier: Apache-2.0

#include "daemon/loan_rules.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using Load = BusyRounds::Load;

constexpr LoanRules kRules{
    .rounds = 4, .packets = 100, .quiet = milliseconds(10)};
constexpr RoundCatch kQuestion{.outbound = 1};
constexpr RoundCatch kAnswer{.inbound = 1};
constexpr RoundCatch kOut{.outbound = 40};
constexpr RoundCatch kIn{.inbound = 40};
constexpr RoundCatch kBoth{.outbound = 39, .inbound = 1};
constexpr RoundCatch kNothing{};

TEST(BusyRounds, TakeAQuestionAndItsAnswerForLittle) {
  BusyRounds busy{LoanRules{}};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(busy.Round(kQuestion), Load::kLittle);
    EXPECT_EQ(busy.Round(kAnswer), Load::kLittle);
    EXPECT_EQ(busy.Round(kNothing), Load::kLittle);
  }
}

// Who answers has the same core, and has answered when we look again.
TEST(BusyRounds, TakeAConversationWithoutAPauseForLittle) {
  BusyRounds busy{LoanRules{}};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(busy.Round(kQuestion), Load::kLittle);
    EXPECT_EQ(busy.Round(kAnswer), Load::kLittle);
    EXPECT_EQ(busy.Round({.outbound = 1, .inbound = 1}), Load::kLittle);
  }
}

// An answer of a hundred kilobytes, again and again.
TEST(BusyRounds, TakeFullBatchesForLittleThatEnd) {
  BusyRounds busy{LoanRules{}};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(busy.Round({.outbound = 64, .inbound = 1}), Load::kLittle);
    EXPECT_EQ(busy.Round({.outbound = 64, .inbound = 1}), Load::kLittle);
    EXPECT_EQ(busy.Round(kNothing), Load::kLittle);
  }
}

TEST(BusyRounds, SaySoEachTimeThatTheyBroughtAsManyPackets) {
  BusyRounds busy(kRules);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(busy.Round(kBoth), Load::kLittle);
    EXPECT_EQ(busy.Round(kBoth), Load::kLittle);
    EXPECT_EQ(busy.Round(kBoth), Load::kBothWays);
  }
}

TEST(BusyRounds, BeginAnewWhenTheyWereTooManyForThat) {
  BusyRounds busy(kRules);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(busy.Round(kBoth), Load::kLittle);
    EXPECT_EQ(busy.Round(kBoth), Load::kLittle);
    EXPECT_EQ(busy.Round(kQuestion), Load::kLittle);
    EXPECT_EQ(busy.Round(kAnswer), Load::kLittle);
  }
  busy.Round(kBoth);
  busy.Round(kBoth);
  busy.Round(kAnswer);
  EXPECT_EQ(busy.Round({.outbound = 19}), Load::kBothWays);
}

TEST(BusyRounds, BeginAnewAfterOneInVain) {
  BusyRounds busy(kRules);
  busy.Round(kBoth);
  busy.Round(kBoth);
  busy.Round(kNothing);
  EXPECT_EQ(busy.Round(kOut), Load::kLittle);
  EXPECT_EQ(busy.Round(kOut), Load::kLittle);
  // What came in was before.
  EXPECT_EQ(busy.Round(kOut), Load::kOneWay);
}

TEST(BusyRounds, TellWhatGoesOneWay) {
  BusyRounds busy(kRules);
  for (const RoundCatch& way : {kOut, kIn}) {
    busy.Round(way);
    busy.Round(way);
    EXPECT_EQ(busy.Round(way), Load::kOneWay);
    busy.Round(kNothing);
  }
}

// One acknowledgement for hundreds of packets is enough.
TEST(BusyRounds, RememberTheOtherWayUntilThereIsNothing) {
  BusyRounds busy(kRules);
  busy.Round(kAnswer);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(busy.Round(kOut), Load::kLittle);
    EXPECT_EQ(busy.Round(kOut), Load::kLittle);
    EXPECT_EQ(busy.Round(kOut), Load::kBothWays);
  }
}

class QuietTimeTest : public ::testing::Test {
 protected:
  // Nothing for as long; returns whether it is over.
  bool Pass(Duration time) {
    now_ += time;
    return quiet_.Over(now_, times_busy_);
  }

  Instant now_{};
  std::uint32_t times_busy_ = 7;  // of an earlier loan
  QuietTime quiet_{kRules};
};

TEST_F(QuietTimeTest, IsOverWhenNeitherThreadWasBusyForAsLong) {
  EXPECT_FALSE(Pass(milliseconds(0)));
  EXPECT_FALSE(Pass(kRules.quiet - microseconds(1)));
  EXPECT_TRUE(Pass(microseconds(1)));
}

// Packets now and then, however many in all, are no reason to keep the lane.
TEST_F(QuietTimeTest, IsOverThoughPacketsCome) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(Pass(milliseconds(1)));
  }
  EXPECT_TRUE(Pass(milliseconds(1)));
}

TEST_F(QuietTimeTest, BeginsAnewWhenThisThreadWasBusy) {
  EXPECT_FALSE(Pass(milliseconds(0)));
  EXPECT_FALSE(Pass(milliseconds(9)));
  quiet_.Busy();
  EXPECT_FALSE(Pass(milliseconds(9)));
  EXPECT_FALSE(Pass(milliseconds(9)));
  EXPECT_TRUE(Pass(milliseconds(1)));
}

TEST_F(QuietTimeTest, BeginsAnewWhenTheOtherThreadWasBusy) {
  EXPECT_FALSE(Pass(milliseconds(0)));
  for (int i = 0; i < 100; ++i) {
    ++times_busy_;
    EXPECT_FALSE(Pass(milliseconds(11)));
  }
  EXPECT_TRUE(Pass(milliseconds(10)));
}

TEST_F(QuietTimeTest, OfTheNextLoanHasNothingOfTheOneBefore) {
  EXPECT_FALSE(Pass(milliseconds(0)));
  EXPECT_TRUE(Pass(kRules.quiet));
  EXPECT_FALSE(Pass(std::chrono::hours(1)));
  EXPECT_TRUE(Pass(kRules.quiet));
}

}  // namespace
}  // namespace postern
