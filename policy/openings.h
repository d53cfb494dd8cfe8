// SPDX-License-Identifier: Apache-2.0
//
// Openings tells each worker of the connections that others saw begin.
//
// A flow table (policy/flow_table.h) trusts that a TCP connection keeps its owner
// until a segment opens the next one on its ports. With one worker for each
// direction that segment passes the table. With several it may pass another
// one's, after a rekeying or by another gateway:
//
//     worker 1   | K of socket A ... | ............. | K of socket A? |
//     worker 2   |                   | SYN of K, B's |
//                                      Note()          Mark::stale()
//
// So whoever sees one counts it here, and who remembers a flow compares. Flows
// share counters by hash; a stranger's opening costs them a question to the
// kernel, and nothing else.
//
// Thread safety: Thread-safe.
// Cost: a load a packet; memory 16 KiB.

#ifndef POSTERN_POLICY_OPENINGS_H_
#define POSTERN_POLICY_OPENINGS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/flow/flow_key.h"
#include "policy/opening.h"

namespace postern {

class Openings {
 public:
  static constexpr std::size_t kCounters = 4096;

  // How many openings a flow had when somebody was asked for its owner.
  class Mark {
   public:
    Mark() = default;

    // Whether there was another one since.
    bool stale() const {
      return of_ != nullptr && of_->load(std::memory_order_acquire) != seen_;
    }

   private:
    friend class Openings;

    const std::atomic<std::uint32_t>* of_ = nullptr;  // null: nobody counts
    std::uint32_t seen_ = 0;
  };

  Openings() = default;
  Openings(const Openings&) = delete;
  Openings& operator=(const Openings&) = delete;

  // A segment of this flow, counted unless it is kNone. Call it before asking for
  // the owner: what opens meanwhile makes the mark stale. The mark is valid as
  // long as this object.
  Mark Note(const FlowKey& flow, Opening opening) {
    std::atomic<std::uint32_t>& counter =
        counters_[std::hash<FlowKey>()(flow) % kCounters];
    if (opening != Opening::kNone) {
      counter.fetch_add(1, std::memory_order_acq_rel);
    }
    Mark mark;
    mark.of_ = &counter;
    mark.seen_ = counter.load(std::memory_order_acquire);
    return mark;
  }

 private:
  std::array<std::atomic<std::uint32_t>, kCounters> counters_{};
};

}  // namespace postern

#endif  // POSTERN_POLICY_OPENINGS_H_
