// SPDX-License-Identifier: Apache-2.0

#include "policy/unowned_arrivals.h"

namespace postern {

void UnownedArrivals::Note(const FlowKey& flow, CategorySet applied,
                           Instant now) {
  const MutexLock lock(mutex_);
  if (const auto known = by_flow_.find(flow); known != by_flow_.end()) {
    arrivals_.erase(known->second);
    by_flow_.erase(known);
  } else if (arrivals_.size() >= kMost) {
    by_flow_.erase(arrivals_.front().flow);
    arrivals_.pop_front();
  }
  by_flow_.emplace(flow,
                   arrivals_.insert(arrivals_.end(), {flow, applied, now}));
}

CategorySet UnownedArrivals::Find(const FlowKey& flow, Instant now) const {
  const MutexLock lock(mutex_);
  const auto found = by_flow_.find(flow);
  return found == by_flow_.end() || now - found->second->when >= kMemory
             ? CategorySet()
             : found->second->applied;
}

}  // namespace postern
