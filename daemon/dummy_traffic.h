// SPDX-License-Identifier: Apache-2.0
//
// Dummy traffic (RFC 4303 2.6): of each SA that wishes them, a dummy packet leaves
// now and then, whatever else does, so that who counts packets learns little.
//
// Between two of one SA lies half of the wished interval to one and a half, by
// chance: a beat would tell which they are. What is late is not made up for, and
// at most kMostAtOnce leave at a time, those that wait longest first.
//
// Thread safety: Control-confined.
// Cost: nothing without such SAs; else a look every kBeat, and O(log SAs) for
// each that is due.

#ifndef POSTERN_DAEMON_DUMMY_TRAFFIC_H_
#define POSTERN_DAEMON_DUMMY_TRAFFIC_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "core/clock.h"
#include "daemon/event_loop.h"
#include "pipeline/dummy_maker.h"
#include "sadb/sadb.h"

namespace postern {

class DummyTraffic {
 public:
  static constexpr Duration kBeat = std::chrono::milliseconds(10);
  static constexpr std::size_t kMostAtOnce = 64;
  static constexpr std::size_t kFewGone = 1024;

  using Send = std::function<void(const DummyOrder&)>;

  DummyTraffic(EventLoop& loop, Sadb& sadb, Send send)
      : loop_(loop), sadb_(sadb), send_(std::move(send)) {}

  // An SA was added. It is looked at until it is gone.
  void Take(const SaParameters& parameters, Instant now = MonotonicNow());

  // Sends what is due. The loop calls it while there are such SAs.
  void Tick(Instant now);

  // How many SAs are looked at, of those that are gone no more than of others and
  // kFewGone.
  std::size_t size() const { return due_.size(); }

 private:
  // Of one SA.
  struct Sender {
    SaIdentity identity;
    std::uint64_t generation_id = 0;
  };

  void Plan(const Sender& sender, const DummyWish& wish, Instant now);
  void ForgetGone();
  const SecurityAssociation* Find(const Sender& sender) const;

  EventLoop& loop_;
  Sadb& sadb_;
  Send send_;
  std::multimap<Instant, Sender> due_;
  std::size_t forget_at_ = kFewGone;
  std::optional<TimerWatch> clock_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_DUMMY_TRAFFIC_H_
