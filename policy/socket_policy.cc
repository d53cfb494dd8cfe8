// SPDX-License-Identifier: Apache-2.0

#include "policy/socket_policy.h"

#include <utility>
#include <vector>

#include "policy/wish_octets.h"

namespace postern {

SocketPolicy::SocketPolicy(const LevelSet& levels)
    : SocketPolicy(levels, Books()) {}

SocketPolicy::SocketPolicy(const LevelSet& levels, Books books)
    : packed_(levels.Pack()),
      origin_(books.origin),
      census_(std::move(books.census)),
      line_(std::move(books.line)),
      cookie_(books.cookie.value_or(SocketCookie{})) {
  if (census_) {
    census_->Enter(levels);
  }
}

SocketPolicy::~SocketPolicy() {
  if (census_) {
    census_->Leave(levels());
  }
}

std::optional<SocketCookie> SocketPolicy::cookie() const {
  const SocketCookie cookie = cookie_.load(std::memory_order_acquire);
  return cookie == SocketCookie{} ? std::nullopt : std::optional(cookie);
}

void SocketPolicy::BindTo(SocketCookie cookie) {
  line_.SetCookie(cookie);
  cookie_.store(cookie, std::memory_order_release);
}

Status SocketPolicy::SetWishes(WishesRef wishes) {
  const bool says_nothing = *wishes == SocketWishes();
  const auto octets =
      says_nothing ? std::vector<std::uint8_t>() : OctetsOf(*wishes);
  if (Status written = line_.SetWishes(octets); !written.ok()) {
    return written;
  }
  wishes_.Store(std::move(wishes));
  return Ok();
}

Status SocketPolicy::ResumeWishes(ConstBytes octets) {
  if (octets.empty()) {
    return Ok();
  }
  std::optional<SocketWishes> wishes = WishesIn(octets);
  if (!wishes) {
    return Invalid("what a socket wished makes no sense");
  }
  wishes_.Store(std::make_shared<const SocketWishes>(std::move(*wishes)));
  return Ok();
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
