// SPDX-License-Identifier: Apache-2.0

#include "core/log/log.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/drop_reason.h"

namespace postern {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Catches lines while it lives.
class LogTest : public testing::Test {
 protected:
  LogTest() {
    SetLogSink([this](LogLevel level, std::string_view line) {
      lines_.emplace_back(level, std::string(line));
    });
  }

  ~LogTest() override {
    SetLogSink({});
    SetLogLevel(LogLevel::kInfo);
  }

  std::vector<std::pair<LogLevel, std::string>> lines_;
};

TEST_F(LogTest, WritesTheEventAndItsFieldsInOrder) {
  Log(LogLevel::kWarning, "sa_expired",
      {{"spi", "0x00001011"}, {"packets", std::uint64_t{7}}, {"left", -1}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0].first, LogLevel::kWarning);
  EXPECT_EQ(lines_[0].second, "sa_expired spi=0x00001011 packets=7 left=-1");
}

TEST_F(LogTest, QuotesAndEscapesWhatCouldForgeALine) {
  Log(LogLevel::kError, "odd",
      {{"empty", ""},
       {"two", "a b"},
       {"quote", "a\"b\\"},
       {"newline", "a\nroot_logged_in user=evil"},
       {"escape", "\x1b[2J\xff"}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0].second,
            "odd empty=\"\" two=\"a b\" quote=\"a\\\"b\\\\\" "
            "newline=\"a\\x0aroot_logged_in user=evil\" "
            "escape=\"\\x1b[2J\\xff\"");
}

TEST_F(LogTest, LeavesOutWhatIsBelowTheLevel) {
  Log(LogLevel::kDebug, "quiet");
  EXPECT_TRUE(lines_.empty());
  SetLogLevel(LogLevel::kDebug);
  Log(LogLevel::kDebug, "heard");
  EXPECT_EQ(lines_.size(), 1U);
  SetLogLevel(LogLevel::kOff);
  Log(LogLevel::kError, "unheard");
  Log(LogLevel::kOff, "unheard");
  EXPECT_EQ(lines_.size(), 1U);
}

TEST_F(LogTest, GoesToStandardErrorWithoutASink) {
  SetLogSink({});
  testing::internal::CaptureStderr();
  Log(LogLevel::kInfo, "started", {{"version", "1 {}"}});
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_NE(written.find(" info started version=\"1 {}\"\n"), std::string::npos)
      << written;
}

TEST(LogLevel, ReadsItsOwnNames) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError,
        LogLevel::kOff}) {
    EXPECT_EQ(ParseLogLevel(NameOf(level)).value(), level);
  }
}

TEST(LogLevel, RefusesOtherNames) {
  for (const std::string_view name : {"", "Info", "verbose", "warn"}) {
    const auto level = ParseLogLevel(name);
    ASSERT_FALSE(level.ok()) << name;
    EXPECT_EQ(level.error().code, ErrorCode::kInvalid);
    EXPECT_NE(level.error().message.find("warning"), std::string::npos);
  }
}

TEST(LogLimiter, AdmitsABurstAndThenOneEachRefill) {
  LogLimiter limiter(1, {.burst = 3, .refill = seconds(1)});
  const Instant start = Instant(seconds(1000));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(limiter.Admit(0, start), 0U) << i;
  }
  EXPECT_EQ(limiter.Admit(0, start), std::nullopt);
  EXPECT_EQ(limiter.Admit(0, start + milliseconds(999)), std::nullopt);
  EXPECT_EQ(limiter.Admit(0, start + seconds(1)), 2U);
  EXPECT_EQ(limiter.Admit(0, start + seconds(1)), std::nullopt);
}

TEST(LogLimiter, SavesNoMoreThanABurst) {
  LogLimiter limiter(1, {.burst = 2, .refill = seconds(1)});
  const Instant later = Instant(std::chrono::hours(24 * 365 * 100));
  EXPECT_TRUE(limiter.Admit(0, later).has_value());
  EXPECT_TRUE(limiter.Admit(0, later).has_value());
  EXPECT_FALSE(limiter.Admit(0, later).has_value());
}

TEST(LogLimiter, KeepsKindsApart) {
  LogLimiter limiter(2, {.burst = 1, .refill = seconds(1)});
  const Instant now = Instant(seconds(1));
  EXPECT_TRUE(limiter.Admit(0, now).has_value());
  EXPECT_FALSE(limiter.Admit(0, now).has_value());
  EXPECT_TRUE(limiter.Admit(1, now).has_value());
}

// DEF-38: a million forged packets within ten seconds.
TEST_F(LogTest, AMillionForgedPacketsDoNotFillTheDisk) {
  LogLimiter limiter(kDropReasonCount, {.burst = 5, .refill = seconds(1)});
  const auto kind = static_cast<std::size_t>(DropReason::kBadIcv);
  Instant now = Instant(seconds(1000));
  for (int i = 0; i < 1'000'000; ++i) {
    LogLimited(limiter, {kind, now}, LogLevel::kWarning, "drop",
               {{"reason", NameOf(DropReason::kBadIcv)}});
    now += std::chrono::microseconds(10);
  }
  EXPECT_GE(lines_.size(), 5U);
  EXPECT_LE(lines_.size(), 15U);
  EXPECT_EQ(lines_[0].second, "drop reason=bad_icv");
  EXPECT_NE(lines_.back().second.find(" suppressed=99999"), std::string::npos)
      << lines_.back().second;
}

}  // namespace
}  // namespace postern
