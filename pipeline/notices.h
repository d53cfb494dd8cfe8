// SPDX-License-Identifier: Apache-2.0
//
// What the administrator may want to hear of packets that are not refused for it:
//
//     unused ECN    congestion marks that nobody should send today, in a tunnel:
//                   RFC 6040 4.2 asks for a log that can be switched off
//
// A pipeline asks before it makes an audit record of it, so that a flood of such
// packets costs little and leaves the records of what was refused their room.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_PIPELINE_NOTICES_H_
#define POSTERN_PIPELINE_NOTICES_H_

#include <cstdint>

#include "core/clock.h"
#include "core/token_bucket.h"

namespace postern {

struct NoticeRules {
  enum class UnusedEcn : std::uint8_t { kTold, kSilent };
  UnusedEcn unused_ecn = UnusedEcn::kTold;
};

class Notices {
 public:
  static constexpr TokenBucket::Rate kRate{
      .burst = 16, .refill = std::chrono::milliseconds(100)};

  explicit Notices(const NoticeRules& rules) : rules_(rules) {}

  // Whether another record of it may be made now.
  bool TakeUnusedEcn(Instant now) {
    return rules_.unused_ecn == NoticeRules::UnusedEcn::kTold &&
           unused_ecn_.Take(now);
  }

 private:
  NoticeRules rules_;
  TokenBucket unused_ecn_{kRate};
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_NOTICES_H_
