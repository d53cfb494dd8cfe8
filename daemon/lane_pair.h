// SPDX-License-Identifier: Apache-2.0
//
// A LanePair is what goes out and what comes in by one queue of the TUN and one
// port of the wire: two lanes, and one or two threads that carry them.
//
//     one thread    carries both: an answer to what it delivered waits for no
//                   other thread to wake
//     two threads   likewise while there is little to do. When it is busy the
//                   first keeps the outbound lane and lends the inbound one to the
//                   second, which gives it back when it is quiet
//                   (daemon/loan_rules.h)
//
// A lane is carried by one thread at a time (daemon/lane_loan.h), so that its
// packets stay in order whoever has it.
//
// Thread safety: Control-confined, but Prod() and what only reads are
// Thread-safe.

#ifndef POSTERN_DAEMON_LANE_PAIR_H_
#define POSTERN_DAEMON_LANE_PAIR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/stats.h"
#include "daemon/busy_poll.h"
#include "daemon/lane.h"
#include "daemon/lane_loan.h"
#include "daemon/loan_rules.h"
#include "daemon/worker.h"

namespace postern {

class LanePair {
 public:
  struct Lanes {
    std::unique_ptr<Lane> outbound;
    std::unique_ptr<Lane> inbound;
  };

  struct Threads {
    std::size_t number = 2;  // 1 or 2
    BusyPoll busy_poll{Duration(0)};
    LoanRules loans{};
  };

  // Starts the threads: "packets", which carries all or lends, and "inbound",
  // with "-1" for the second pair's, and so on. `on_failure` is called in one of
  // them, once, when an entrance has failed (the device is gone) and the thread
  // ends for that. REQUIRES: no lane is null. Errors: kSystem.
  static Result<std::unique_ptr<LanePair>> Start(
      Lanes lanes, const Threads& threads, std::function<void()> on_failure);

  // Ends the threads; packets that wait at the entrances stay there.
  ~LanePair();
  LanePair(const LanePair&) = delete;
  LanePair& operator=(const LanePair&) = delete;

  // Packets that the outbound lane holds may leave now, or must be dropped,
  // though the SADB has not changed; or it has, and nothing else would wake the
  // thread. Thread-safe.
  void Prod();

  // A packet of the host's own making leaves by the outbound lane. Thread-safe.
  void Emit(std::vector<std::uint8_t> packet);

  // A dummy packet leaves by the outbound lane. Thread-safe.
  void SendDummy(const DummyOrder& order);

  const Lane& lane(Direction way) const {
    return way == Direction::kOutbound ? *lanes_.outbound : *lanes_.inbound;
  }

  // One or two, the lender first.
  const std::vector<std::unique_ptr<Worker>>& workers() const {
    return workers_;
  }

  // How often the inbound lane has been lent. Thread-safe.
  std::uint64_t loans() const { return loan_ ? loan_->loans() : 0; }

  // Whether it is lent at this moment. Thread-safe.
  bool lent() const { return loan_ && loan_->With(LaneLoan::Side::kBorrower); }

 private:
  LanePair(Lanes lanes, std::function<void()> on_failure);

  Status StartWorkers(const Threads& threads);
  Worker::Parts PartsOf(LaneLoan::Side side, const Threads& threads,
                        UniqueFd wake);
  void Fail();

  Worker& lender() { return *workers_.front(); }

  Lanes lanes_;
  std::function<void()> on_failure_;
  std::atomic<bool> failed_{false};
  std::optional<LaneLoan> loan_;  // with two threads
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_LANE_PAIR_H_
