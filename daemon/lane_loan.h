// SPDX-License-Identifier: Apache-2.0
//
// Which of a pair's two threads carries the inbound lane. It is the lender's at
// first; whoever has it hands it over between two batches, and so wakes the other:
//
//     lender                                    borrower
//       batch of the lane                         sleeps until it is woken
//       HandOver() ── release ──▶ acquire ──▶   With(kBorrower)
//       batches of the other lane                 batches of the lane
//       With(kLender) ◀── acquire ◀── release ── HandOver()
//
// What the one did to the lane so comes before what the other does.
//
// Thread safety: Thread-safe, but HandOver() is for the side that has the lane,
// and CountBusy() for the lender. Cost of With(): one load.

#ifndef POSTERN_DAEMON_LANE_LOAN_H_
#define POSTERN_DAEMON_LANE_LOAN_H_

#include <sys/eventfd.h>

#include <atomic>
#include <cstdint>

namespace postern {

class LaneLoan {
 public:
  enum class Side : std::uint8_t { kLender, kBorrower };

  // The eventfds that wake the two; they are kept open as long as this lives.
  LaneLoan(int lender, int borrower) : lender_(lender), borrower_(borrower) {}

  LaneLoan(const LaneLoan&) = delete;
  LaneLoan& operator=(const LaneLoan&) = delete;

  // True stays true until this side hands the lane over.
  bool With(Side side) const {
    return holder_.load(std::memory_order_acquire) == side;
  }

  // REQUIRES: With() is true of the caller, and no batch is under way.
  void HandOver() {
    const bool lends = With(Side::kLender);
    if (lends) {
      loans_.store(loans() + 1, std::memory_order_relaxed);
    }
    holder_.store(lends ? Side::kBorrower : Side::kLender,
                  std::memory_order_release);
    ::eventfd_write(lends ? borrower_ : lender_, 1);
  }

  // The lender has much to do with the other lane: it would not want this back.
  void CountBusy() {
    times_busy_.store(times_busy() + 1, std::memory_order_relaxed);
  }

  std::uint32_t times_busy() const {
    return times_busy_.load(std::memory_order_relaxed);
  }

  // How often the lane has been lent.
  std::uint64_t loans() const { return loans_.load(std::memory_order_relaxed); }

 private:
  const int lender_;
  const int borrower_;
  std::atomic<Side> holder_{Side::kLender};
  std::atomic<std::uint32_t> times_busy_{0};
  std::atomic<std::uint64_t> loans_{0};
};

}  // namespace postern

#endif  // POSTERN_DAEMON_LANE_LOAN_H_
