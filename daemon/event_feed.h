// SPDX-License-Identifier: Apache-2.0
//
// An EventFeed tells subscribers what happens in the host (docs/monitor.md has
// every event): JSON texts, each one event.
//
//     feed.Publish(MakeEvent("sa_added", {{"spi", ...}}));
//
//     auto subscription = feed.Subscribe({});
//     subscription->OnNews([&] { ... later: while (auto text = s->Next()) ... });
//
// Nobody waits for a subscriber. Each has a queue; one who does not take what
// is in it loses the oldest events, and is told how many in their place:
// {"event":"lost","count":n}. The same stands for an event that is too long for
// a message (kAdminMaxText).
//
// Thread safety: Control-confined.
// Cost: an event is made into text once, however many subscribers there are;
// without any, not at all.

#ifndef POSTERN_DAEMON_EVENT_FEED_H_
#define POSTERN_DAEMON_EVENT_FEED_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings/value.h"

namespace postern {

// {"event":"<name>", and the members}.
Value MakeEvent(std::string_view name, Object members);

class EventFeed {
 public:
  // Events that wait for a subscriber.
  static constexpr std::size_t kWaiting = 4096;

  // A subscriber's view; ends with the object. The feed outlives it.
  class Subscription {
   public:
    Subscription(EventFeed& feed, std::size_t most);
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

    // The oldest event that was not taken yet; nothing when there is none.
    std::optional<std::string> Next();

    // Called when there is something to take and was nothing before. It must
    // neither take it nor end a subscription: do that later.
    void OnNews(std::function<void()> call) { on_news_ = std::move(call); }

   private:
    friend class EventFeed;
    using Text = std::shared_ptr<const std::string>;

    void Put(const Text& text);

    EventFeed& feed_;
    const std::size_t most_;
    std::deque<Text> waiting_;
    std::uint64_t lost_ = 0;  // older than what waits
    std::function<void()> on_news_;
  };

  explicit EventFeed(std::size_t most_waiting = kWaiting)
      : most_waiting_(most_waiting) {}

  EventFeed(const EventFeed&) = delete;
  EventFeed& operator=(const EventFeed&) = delete;

  void Publish(const Value& event);

  // What it gets first: {"event":"ready"}, `first`, and then everything that is
  // published from now on.
  std::unique_ptr<Subscription> Subscribe(const std::vector<Value>& first);

  std::size_t subscribers() const { return subscriptions_.size(); }

 private:
  const std::size_t most_waiting_;
  std::vector<Subscription*> subscriptions_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_EVENT_FEED_H_
