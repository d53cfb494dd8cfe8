// SPDX-License-Identifier: Apache-2.0
//
// A LevelCensus counts how many socket policies hold each level in each
// category, so that "does any socket demand this?" is one look and not a walk
// over a million sockets. Fragments need it: which socket will get one cannot
// be known from the fragment alone (policy/decide.h).
//
// A policy counts as long as anything holds it, so the answer may be stronger
// than what is in force, never weaker.
//
// Thread safety: Thread-safe. Cost: at most five loads a category.

#ifndef POSTERN_POLICY_LEVEL_CENSUS_H_
#define POSTERN_POLICY_LEVEL_CENSUS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "policy/level.h"

namespace postern {

class LevelCensus {
 public:
  void Enter(const LevelSet& levels);

  // REQUIRES: entered before.
  void Leave(const LevelSet& levels);

  // Per category the strongest level that anybody holds. kBypass does not
  // count: it demands nothing.
  LevelSet Strongest() const;

 private:
  static constexpr std::size_t kStrengths = 5;  // kNone .. kUnique
  using Counts = std::array<std::atomic<std::uint64_t>, kStrengths>;

  std::array<Counts, kCategories.size()> counts_{};
};

}  // namespace postern

#endif  // POSTERN_POLICY_LEVEL_CENSUS_H_
