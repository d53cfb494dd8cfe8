// SPDX-License-Identifier: Apache-2.0

#include "daemon/event_feed.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/admin_protocol.h"

namespace postern {
namespace {

using Texts = std::vector<std::string>;

Value Numbered(std::int64_t number) {
  return MakeEvent("n", {{"number", Value::Whole(number), {}}});
}

Texts Drain(EventFeed::Subscription& subscription) {
  Texts texts;
  while (auto text = subscription.Next()) {
    texts.push_back(*text);
  }
  return texts;
}

TEST(EventFeed, BeginsWithReadyAndWhatWasThere) {
  EventFeed feed;
  feed.Publish(Numbered(1));  // before: nobody hears it
  const auto early = feed.Subscribe({});
  const auto late = feed.Subscribe({Numbered(2), Numbered(3)});
  feed.Publish(Numbered(4));
  EXPECT_EQ(Drain(*early),
            (Texts{R"({"event":"ready"})", R"({"event":"n","number":4})"}));
  EXPECT_EQ(
      Drain(*late),
      (Texts{R"({"event":"ready"})", R"({"event":"n","number":2})",
             R"({"event":"n","number":3})", R"({"event":"n","number":4})"}));
}

TEST(EventFeed, LosesTheOldestAndTellsHowMany) {
  EventFeed feed(3);
  const auto slow = feed.Subscribe({});
  const auto quick = feed.Subscribe({});
  for (int i = 1; i <= 5; ++i) {
    feed.Publish(Numbered(i));
    EXPECT_EQ(Drain(*quick).back(),
              R"({"event":"n","number":)" + std::to_string(i) + "}");
  }
  EXPECT_EQ(
      Drain(*slow),
      (Texts{R"({"event":"lost","count":3})", R"({"event":"n","number":3})",
             R"({"event":"n","number":4})", R"({"event":"n","number":5})"}));
  feed.Publish(Numbered(6));
  EXPECT_EQ(Drain(*slow), (Texts{R"({"event":"n","number":6})"}));
}

// Whatever was there at the start is told, however much it is.
TEST(EventFeed, LosesNothingOfWhatItBeginsWith) {
  EventFeed feed(2);
  const auto subscription =
      feed.Subscribe({Numbered(1), Numbered(2), Numbered(3), Numbered(4)});
  EXPECT_EQ(Drain(*subscription).size(), 5u);
}

TEST(EventFeed, CallsOncePerQueueThatWasEmpty) {
  EventFeed feed;
  const auto subscription = feed.Subscribe({});
  int calls = 0;
  subscription->OnNews([&calls] { ++calls; });
  feed.Publish(Numbered(1));
  EXPECT_EQ(calls, 0);  // "ready" waits
  Drain(*subscription);
  feed.Publish(Numbered(2));
  feed.Publish(Numbered(3));
  EXPECT_EQ(calls, 1);
}

TEST(EventFeed, LosesWhatNoMessageCanCarry) {
  EventFeed feed;
  const auto subscription = feed.Subscribe({});
  const auto publish = [&feed](std::size_t size) {
    feed.Publish(MakeEvent("n", {{"text", std::string(size, 'x'), {}}}));
  };
  feed.Publish(Numbered(1));
  publish(kAdminMaxText);
  publish(kAdminMaxText / 2);
  const Texts texts = Drain(*subscription);
  ASSERT_EQ(texts.size(), 4u);
  EXPECT_EQ(texts[2], R"({"event":"lost","count":1})");
  EXPECT_GT(texts[3].size(), kAdminMaxText / 2);
}

TEST(EventFeed, ForgetsThoseWhoLeave) {
  EventFeed feed;
  auto subscription = feed.Subscribe({});
  EXPECT_EQ(feed.subscribers(), 1u);
  subscription.reset();
  EXPECT_EQ(feed.subscribers(), 0u);
  feed.Publish(Numbered(1));
}

}  // namespace
}  // namespace postern
