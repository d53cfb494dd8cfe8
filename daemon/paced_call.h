// SPDX-License-Identifier: Apache-2.0
//
// A PacedCall makes a call that is dear once for many reasons:
//
//     PacedCall prod(loop, std::chrono::milliseconds(10), [&] { ... });
//     prod.Ask();      at once, if the last call was long enough ago
//     prod.Ask();      otherwise at the end of the pause, once for all
//
// A call always follows the last Ask().
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_PACED_CALL_H_
#define POSTERN_DAEMON_PACED_CALL_H_

#include <functional>
#include <optional>
#include <utility>

#include "core/clock.h"
#include "daemon/event_loop.h"

namespace postern {

class PacedCall {
 public:
  // `call` must not ask again.
  PacedCall(EventLoop& loop, Duration pause, std::function<void()> call)
      : loop_(loop), pause_(pause), call_(std::move(call)) {}

  PacedCall(const PacedCall&) = delete;
  PacedCall& operator=(const PacedCall&) = delete;

  void Ask() {
    if (pausing_) {
      is_asked_ = true;
      return;
    }
    call_();
    pausing_.emplace(loop_, pause_, [this] { EndPause(); });
  }

 private:
  void EndPause() {
    if (!std::exchange(is_asked_, false)) {
      pausing_.reset();
      return;
    }
    call_();  // and the next pause begins
  }

  EventLoop& loop_;
  const Duration pause_;
  const std::function<void()> call_;
  std::optional<TimerWatch> pausing_;
  bool is_asked_ = false;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_PACED_CALL_H_
