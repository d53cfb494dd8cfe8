// SPDX-License-Identifier: Apache-2.0

#include "policy/unowned_arrivals.h"

#include <algorithm>

namespace postern {
namespace {

constexpr Duration kGrain = std::chrono::seconds(1);

}  // namespace

void UnownedArrivals::NoteAny(Instant now) {
  const Instant known = any_.load(std::memory_order_relaxed);
  if (known == kNever || now - known >= kGrain) {
    any_.store(now, std::memory_order_release);
  }
}

void UnownedArrivals::Note(const FlowKey& flow, CategorySet applied,
                           Instant now) {
  const MutexLock lock(mutex_);
  if (const auto known = by_flow_.find(flow); known != by_flow_.end()) {
    *known->second = {flow, applied, now};
    arrivals_.splice(arrivals_.end(), arrivals_, known->second);
    return;
  }
  if (arrivals_.size() >= kMost) {
    ForgetOldest(now);
  }
  by_flow_.emplace(flow,
                   arrivals_.insert(arrivals_.end(), {flow, applied, now}));
}

CategorySet UnownedArrivals::Find(const FlowKey& flow, Instant now) const {
  const MutexLock lock(mutex_);
  const auto found = by_flow_.find(flow);
  if (found != by_flow_.end() && now - found->second->when < kMemory) {
    return found->second->applied;
  }
  return now < forgotten_until_ ? forgotten_ : CategorySet();
}

bool UnownedArrivals::FindAny(Instant now) const {
  const Instant any = any_.load(std::memory_order_acquire);
  if (any != kNever && now - any < kMemory + kGrain) {
    return true;
  }
  const MutexLock lock(mutex_);
  return !arrivals_.empty() && now - arrivals_.back().when < kMemory;
}

void UnownedArrivals::ForgetOldest(Instant now) {
  const Arrival& oldest = arrivals_.front();
  if (now >= forgotten_until_) {
    forgotten_ = CategorySet();
  }
  for (const Category category : kCategories) {
    if (oldest.applied.Has(category)) {
      forgotten_.Add(category);
    }
  }
  forgotten_until_ = std::max(forgotten_until_, oldest.when + kMemory);
  by_flow_.erase(oldest.flow);
  arrivals_.pop_front();
}

}  // namespace postern
