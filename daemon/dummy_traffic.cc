// SPDX-License-Identifier: Apache-2.0

#include "daemon/dummy_traffic.h"

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/crypto/secret_bytes.h"

namespace postern {
namespace {

// What is chosen where nobody says: from the smallest of packets to what every
// way carries whole.
constexpr std::uint64_t kMostByChance = 1280;

// From `least` to `most`; the middle where the generator fails.
std::uint64_t Between(std::uint64_t least, std::uint64_t most) {
  std::array<std::uint8_t, 8> drawn{};
  const std::uint64_t range = most - least + 1;
  return FillRandom(drawn).ok() ? least + LoadBe<std::uint64_t>(drawn) % range
                                : least + range / 2;
}

std::size_t OctetsFor(const SaParameters& sa) {
  if (sa.dummies->octets != 0) {
    return sa.dummies->octets;
  }
  return sa.tfc_pad_to != 0 ? sa.tfc_pad_to
                            : Between(kLeastDummyOctets, kMostByChance);
}

}  // namespace

void DummyTraffic::Take(const SaParameters& parameters, Instant now) {
  if (!parameters.dummies) {
    return;
  }
  ForgetGone();
  const SaIdentity identity = parameters.identity();
  Plan({identity, sadb_.Get(identity)->generation_id()}, *parameters.dummies,
       now);
  if (!clock_) {
    clock_.emplace(loop_, kBeat, [this] { Tick(MonotonicNow()); });
  }
}

// Null when the SA is gone, or dead.
const SecurityAssociation* DummyTraffic::Find(const Sender& sender) const {
  const SecurityAssociation* const sa = sadb_.Get(sender.identity);
  return sa != nullptr && sa->generation_id() == sender.generation_id &&
                 sa->usable()
             ? sa
             : nullptr;
}

// SAs may come and go much faster than their dummies would have been due.
void DummyTraffic::ForgetGone() {
  if (due_.size() < forget_at_) {
    return;
  }
  std::erase_if(
      due_, [this](const auto& due) { return Find(due.second) == nullptr; });
  forget_at_ = 2 * due_.size() + kFewGone;
}

void DummyTraffic::Plan(const Sender& sender, const DummyWish& wish,
                        Instant now) {
  const auto interval = static_cast<std::uint64_t>(wish.interval.count());
  const std::uint64_t pause = Between(interval / 2, interval + interval / 2);
  due_.emplace(now + Duration(static_cast<Duration::rep>(pause)), sender);
}

void DummyTraffic::Tick(Instant now) {
  for (std::size_t sent = 0;
       sent < kMostAtOnce && !due_.empty() && due_.begin()->first <= now;) {
    const Sender sender = due_.extract(due_.begin()).mapped();
    const SecurityAssociation* const sa = Find(sender);
    if (sa == nullptr) {
      continue;
    }
    send_({sender.identity, sender.generation_id, OctetsFor(sa->parameters())});
    Plan(sender, *sa->parameters().dummies, now);
    ++sent;
  }
  if (due_.empty()) {
    clock_.reset();
  }
}

}  // namespace postern
