// SPDX-License-Identifier: Apache-2.0
//
// A SequenceCounter gives each packet of one outbound SA its number: from 1,
// rising by one, never twice, never past the end (RFC 4303 3.3.3).
//
// Numbers are used only below a reserved bound. For an SA whose state survives
// restarts, the bound is what was written to disk ahead of use, so that a
// killed daemon never sends a number, and with it a counter-mode IV, twice
// (state/sequence_store.h). Other SAs reserve everything at once.
//
//     1 ... next | ... reserved until | ... limit
//                ^ sent next          ^ needs a write first
//
// Thread safety: Thread-safe; Next() and NextRun() are one atomic
// compare-and-swap.

#ifndef POSTERN_CORE_SEQ_SEQUENCE_COUNTER_H_
#define POSTERN_CORE_SEQ_SEQUENCE_COUNTER_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "core/drop_reason.h"
#include "core/ipsec.h"

namespace postern {

class SequenceCounter {
 public:
  // Numbers after `last_used`; `reserved` is the highest that may be used now.
  SequenceCounter(SequenceNumbers numbers, std::uint64_t last_used,
                  std::uint64_t reserved);

  // The largest number of this kind: 2^32-1 or 2^64-1.
  static std::uint64_t Limit(SequenceNumbers numbers);

  // Errors: kSequenceExhausted, kSequenceNotReserved.
  Opinion<std::uint64_t> Next();

  // The first of `count` numbers in a row, all of them at most `bound`; nothing,
  // and none is taken, when there are not so many. REQUIRES: count > 0.
  std::optional<std::uint64_t> NextRun(std::uint64_t count,
                                       std::uint64_t bound);

  // Raises the bound; a lower value is ignored.
  void Reserve(std::uint64_t reserved);

  // The last number given out; 0 before the first.
  std::uint64_t last() const { return last_.load(std::memory_order_relaxed); }

  std::uint64_t reserved() const {
    return reserved_.load(std::memory_order_relaxed);
  }

  std::uint64_t limit() const { return limit_; }

 private:
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> last_;
  std::atomic<std::uint64_t> reserved_;
};

}  // namespace postern

#endif  // POSTERN_CORE_SEQ_SEQUENCE_COUNTER_H_
