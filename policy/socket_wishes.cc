// SPDX-License-Identifier: Apache-2.0

#include "policy/socket_wishes.h"

#include <utility>

#include "sadb/sa_strength.h"

namespace postern {
namespace {

bool Fits(const std::optional<Identity>& wished,
          const std::optional<Identity>& actual) {
  return !wished || wished == actual;
}

}  // namespace

bool Accepts(const SocketWishes* wishes, const SaParameters& sa) {
  return wishes == nullptr || (KeyBits(sa) >= wishes->least_key_bits &&
                               Fits(wishes->mine, sa.local_identity) &&
                               Fits(wishes->peer, sa.peer_identity) &&
                               wishes->algorithms.Allows(sa));
}

WishesRef WishCell::Load() const {
  const MutexLock lock(mutex_);
  return wishes_;
}

void WishCell::Store(WishesRef wishes) {
  const MutexLock lock(mutex_);
  wishes_ = std::move(wishes);
  version_.fetch_add(1, std::memory_order_acq_rel);
}

}  // namespace postern
