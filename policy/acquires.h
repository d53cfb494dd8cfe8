// SPDX-License-Identifier: Apache-2.0
//
// Acquires are the security associations that flows need, that do not exist, and
// that key management has been asked for (RFC 2367 3.1.6): one for each need,
// however many packets wait for it.
//
//            Ask()                 an SA that fits was added: Settle()
//     need ────────▶ waiting ──┬──────────────────────────────────────▶ over
//                              ├── Refuse() ──▶ refused ── hold_down ──▶ over
//                              └── patience ──────────────────────────▶ over
//
// A refused need is not asked for again before its hold-down is over; one that
// nobody answered may be, with the next packet.
//
// Strangers. The draft warns that at level USE a flood of spoofed packets makes
// a server ask for SAs without end (1.2.2, 5). So there is a bound on how many
// acquires wait, and token buckets for new ones: in total, and for each peer
// prefix (/24 of IPv4, /64 of IPv6). Needs that a stranger may have caused have
// narrower ones to themselves, and get half of the room at most. No socket gets
// more than a quarter, since a datagram server answers strangers, too.
//
// Thread safety: Thread-safe (one lock). `on_new` is called, without the lock, by
// the worker that asked.
// Cost: Ask() is a hash look-up under a lock, for packets that cannot leave.

#ifndef POSTERN_POLICY_ACQUIRES_H_
#define POSTERN_POLICY_ACQUIRES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/drop_reason.h"
#include "core/error.h"
#include "core/mutex.h"
#include "core/token_bucket.h"
#include "policy/need.h"

namespace postern {

// Rises with each acquire of a daemon's life; PF_KEY's sequence number.
enum class AcquireId : std::uint32_t {};

struct Acquire {
  AcquireId id{};
  Need need;  // of the packet that asked first
  Instant asked;
  enum class State : std::uint8_t {
    kWaiting,
    kRefused
  } state = State::kWaiting;
};

// kNotFound, with a sentence for who named one that does not wait.
Error NoSuchAcquire(AcquireId id);

// How one ended, for whoever watches.
struct AcquireEnd {
  Acquire acquire;
  enum class How : std::uint8_t { kAnswered, kRefused, kExpired } how;
};

class Acquires {
 public:
  struct Rates {
    TokenBucket::Rate total;
    TokenBucket::Rate prefix;
  };

  struct Limits {
    std::size_t waiting = 1024;  // at a time, refused ones included
    Rates own = {{1024, std::chrono::milliseconds(1)},
                 {256, std::chrono::milliseconds(10)}};
    Rates strangers = {{128, std::chrono::milliseconds(10)},
                       {16, std::chrono::milliseconds(100)}};
    Duration patience = std::chrono::seconds(30);
    Duration hold_down = std::chrono::seconds(2);
  };

  // `on_new` (may be empty) is called after Ask() made an acquire.
  explicit Acquires(std::function<void()> on_new);
  Acquires(std::function<void()> on_new, const Limits& limits);
  Acquires(const Acquires&) = delete;
  Acquires& operator=(const Acquires&) = delete;

  // Workers. The acquire for this need, made if there is none.
  struct Asked {
    AcquireId id{};
    enum class Novelty : std::uint8_t { kNew, kKnown } novelty;
  };

  // Errors: kAcquireRefused (it was refused a moment ago), kAcquireLimited (too
  // many, or too fast).
  Opinion<Asked> Ask(const Need& need, Instant now);

  // Control. What was asked since the last call, oldest first; those that are
  // over by now are not told.
  std::vector<Acquire> TakeNew();

  std::optional<Acquire> Find(AcquireId id) const;
  std::vector<Acquire> List() const;  // oldest first

  // The negative answer of RFC 2367 3.1.6. Errors: kNotFound, also for one that
  // was refused before. What is held for it is dropped once its worker is
  // prodded.
  Result<AcquireEnd> Refuse(AcquireId id, Instant now);

  // Ends every waiting acquire whose need an SA meets by now. Called by the
  // SADB's writer. Cost: O(acquires) when an SA or an acquire is new since the
  // last call, and nothing otherwise.
  std::vector<AcquireEnd> Settle(const Sadb& sadb);

  // How often it had to look.
  std::uint64_t settlings() const { return settlings_; }

  // Ends what has waited too long, and forgets what was refused long enough ago.
  std::vector<AcquireEnd> Age(Instant now);

  std::size_t size() const;

 private:
  struct Entry {
    Acquire acquire;
    Instant until;
  };

  // A bucket for each of so many hashes of prefixes: two prefixes that collide
  // share one, and memory is bounded.
  static constexpr std::size_t kPrefixes = 4096;

  struct Meter {
    explicit Meter(const Rates& rates)
        : total(rates.total), prefixes(kPrefixes, TokenBucket(rates.prefix)) {}

    TokenBucket total;
    std::vector<TokenBucket> prefixes;
  };

  struct HashNeed {
    std::size_t operator()(const Need* need) const;
  };

  struct SameNeed {
    bool operator()(const Need* a, const Need* b) const {
      return IsSame(*a, *b);
    }
  };

  using Entries = std::map<AcquireId, Entry>;

  std::uint32_t NewestId() const;
  bool HasRoom(const Need& need) const POSTERN_REQUIRES(mutex_);
  bool Admits(const Need& need, Instant now) POSTERN_REQUIRES(mutex_);
  Opinion<Asked> Make(const Need& need, Instant now) POSTERN_REQUIRES(mutex_);
  Entries::iterator Erase(Entries::iterator entry) POSTERN_REQUIRES(mutex_);

  const std::function<void()> on_new_;
  const Limits limits_;
  mutable Mutex mutex_;
  Entries entries_ POSTERN_GUARDED_BY(mutex_);
  // The needs are those of `entries_`.
  std::unordered_map<const Need*, AcquireId, HashNeed, SameNeed> by_need_
      POSTERN_GUARDED_BY(mutex_);
  std::size_t strangers_ POSTERN_GUARDED_BY(mutex_) = 0;
  std::unordered_map<SocketCookie, std::size_t> of_asker_
      POSTERN_GUARDED_BY(mutex_);
  std::uint64_t settled_sadb_ = 0;  // the control thread's
  std::uint32_t settled_id_ = 0;    // the control thread's
  std::uint64_t settlings_ = 0;     // the control thread's
  std::uint32_t last_id_ POSTERN_GUARDED_BY(mutex_) = 0;
  std::uint32_t last_told_ POSTERN_GUARDED_BY(mutex_) = 0;
  Meter own_ POSTERN_GUARDED_BY(mutex_);
  Meter of_strangers_ POSTERN_GUARDED_BY(mutex_);
};

}  // namespace postern

#endif  // POSTERN_POLICY_ACQUIRES_H_
