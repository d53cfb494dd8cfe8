// SPDX-License-Identifier: Apache-2.0
//
// A worker is one thread that carries packets, run to completion: it takes what
// waits at the entrances of its lanes, a batch of each in turn, through their
// pipelines and out at their exits, and blocks only when nothing waits.
//
//     two threads   of a pair of lanes one carries what goes out, the other what
//                   comes in
//     one thread    carries both: an answer to what it delivered waits for no
//                   other thread to wake
//
// Before it blocks it may look again for a bounded time (daemon/busy_poll.h).
// It wakes, too, when packets that wait for an SA have waited long enough, or
// when it is prodded. The thread is a registered RCU reader: quiescent after
// each batch, offline while it blocks.
//
// Thread safety: Control-confined; the lanes' counters may be read by anybody.

#ifndef POSTERN_DAEMON_WORKER_H_
#define POSTERN_DAEMON_WORKER_H_

#include <poll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/rcu.h"
#include "core/unique_fd.h"
#include "daemon/busy_poll.h"
#include "daemon/lane.h"

namespace postern {

class Worker {
 public:
  using Lanes = std::vector<std::unique_ptr<Lane>>;

  // Starts the thread. `on_failure` is called in it, once, when an entrance has
  // failed (the device is gone) and the worker ends for that.
  // REQUIRES: there is a lane. Errors: kSystem.
  static Result<std::unique_ptr<Worker>> Start(
      Lanes lanes, BusyPoll busy_poll, std::function<void()> on_failure);

  // Ends the thread; packets that wait at the entrances stay there.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Packets that it holds may leave now, or must be dropped, though the SADB
  // has not changed; or it has, and nothing else would wake it. Thread-safe.
  void Prod();

  // A packet of the host's own making leaves by the first lane. Thread-safe.
  void Emit(std::vector<std::uint8_t> packet);

  // A dummy packet leaves by the first lane, if that is outbound. Thread-safe.
  void SendDummy(const DummyOrder& order);

  const Lanes& lanes() const { return lanes_; }

  // As `top` and `ps` show its thread: "outbound", "inbound" or "packets", with
  // "-1" for the second pair's, and so on.
  const std::string& name() const { return name_; }

 private:
  enum class Woken : std::uint8_t { kToWork, kToStop, kByFailure };

  Worker(Lanes lanes, BusyPoll busy_poll, std::function<void()> on_failure,
         UniqueFd wake);

  void Run();
  void CarryWhatComes(RcuReader& reader);
  bool LooksAgain();
  std::size_t CarryOneBatchEach();
  std::optional<Instant> NextDeadline() const;
  Woken Wait();
  int Sleep();

  Lanes lanes_;
  BusyPoll busy_poll_;
  const std::string name_;
  std::function<void()> on_failure_;
  UniqueFd wake_;                      // ends a wait
  std::vector<pollfd> waits_;          // the lanes' entrances, and wake_
  std::atomic<bool> stopping_{false};  // ends a drain
  std::thread thread_;                 // last: it uses all of the above
};

using Workers = std::vector<std::unique_ptr<Worker>>;

// A worker for the first `lanes_each` lanes, one for as many behind them, and so
// on. REQUIRES: the number of lanes is a multiple of that. Errors: kSystem.
Result<Workers> StartWorkers(Worker::Lanes lanes, std::size_t lanes_each,
                             BusyPoll busy_poll,
                             const std::function<void()>& on_failure);

}  // namespace postern

#endif  // POSTERN_DAEMON_WORKER_H_
