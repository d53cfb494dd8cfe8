// SPDX-License-Identifier: Apache-2.0
//
// UnownedArrivals remembers for a moment which packets came protected though no
// socket was there, or nobody asked for one. The kernel answers with an ICMP error
// that quotes them: that must not leave in clear, although no socket's levels bind
// it.
//
//     inbound worker     Note()    ... no socket, and the path is not empty
//                        NoteAny() ... nobody was asked for one
//     outbound worker    Find()    an ICMP error tells of this flow
//                        FindAny() it tells of one that it does not show
//
// Bounded: of too many the oldest is forgotten. As long as that would have been
// remembered, every flow that is not counts as one of the forgotten. Only who
// has an SA with us can cause an entry.
//
// Thread safety: Thread-safe (one lock).
// Cost: a hash look-up under the lock, for packets that no socket owns only;
// NoteAny() is a load.

#ifndef POSTERN_POLICY_UNOWNED_ARRIVALS_H_
#define POSTERN_POLICY_UNOWNED_ARRIVALS_H_

#include <atomic>
#include <cstddef>
#include <list>
#include <unordered_map>

#include "core/clock.h"
#include "core/flow/flow_key.h"
#include "core/mutex.h"
#include "policy/level.h"

namespace postern {

class UnownedArrivals {
 public:
  static constexpr std::size_t kMost = 4096;
  // Longer than a kernel waits for fragments before it tells of those that came:
  // Linux 60 s (ip6frag_time; ipfrag_time is 30 s).
  static constexpr Duration kMemory = std::chrono::seconds(75);

  // A packet of this flow came with these categories applied.
  void Note(const FlowKey& flow, CategorySet applied, Instant now);

  // A packet came of a flow that an error about it obeys anyway. Lock-free.
  void NoteAny(Instant now);

  // What was applied to the last one, or may have been; empty when none came
  // lately.
  CategorySet Find(const FlowKey& flow, Instant now) const;

  // Whether any packet came lately, of whatever flow.
  bool FindAny(Instant now) const;

 private:
  struct Arrival {
    FlowKey flow;
    CategorySet applied;
    Instant when;
  };

  using Arrivals = std::list<Arrival>;

  static constexpr Instant kNever = Instant::min();

  void ForgetOldest(Instant now) POSTERN_REQUIRES(mutex_);

  mutable Mutex mutex_;
  Arrivals arrivals_ POSTERN_GUARDED_BY(mutex_);  // oldest first
  std::unordered_map<FlowKey, Arrivals::iterator> by_flow_
      POSTERN_GUARDED_BY(mutex_);
  // Of NoteAny(), to the second: each worker writes it that often.
  std::atomic<Instant> any_{kNever};
  // What was forgotten too early, and until when that matters.
  CategorySet forgotten_ POSTERN_GUARDED_BY(mutex_);
  Instant forgotten_until_ POSTERN_GUARDED_BY(mutex_);
};

}  // namespace postern

#endif  // POSTERN_POLICY_UNOWNED_ARRIVALS_H_
