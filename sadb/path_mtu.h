// SPDX-License-Identifier: Apache-2.0
//
// What an ICMP error has told of the way of one SA's packets: the largest that
// passes it (RFC 4301 8.2.1). An estimate only falls, never below what every
// way of its family must carry, and is forgotten after a time, since ways get
// better without telling (RFC 4301 8.2.2, RFC 1191 6.3, RFC 8201 4).
//
// Thread safety: Thread-safe. Of two threads that lower it at once either may be
// heeded; the next error mends that. Cost: a load where nothing was ever told.

#ifndef POSTERN_SADB_PATH_MTU_H_
#define POSTERN_SADB_PATH_MTU_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/clock.h"

namespace postern {

class PathMtu {
 public:
  // Octets of the IP packet with AH or ESP; nothing: not told, or long ago.
  std::optional<std::size_t> At(Instant now) const {
    const std::uint32_t octets = octets_.load(std::memory_order_acquire);
    if (octets == 0 || now.time_since_epoch().count() >=
                           until_.load(std::memory_order_relaxed)) [[likely]] {
      return std::nullopt;
    }
    return octets;
  }

  // False, and nothing changes, when it is no less than what is known.
  bool Lower(std::size_t octets, Instant now, Duration lasts) {
    if (const auto known = At(now); known && octets >= *known) {
      return false;
    }
    until_.store((now + lasts).time_since_epoch().count(),
                 std::memory_order_relaxed);
    octets_.store(static_cast<std::uint32_t>(octets),
                  std::memory_order_release);
    return true;
  }

 private:
  std::atomic<std::uint32_t> octets_{0};
  std::atomic<std::int64_t> until_{0};
};

}  // namespace postern

#endif  // POSTERN_SADB_PATH_MTU_H_
