// SPDX-License-Identifier: Apache-2.0

#include "core/seq/sequence_counter.h"

#include <algorithm>
#include <limits>

namespace postern {

SequenceCounter::SequenceCounter(SequenceNumbers numbers,
                                 std::uint64_t last_used,
                                 std::uint64_t reserved)
    : limit_(Limit(numbers)),
      last_(std::min(last_used, limit_)),
      reserved_(std::min(reserved, limit_)) {}

std::uint64_t SequenceCounter::Limit(SequenceNumbers numbers) {
  return numbers == SequenceNumbers::k32Bit
             ? std::numeric_limits<std::uint32_t>::max()
             : std::numeric_limits<std::uint64_t>::max();
}

Opinion<std::uint64_t> SequenceCounter::Next() {
  std::uint64_t last = last_.load(std::memory_order_relaxed);
  for (;;) {
    if (last >= limit_) {
      return DropReason::kSequenceExhausted;
    }
    if (last >= reserved_.load(std::memory_order_acquire)) {
      return DropReason::kSequenceNotReserved;
    }
    if (last_.compare_exchange_weak(last, last + 1,
                                    std::memory_order_relaxed)) {
      return last + 1;
    }
  }
}

std::optional<std::uint64_t> SequenceCounter::NextRun(std::uint64_t count,
                                                      std::uint64_t bound) {
  const std::uint64_t end =
      std::min({bound, limit_, reserved_.load(std::memory_order_acquire)});
  std::uint64_t last = last_.load(std::memory_order_relaxed);
  while (last < end && count <= end - last) {
    if (last_.compare_exchange_weak(last, last + count,
                                    std::memory_order_relaxed)) {
      return last + 1;
    }
  }
  return std::nullopt;
}

void SequenceCounter::Reserve(std::uint64_t reserved) {
  const std::uint64_t wanted = std::min(reserved, limit_);
  std::uint64_t current = reserved_.load(std::memory_order_relaxed);
  while (current < wanted && !reserved_.compare_exchange_weak(
                                 current, wanted, std::memory_order_release,
                                 std::memory_order_relaxed)) {
  }
}

}  // namespace postern
