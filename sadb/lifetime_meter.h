// SPDX-License-Identifier: Apache-2.0
//
// A LifetimeMeter measures one SA's use against its soft and hard bounds
// (RFC 4301 4.4.2.1, SAD-11, SAD-14): octets, packets and time, whichever
// comes first.
//
//     |---------- fresh ----------|---- soft ----|  hard: the end
//     0                       soft bound     hard bound
//
// A packet that would go beyond a hard bound is refused and not counted; one
// that reaches it exactly is the last.
//
// Thread safety: Thread-safe. With several workers on one SA a refusal near
// the bound may come early, by what they try to count at once; never late.
// Cost: a charge is two atomic additions.

#ifndef POSTERN_SADB_LIFETIME_METER_H_
#define POSTERN_SADB_LIFETIME_METER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/clock.h"
#include "sadb/sa_parameters.h"

namespace postern {

struct SaUsage {
  std::uint64_t octets = 0;
  std::uint64_t packets = 0;
};

class LifetimeMeter {
 public:
  enum class Standing : std::uint8_t { kFresh, kSoft, kHard };

  enum class Charged : std::uint8_t {
    kFresh,   // within both bounds
    kSoft,    // a soft bound is reached
    kLast,    // counted, and a hard bound is reached
    kBeyond,  // not counted: it would exceed a hard bound
  };

  // `since` is when the SA became mature.
  LifetimeMeter(const Lifetime& soft, const Lifetime& hard, Instant since);

  // Counts one packet.
  Charged Charge(std::size_t octets);

  // Whether this much more would stay below every bound.
  bool LeavesFresh(const SaUsage& more) const;

  // Counts many packets together. Where they do not fit below the hard bounds
  // (another worker was faster) none is counted: kBeyond.
  Charged Charge(const SaUsage& more);

  // By time alone: what the packet path asks before it charges.
  Standing ByTime(Instant now) const;

  // By everything.
  Standing At(Instant now) const;

  // The next time bound after `now`, if there is one.
  std::optional<Instant> NextDeadline(Instant now) const;

  // REQUIRES: ValidateLifetimes(soft, hard) accepted. Writers do not race.
  void SetBounds(const Lifetime& soft, const Lifetime& hard);

  Lifetime soft() const { return soft_.Read(); }

  Lifetime hard() const { return hard_.Read(); }

  SaUsage usage() const;

 private:
  // Atomic, so that an update needs no new SA; kUnbound does not bind.
  struct Bounds {
    static constexpr std::uint64_t kUnbound = ~std::uint64_t{0};

    explicit Bounds(const Lifetime& bounds) { Write(bounds); }

    void Write(const Lifetime& bounds);
    Lifetime Read() const;

    bool ReachedBy(const SaUsage& usage) const;
    bool ReachedBy(Duration age) const;

    std::atomic<std::uint64_t> octets{kUnbound};
    std::atomic<std::uint64_t> packets{kUnbound};
    std::atomic<std::uint64_t> nanoseconds{kUnbound};
  };

  const Instant since_;
  Bounds soft_;
  Bounds hard_;
  std::atomic<std::uint64_t> octets_{0};
  std::atomic<std::uint64_t> packets_{0};
};

}  // namespace postern

#endif  // POSTERN_SADB_LIFETIME_METER_H_
