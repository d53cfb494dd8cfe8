// SPDX-License-Identifier: Apache-2.0

#include "policy/socket_policy.h"

#include <utility>

namespace postern {

SocketPolicy::SocketPolicy(const LevelSet& levels)
    : SocketPolicy(levels, Books()) {}

SocketPolicy::SocketPolicy(const LevelSet& levels, Books books)
    : packed_(levels.Pack()),
      origin_(books.origin),
      census_(std::move(books.census)),
      line_(std::move(books.line)) {
  if (census_) {
    census_->Enter(levels);
  }
}

SocketPolicy::~SocketPolicy() {
  if (census_) {
    census_->Leave(levels());
  }
}

void SocketPolicy::SetLevel(Category category, Level level) {
  line_.SetLevel(category, level);
  origin_.store(Origin::kAsked, std::memory_order_release);
  std::uint32_t seen = packed();
  for (;;) {
    LevelSet wanted = LevelSet::Unpack(seen);
    wanted.Set(category, level);
    // Counted before it can be seen, so that the census is never too weak.
    if (census_) {
      census_->Enter(wanted);
    }
    const bool set = packed_.compare_exchange_weak(seen, wanted.Pack(),
                                                   std::memory_order_acq_rel);
    if (census_) {
      census_->Leave(set ? LevelSet::Unpack(seen) : wanted);
    }
    if (set) {
      return;
    }
  }
}

}  // namespace postern
