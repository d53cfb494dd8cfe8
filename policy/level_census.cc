// SPDX-License-Identifier: Apache-2.0

#include "policy/level_census.h"

namespace postern {

void LevelCensus::Enter(const LevelSet& levels) {
  for (const Category category : kCategories) {
    const auto strength = static_cast<std::size_t>(levels.of(category));
    if (strength < kStrengths) {
      counts_[static_cast<std::size_t>(category)][strength].fetch_add(
          1, std::memory_order_acq_rel);
    }
  }
}

void LevelCensus::Leave(const LevelSet& levels) {
  for (const Category category : kCategories) {
    const auto strength = static_cast<std::size_t>(levels.of(category));
    if (strength < kStrengths) {
      counts_[static_cast<std::size_t>(category)][strength].fetch_sub(
          1, std::memory_order_acq_rel);
    }
  }
}

LevelSet LevelCensus::Strongest() const {
  LevelSet strongest;
  for (const Category category : kCategories) {
    const Counts& counts = counts_[static_cast<std::size_t>(category)];
    for (std::size_t strength = kStrengths; strength-- > 0;) {
      if (counts[strength].load(std::memory_order_acquire) != 0) {
        strongest.Set(category, static_cast<Level>(strength));
        break;
      }
    }
  }
  return strongest;
}

}  // namespace postern
