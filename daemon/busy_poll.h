// SPDX-License-Identifier: Apache-2.0
//
// Whether a worker that found no packet should look again rather than sleep: a
// thread that sleeps is woken too late for an answer that was on its way. It
// pays as long as packets do come within the time, so that is what is watched:
//
//     found      packets came while looking     credit becomes full
//     in vain    they did not                   one credit less
//     slept      but not for long: looking      credit becomes full
//                would have found them
//
// Without credit the worker sleeps at once, as it always does when the time is
// zero. A host without traffic so spends no more than kCredit times the time.
//
// Thread safety: Worker-confined. Cost: with a time, a reading of the clock each
// look and each sleep.

#ifndef POSTERN_DAEMON_BUSY_POLL_H_
#define POSTERN_DAEMON_BUSY_POLL_H_

#include <optional>

#include "core/clock.h"

namespace postern {

class BusyPoll {
 public:
  static constexpr int kCredit = 4;

  // Looks for `most` at a time; zero: never.
  explicit BusyPoll(Duration most) : most_(most) {}

  bool enabled() const { return most_ > Duration::zero(); }

  // Nothing was there at `now`: whether to look again before sleeping.
  bool LookAgain(Instant now) {
    if (!until_) {
      if (credit_ == 0) {
        return false;
      }
      until_ = now + most_;
    }
    if (now < *until_) {
      return true;
    }
    until_.reset();
    --credit_;
    return false;
  }

  // Packets were there.
  void Found() {
    if (until_) {
      until_.reset();
      credit_ = kCredit;
    }
  }

  // The worker slept for as long, and then something was there.
  void Slept(Duration time) {
    if (enabled() && time <= most_) {
      credit_ = kCredit;
    }
  }

 private:
  Duration most_;
  int credit_ = 0;
  std::optional<Instant> until_;  // while looking
};

}  // namespace postern

#endif  // POSTERN_DAEMON_BUSY_POLL_H_
