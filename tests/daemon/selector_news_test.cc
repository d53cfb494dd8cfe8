// SPDX-License-Identifier: Apache-2.0

#include "daemon/selector_news.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SelectorNewsTest : public ::testing::Test {
 protected:
  static AuditEvent Mismatch(std::uint32_t spi = 0x1001) {
    AuditEvent event;
    event.reason = DropReason::kSelectorMismatch;
    event.association = GcmSa(spi).identity();
    event.judged =
        Traffic({Address("10.9.0.2"), Address("10.9.0.1"), 80, 4711, 6}, {});
    return event;
  }

  std::vector<std::string> Told() {
    std::vector<std::string> told;
    while (auto text = subscription_->Next()) {
      told.push_back(*text);
    }
    return told;
  }

  EventFeed feed_;
  std::unique_ptr<EventFeed::Subscription> subscription_ = feed_.Subscribe({});
  Instant now_ = kStart;
};

// IN-07
TEST_F(SelectorNewsTest, TellsTheSaAndThePacket) {
  SelectorNews news(feed_, 10);
  Told();
  news.Take(Mismatch(), now_);
  EXPECT_THAT(
      Told(),
      ElementsAre(
          R"({"event":"selector_mismatch","protocol":"esp","spi":"0x00001001",)"
          R"("destination":"10.9.0.2","flow":{"protocol":6,)"
          R"("source":"10.9.0.1","source_port":4711,)"
          R"("destination":"10.9.0.2","destination_port":80},"untold":0})"));
}

// IN-07
TEST_F(SelectorNewsTest, TellsOfEachSaOnceASecond) {
  SelectorNews news(feed_, 10);
  Told();
  for (int i = 0; i < 5; ++i) {
    news.Take(Mismatch(0x1001), now_);
  }
  news.Take(Mismatch(0x1002), now_);
  EXPECT_THAT(Told(),
              ElementsAre(HasSubstr("0x00001001"), HasSubstr(R"("untold":4)")));
  now_ += std::chrono::milliseconds(999);
  news.Take(Mismatch(0x1001), now_);
  EXPECT_THAT(Told(), IsEmpty());
  now_ += std::chrono::milliseconds(1);
  news.Take(Mismatch(0x1001), now_);
  EXPECT_THAT(Told(), ElementsAre(HasSubstr(R"("untold":1)")));
}

// IN-07
TEST_F(SelectorNewsTest, TellsNoMoreThanItMay) {
  SelectorNews news(feed_, 3);
  SelectorNews silent(feed_, 0);
  Told();
  for (std::uint32_t spi = 0x1001; spi < 0x1011; ++spi) {
    news.Take(Mismatch(spi), now_);
    silent.Take(Mismatch(spi), now_);
  }
  EXPECT_THAT(Told(), SizeIs(3));
}

TEST_F(SelectorNewsTest, LeavesWhatIsNoMismatch) {
  SelectorNews news(feed_, 10);
  Told();
  AuditEvent event = Mismatch();
  event.reason = DropReason::kBadIcv;
  news.Take(event, now_);
  event = Mismatch();
  event.direction = Direction::kOutbound;
  news.Take(event, now_);
  event = Mismatch();
  event.association.reset();
  news.Take(event, now_);
  EXPECT_THAT(Told(), IsEmpty());
}

}  // namespace
}  // namespace postern
