// SPDX-License-Identifier: Apache-2.0
//
// The sending side of an outbound SA: its sequence counter, and the numbers at
// which something is due.
//
//     1 ... last | ... asks_at ... reserved | ... soft_at ... limit
//                      more must be           the SA is dying
//                      written to disk
//
// Thread safety: Thread-safe; Reserve() in one thread at a time.
// Cost: one atomic compare-and-swap for any number of packets.

#ifndef POSTERN_SADB_SENDING_H_
#define POSTERN_SADB_SENDING_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "core/drop_reason.h"
#include "core/ipsec.h"
#include "core/seq/sequence_counter.h"

namespace postern {

class Sending {
 public:
  // As SequenceCounter.
  Sending(SequenceNumbers numbers, std::uint64_t last_used,
          std::uint64_t reserved);

  // Errors: those of SequenceCounter::Next().
  Opinion<std::uint64_t> Next() { return counter_.Next(); }

  // The first of `count` numbers in a row; nothing when something is due
  // within them.
  std::optional<std::uint64_t> NextRun(std::uint64_t count);

  // Whether there are so many now.
  bool HasRun(std::uint64_t count) const;

  // Fifteen sixteenths of the numbers are used.
  bool NearsEnd(std::uint64_t number) const { return number >= soft_at_; }

  // Half of the reserve is used, and nobody has asked for more.
  bool WantsReserve(std::uint64_t number) const {
    return number >= asks_at_.load(std::memory_order_relaxed);
  }

  // True for the first who takes it upon himself to ask, until Reserve().
  bool ClaimAsking();

  // The highest number that may be used now. A lower value than before changes
  // nothing, but lets somebody ask again.
  void Reserve(std::uint64_t reserved);

  std::uint64_t reserved() const { return counter_.reserved(); }

  std::uint64_t last() const { return counter_.last(); }

 private:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  std::uint64_t AskAt() const;

  SequenceCounter counter_;
  const std::uint64_t soft_at_;
  std::atomic<std::uint64_t> asks_at_;
};

}  // namespace postern

#endif  // POSTERN_SADB_SENDING_H_
