// SPDX-License-Identifier: Apache-2.0
//
// The receiving side of an inbound SA: its replay window under a lock, and what
// was refused. Packets are asked about one by one or a run at a time, under one
// lock.
//
// Thread safety: Thread-safe. The lock is held for tens of nanoseconds, and
// contended only when the network spreads one SA's packets over several workers.

#ifndef POSTERN_SADB_RECEIVING_H_
#define POSTERN_SADB_RECEIVING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/crypto/auth_proof.h"
#include "core/drop_reason.h"
#include "core/mutex.h"
#include "core/seq/replay_window.h"
#include "sadb/lifetime_meter.h"
#include "sadb/sa_parameters.h"

namespace postern {

// One packet of a run that came by one SA: what Check() and Commit() ask and
// answer. A packet whose outcome is a refusal is passed over by later steps.
struct ReceivedNumber {
  std::uint32_t wire_seq = 0;
  std::size_t octets = 0;                   // of the packet as it came
  std::optional<ReplayTicket> ticket = {};  // from Check(), spent by Commit()
  const AuthProof* proof = nullptr;         // REQUIRES, for Commit(): not null
  Passage outcome = Pass();
};

class Receiving {
 public:
  // `highest` is the highest number that was accepted; it and everything below
  // counts as seen.
  Receiving(const SaParameters& parameters, std::uint64_t highest);

  // Errors: those of ReplayWindow::Check(), each counted as a replay.
  void Check(std::span<ReceivedNumber> numbers);

  // Returns how much was accepted.
  // Errors: those of ReplayWindow::Commit(), each counted as a replay.
  SaUsage Commit(std::span<ReceivedNumber> numbers);

  // The highest number accepted.
  std::uint64_t highest() const;

  std::uint64_t replays() const {
    return replays_.load(std::memory_order_relaxed);
  }

  std::uint64_t bad_icvs() const {
    return bad_icvs_.load(std::memory_order_relaxed);
  }

  void CountBadIcv() { bad_icvs_.fetch_add(1, std::memory_order_relaxed); }

 private:
  mutable Mutex mutex_;
  ReplayWindow window_ POSTERN_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> replays_{0};
  std::atomic<std::uint64_t> bad_icvs_{0};
};

}  // namespace postern

#endif  // POSTERN_SADB_RECEIVING_H_
