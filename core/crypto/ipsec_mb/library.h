// SPDX-License-Identifier: Apache-2.0
//
// ipsec-mb's state. The library keeps everything in an IMB_MGR:
//
//   - pointers to the functions that suit this CPU. Those that transform one
//     message touch nothing else, so that one manager serves the process.
//   - about 200 KB of lanes for bursts. Each thread that works on bursts has a
//     manager for them, however many SAs it serves.
//
// A library that was built without SAFE_DATA leaves key material in registers
// and on the stack, one without SAFE_PARAM believes every argument, one whose
// self-test failed computes something else: none of them is used.
//
// For core/crypto/ipsec_mb/ only.
//
// Thread safety: Thread-safe functions.

#ifndef POSTERN_CORE_CRYPTO_IPSEC_MB_LIBRARY_H_
#define POSTERN_CORE_CRYPTO_IPSEC_MB_LIBRARY_H_

#include <intel-ipsec-mb.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "core/burst.h"
#include "core/crypto/engines.h"

namespace postern::ipsec_mb {

// For direct calls; null when Check() does not pass.
const IMB_MGR* DirectCalls();

// What one thread needs to submit bursts.
struct Bursts {
  IMB_MGR* manager;
  IMB_JOB jobs[kBurst];  // filled anew for each burst
};

// This thread's own; null when there is no memory for it. Its end overwrites
// it.
// REQUIRES: Check() passed.
// Cost: 0.2 ms at a thread's first call.
Bursts* ThreadsBursts();

// Messages that this CPU's multi-buffer hashes work on at once.
// REQUIRES: Check() passed.
std::size_t Lanes();

// Whether the lanes can take this message: they count octets with 16 bits. Those
// of packets always fit.
inline bool FitsLanes(const MacWork& work) {
  constexpr std::size_t kLargest = 65534;
  return !work.message.empty() && work.message.size() <= kLargest;
}

// Calls `compute` for at most kBurst works at a time, in order.
template <typename Work, typename Compute>
void InBursts(std::span<Work> works, const Compute& compute) {
  while (!works.empty()) {
    const std::size_t some = std::min(works.size(), kBurst);
    compute(works.first(some));
    works = works.subspan(some);
  }
}

}  // namespace postern::ipsec_mb

#endif  // POSTERN_CORE_CRYPTO_IPSEC_MB_LIBRARY_H_
