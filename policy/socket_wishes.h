// SPDX-License-Identifier: Apache-2.0
//
// What a socket wishes of its security associations beside its levels (the
// draft's section 4): who both ends are, which algorithms, how long the keys.
// Wishes only narrow: an SA that does not fit is not used outbound, and inbound
// it does not satisfy its category. They add no demand for protection; that is
// what levels are for.
//
// A WishCell holds one socket's wishes where workers can see them: an immutable
// object, and a version that a flow compares packet by packet, as it compares
// the levels.

#ifndef POSTERN_POLICY_SOCKET_WISHES_H_
#define POSTERN_POLICY_SOCKET_WISHES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/flow/socket_owner.h"
#include "core/identity.h"
#include "core/mutex.h"
#include "policy/algorithm_set.h"
#include "sadb/sa_parameters.h"
#include "sadb/sadb.h"

namespace postern {

// Thread safety: Immutable once in a WishCell.
struct SocketWishes {
  // Who the ends of the SAs must be. An SA without the identity does not fit.
  std::optional<Identity> mine = std::nullopt;
  std::optional<Identity> peer = std::nullopt;

  AlgorithmSet algorithms = {};
  unsigned least_key_bits = 0;

  // The socket whose SAs protect this one, too (ipsec_share()).
  std::optional<SocketCookie> share = std::nullopt;

  // Whether there are SAs that do not fit.
  bool binding() const {
    return mine || peer || !algorithms.is_everything() || least_key_bits != 0;
  }

  friend bool operator==(const SocketWishes&, const SocketWishes&) = default;
};

using WishesRef = std::shared_ptr<const SocketWishes>;

// Whether an SA fits. Null wishes fit every one.
bool Accepts(const SocketWishes* wishes, const SaParameters& sa);

// The same, for Sadb::FindOutbound().
class WishFilter final : public SaFilter {
 public:
  explicit WishFilter(const SocketWishes* wishes) : wishes_(wishes) {}

  bool Accepts(const SaParameters& sa) const override {
    return postern::Accepts(wishes_, sa);
  }

 private:
  const SocketWishes* wishes_;
};

// Thread safety: Thread-safe. Cost: version(): one load; Load(): a short lock.
class WishCell {
 public:
  // Null: no wishes.
  WishesRef Load() const;
  void Store(WishesRef wishes);

  // Rises after each Store(); 0 before the first.
  std::uint32_t version() const {
    return version_.load(std::memory_order_acquire);
  }

 private:
  mutable Mutex mutex_;
  WishesRef wishes_ POSTERN_GUARDED_BY(mutex_);
  std::atomic<std::uint32_t> version_{0};
};

}  // namespace postern

#endif  // POSTERN_POLICY_SOCKET_WISHES_H_
