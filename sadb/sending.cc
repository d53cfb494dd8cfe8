// SPDX-License-Identifier: Apache-2.0

#include "sadb/sending.h"

#include <algorithm>

namespace postern {

Sending::Sending(SequenceNumbers numbers, std::uint64_t last_used,
                 std::uint64_t reserved)
    : counter_(numbers, last_used, reserved),
      soft_at_(counter_.limit() - counter_.limit() / 16),
      asks_at_(AskAt()) {}

std::optional<std::uint64_t> Sending::NextRun(std::uint64_t count) {
  const std::uint64_t due =
      std::min(soft_at_, asks_at_.load(std::memory_order_relaxed));
  return due == 0 ? std::nullopt : counter_.NextRun(count, due - 1);
}

bool Sending::HasRun(std::uint64_t count) const {
  const std::uint64_t due =
      std::min({soft_at_, asks_at_.load(std::memory_order_relaxed),
                counter_.reserved()});
  const std::uint64_t last = counter_.last();
  return last < due && count < due - last;
}

bool Sending::ClaimAsking() {
  return asks_at_.exchange(kNever, std::memory_order_relaxed) != kNever;
}

void Sending::Reserve(std::uint64_t reserved) {
  counter_.Reserve(reserved);
  asks_at_.store(AskAt(), std::memory_order_relaxed);
}

// Half-way through what is reserved.
std::uint64_t Sending::AskAt() const {
  const std::uint64_t reserved = counter_.reserved();
  if (reserved >= counter_.limit()) {
    return kNever;  // there is no more
  }
  const std::uint64_t last = counter_.last();
  return last >= reserved ? last : last + (reserved - last + 1) / 2;
}

}  // namespace postern
