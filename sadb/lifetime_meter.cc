// SPDX-License-Identifier: Apache-2.0

#include "sadb/lifetime_meter.h"

namespace postern {
namespace {

// Bounds and usage are numbers that stand for themselves; no other memory is
// published through them.
constexpr auto kRelaxed = std::memory_order_relaxed;

std::uint64_t CellOf(const std::optional<std::uint64_t>& bound,
                     std::uint64_t unbound) {
  return bound.value_or(unbound);
}

std::optional<std::uint64_t> BoundIn(const std::atomic<std::uint64_t>& cell,
                                     std::uint64_t unbound) {
  const std::uint64_t value = cell.load(kRelaxed);
  return value == unbound ? std::nullopt : std::optional(value);
}

// `since` + `after`, or the end of time.
Instant Later(Instant since, Duration after) {
  return after > Instant::max() - since ? Instant::max() : since + after;
}

}  // namespace

LifetimeMeter::LifetimeMeter(const Lifetime& soft, const Lifetime& hard,
                             Instant since)
    : since_(since), soft_(soft), hard_(hard) {}

LifetimeMeter::Charged LifetimeMeter::Charge(std::size_t octets) {
  return Charge(SaUsage{octets, 1});
}

LifetimeMeter::Charged LifetimeMeter::Charge(const SaUsage& more) {
  const SaUsage after{
      octets_.fetch_add(more.octets, kRelaxed) + more.octets,
      packets_.fetch_add(more.packets, kRelaxed) + more.packets};
  if (after.octets > hard_.octets.load(kRelaxed) ||
      after.packets > hard_.packets.load(kRelaxed)) {
    octets_.fetch_sub(more.octets, kRelaxed);
    packets_.fetch_sub(more.packets, kRelaxed);
    return Charged::kBeyond;
  }
  if (hard_.ReachedBy(after)) {
    return Charged::kLast;
  }
  return soft_.ReachedBy(after) ? Charged::kSoft : Charged::kFresh;
}

bool LifetimeMeter::LeavesFresh(const SaUsage& more) const {
  const SaUsage used = usage();
  const SaUsage after{used.octets + more.octets, used.packets + more.packets};
  return !soft_.ReachedBy(after) && !hard_.ReachedBy(after);
}

LifetimeMeter::Standing LifetimeMeter::ByTime(Instant now) const {
  const Duration age = now - since_;
  if (hard_.ReachedBy(age)) {
    return Standing::kHard;
  }
  return soft_.ReachedBy(age) ? Standing::kSoft : Standing::kFresh;
}

LifetimeMeter::Standing LifetimeMeter::At(Instant now) const {
  const SaUsage used = usage();
  const Standing by_time = ByTime(now);
  if (by_time == Standing::kHard || hard_.ReachedBy(used)) {
    return Standing::kHard;
  }
  if (by_time == Standing::kSoft || soft_.ReachedBy(used)) {
    return Standing::kSoft;
  }
  return Standing::kFresh;
}

std::optional<Instant> LifetimeMeter::NextDeadline(Instant now) const {
  for (const Bounds* bounds : {&soft_, &hard_}) {
    const std::optional<Duration> time = bounds->Read().time;
    if (time.has_value() && Later(since_, *time) > now) {
      return Later(since_, *time);
    }
  }
  return std::nullopt;
}

void LifetimeMeter::SetBounds(const Lifetime& soft, const Lifetime& hard) {
  soft_.Write(soft);
  hard_.Write(hard);
}

SaUsage LifetimeMeter::usage() const {
  return {octets_.load(kRelaxed), packets_.load(kRelaxed)};
}

void LifetimeMeter::Bounds::Write(const Lifetime& bounds) {
  octets.store(CellOf(bounds.octets, kUnbound), kRelaxed);
  packets.store(CellOf(bounds.packets, kUnbound), kRelaxed);
  nanoseconds.store(bounds.time.has_value()
                        ? static_cast<std::uint64_t>(bounds.time->count())
                        : kUnbound,
                    kRelaxed);
}

Lifetime LifetimeMeter::Bounds::Read() const {
  Lifetime bounds;
  bounds.octets = BoundIn(octets, kUnbound);
  bounds.packets = BoundIn(packets, kUnbound);
  if (const auto time = BoundIn(nanoseconds, kUnbound); time.has_value()) {
    bounds.time = Duration(static_cast<Duration::rep>(*time));
  }
  return bounds;
}

bool LifetimeMeter::Bounds::ReachedBy(const SaUsage& usage) const {
  return usage.octets >= octets.load(kRelaxed) ||
         usage.packets >= packets.load(kRelaxed);
}

bool LifetimeMeter::Bounds::ReachedBy(Duration age) const {
  return age.count() >= 0 &&
         static_cast<std::uint64_t>(age.count()) >= nanoseconds.load(kRelaxed);
}

}  // namespace postern
