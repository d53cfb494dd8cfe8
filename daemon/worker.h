// SPDX-License-Identifier: Apache-2.0
//
// A worker is one thread that carries packets, run to completion: it takes what
// waits at the entrances of its lanes, a batch of each in turn, through their
// pipelines and out at their exits, and blocks only when nothing waits. Which
// lanes those are is a LanePair's matter (daemon/lane_pair.h): a loan may hand
// one over to another worker and back, between two rounds.
//
// Before it blocks it may look again for a bounded time (daemon/busy_poll.h).
// It wakes, too, when packets that wait for an SA have waited long enough, or
// when it is woken. The thread is a registered RCU reader: quiescent after
// each round, offline while it blocks.
//
// Thread safety: Control-confined, but for Wake() and the counters.

#ifndef POSTERN_DAEMON_WORKER_H_
#define POSTERN_DAEMON_WORKER_H_

#include <poll.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "core/error.h"
#include "core/rcu.h"
#include "core/unique_fd.h"
#include "daemon/busy_poll.h"
#include "daemon/lane.h"
#include "daemon/lane_loan.h"
#include "daemon/loan_rules.h"

namespace postern {

class Worker {
 public:
  // What it refers to outlives the worker.
  struct Parts {
    std::string name;          // as `top` and `ps` show the thread
    Lane* outbound = nullptr;  // null: another worker has it, always
    Lane& inbound;
    LaneLoan* loan = nullptr;  // of the inbound lane; null: there is none
    LaneLoan::Side side = LaneLoan::Side::kLender;
    LoanRules rules{};
    BusyPoll busy_poll{Duration(0)};
    // Called in the thread, once, when an entrance has failed (the device is
    // gone) and the worker ends for that.
    std::function<void()> on_failure;
    UniqueFd wake;  // an eventfd that does not block
  };

  explicit Worker(Parts parts);

  // Stop()
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Starts the thread. REQUIRES: called once. Errors: kSystem.
  Status Start();

  // Ends the thread; packets that wait at the entrances stay there.
  void Stop();

  // There may be something to do besides packets. Thread-safe.
  void Wake() { ::eventfd_write(parts_.wake.get(), 1); }

  const std::string& name() const { return parts_.name; }

  // How many packets it has taken from entrances of that way. Thread-safe.
  std::uint64_t carried(Direction way) const {
    return carried_[static_cast<std::size_t>(way)].load(
        std::memory_order_relaxed);
  }

 private:
  enum class Woken : std::uint8_t { kToWork, kToStop, kByFailure };

  void Run();
  void CarryWhatComes(RcuReader& reader);
  bool LooksAgain();
  RoundCatch CarryOneBatchEach();
  void Count(Direction way, std::size_t packets);
  bool HasInbound() const;
  void LendIfBusy(const RoundCatch& found);
  bool GaveBack();
  std::optional<Instant> NextDeadline() const;
  int Timeout() const;
  Woken Wait();
  bool Failed();
  int Sleep();

  Parts parts_;
  BusyRounds busy_;
  QuietTime quiet_;
  std::array<std::atomic<std::uint64_t>, 2> carried_{};
  std::array<pollfd, 3> waits_;        // outbound, inbound, and to be woken
  std::atomic<bool> stopping_{false};  // ends a drain
  std::thread thread_;                 // last: it uses all of the above
};

}  // namespace postern

#endif  // POSTERN_DAEMON_WORKER_H_
