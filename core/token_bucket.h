// SPDX-License-Identifier: Apache-2.0
//
// A TokenBucket bounds how often something may happen: `burst` times at once,
// and once more after each `refill`.
//
// Thread safety: Worker-confined (or under its owner's lock).
// Cost: a subtraction and, when time has passed, a division.

#ifndef POSTERN_CORE_TOKEN_BUCKET_H_
#define POSTERN_CORE_TOKEN_BUCKET_H_

#include <algorithm>
#include <cstdint>

#include "core/clock.h"

namespace postern {

class TokenBucket {
 public:
  struct Rate {
    std::uint32_t burst = 1;
    Duration refill = std::chrono::seconds(1);  // one more each
  };

  // Full at the start.
  explicit TokenBucket(const Rate& rate) : rate_(rate), tokens_(rate.burst) {}

  // Whether it may happen now. A `now` before the last one's earns nothing.
  bool Take(Instant now) {
    const auto earned = (now - refilled_) / rate_.refill;
    if (earned > 0) {
      const std::uint32_t missing = rate_.burst - tokens_;
      tokens_ +=
          static_cast<std::uint32_t>(std::min<std::int64_t>(earned, missing));
      refilled_ += earned * rate_.refill;
    }
    if (tokens_ == 0) {
      return false;
    }
    --tokens_;
    return true;
  }

 private:
  Rate rate_;
  std::uint32_t tokens_;
  Instant refilled_{};  // when the last token was added
};

}  // namespace postern

#endif  // POSTERN_CORE_TOKEN_BUCKET_H_
