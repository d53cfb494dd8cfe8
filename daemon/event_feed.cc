// SPDX-License-Identifier: Apache-2.0

#include "daemon/event_feed.h"

#include <algorithm>
#include <utility>

#include "control/admin_protocol.h"
#include "daemon/json_text.h"

namespace postern {
namespace {

std::string LostText(std::uint64_t count) {
  return ToJson(MakeEvent("lost", {{"count", Value::Count(count), {}}}));
}

// What no message can carry is lost to everybody.
std::shared_ptr<const std::string> TextOf(const Value& event) {
  std::string text = ToJson(event);
  if (text.size() > kAdminMaxText) {
    text = LostText(1);
  }
  return std::make_shared<const std::string>(std::move(text));
}

}  // namespace

Value MakeEvent(std::string_view name, Object members) {
  members.insert(members.begin(), {"event", name, {}});
  return MakeObject(std::move(members));
}

EventFeed::Subscription::Subscription(EventFeed& feed, std::size_t most)
    : feed_(feed), most_(most) {
  feed_.subscriptions_.push_back(this);
}

EventFeed::Subscription::~Subscription() {
  std::erase(feed_.subscriptions_, this);
}

void EventFeed::Subscription::Put(const Text& text) {
  if (waiting_.size() >= most_) {
    waiting_.pop_front();
    ++lost_;
  }
  waiting_.push_back(text);
  if (waiting_.size() == 1 && on_news_) {
    on_news_();
  }
}

std::optional<std::string> EventFeed::Subscription::Next() {
  if (lost_ != 0) {
    return LostText(std::exchange(lost_, 0));
  }
  if (waiting_.empty()) {
    return std::nullopt;
  }
  const Text text = std::move(waiting_.front());
  waiting_.pop_front();
  return *text;
}

void EventFeed::Publish(const Value& event) {
  if (subscriptions_.empty()) {
    return;
  }
  const auto text = TextOf(event);
  for (Subscription* subscription : subscriptions_) {
    subscription->Put(text);
  }
}

std::unique_ptr<EventFeed::Subscription> EventFeed::Subscribe(
    const std::vector<Value>& first) {
  auto subscription = std::make_unique<Subscription>(
      *this, std::max(most_waiting_, first.size() + 1));
  const auto put = [&subscription](const Value& event) {
    subscription->Put(TextOf(event));
  };
  put(MakeEvent("ready", {}));
  std::for_each(first.begin(), first.end(), put);
  return subscription;
}

}  // namespace postern
