// SPDX-License-Identifier: Apache-2.0

#include "policy/acquires.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/bytes.h"
#include "core/keyed_hash.h"

namespace postern {
namespace {

constexpr std::size_t kIpv4PrefixOctets = 3;
constexpr std::size_t kIpv6PrefixOctets = 8;

std::size_t PrefixSlot(const IpAddress& peer, std::size_t slots) {
  const ConstBytes octets = peer.octets();
  const std::size_t length =
      octets.size() == 4 ? kIpv4PrefixOctets : kIpv6PrefixOctets;
  return KeyedHash(octets.first(length)) % slots;
}

bool IsStrangers(const Need& need) {
  return need.cause == Need::Cause::kStranger;
}

std::uint32_t Number(AcquireId id) {
  return static_cast<std::uint32_t>(id);
}

}  // namespace

Error NoSuchAcquire(AcquireId id) {
  return {ErrorCode::kNotFound,
          "no acquire " + std::to_string(Number(id)) +
              " is waiting: it was answered, refused or given up; see `postern "
              "acquire list`."};
}

// Wishes are left to the comparison: few needs differ in nothing else.
std::size_t Acquires::HashNeed::operator()(const Need* need) const {
  std::array<std::uint8_t, 1 + 2 * 17 + 8> octets{};
  Writer out(octets);
  out.Write(static_cast<std::uint8_t>(need->category));
  for (const IpAddress* address : {&need->source, &need->destination}) {
    out.Write(static_cast<std::uint8_t>(address->family()));
    out.Put(address->octets());
  }
  out.Write(static_cast<std::uint64_t>(need->owner.value_or(SocketCookie{})));
  return KeyedHash(out.written());
}

Acquires::Acquires(std::function<void()> on_new)
    : Acquires(std::move(on_new), Limits{}) {}

Acquires::Acquires(std::function<void()> on_new, const Limits& limits)
    : on_new_(std::move(on_new)),
      limits_(limits),
      own_(limits.own),
      of_strangers_(limits.strangers) {}

Opinion<Acquires::Asked> Acquires::Ask(const Need& need, Instant now) {
  Opinion<Asked> asked = DropReason::kAcquireLimited;
  {
    const MutexLock lock(mutex_);
    asked = Make(need, now);
  }
  if (asked.ok() && asked->novelty == Asked::Novelty::kNew && on_new_) {
    on_new_();
  }
  return asked;
}

Opinion<Acquires::Asked> Acquires::Make(const Need& need, Instant now) {
  if (const auto known = by_need_.find(&need); known != by_need_.end()) {
    const auto entry = entries_.find(known->second);
    if (entry->second.until > now) {
      if (entry->second.acquire.state == Acquire::State::kRefused) {
        return DropReason::kAcquireRefused;
      }
      return Asked{known->second, Asked::Novelty::kKnown};
    }
    if (entry->second.acquire.state == Acquire::State::kWaiting) {
      return DropReason::kNoSa;  // Age() has not told of its end yet
    }
    Erase(entry);
  }
  if (!HasRoom(need) || !Admits(need, now)) {
    return DropReason::kAcquireLimited;
  }
  last_id_ += last_id_ + 1 == 0 ? 2 : 1;  // 0 is nobody's
  const AcquireId id{last_id_};
  const auto made = entries_.emplace_hint(
      entries_.end(), id,
      Entry{{.id = id, .need = need, .asked = now}, now + limits_.patience});
  by_need_.emplace(&made->second.acquire.need, id);
  strangers_ += IsStrangers(need) ? 1U : 0U;
  if (need.asker) {
    ++of_asker_[*need.asker];
  }
  return Asked{id, Asked::Novelty::kNew};
}

bool Acquires::HasRoom(const Need& need) const {
  if (entries_.size() >= limits_.waiting) {
    return false;
  }
  if (IsStrangers(need)) {
    return strangers_ < limits_.waiting / 2;
  }
  const auto asker = need.asker ? of_asker_.find(*need.asker) : of_asker_.end();
  return asker == of_asker_.end() || asker->second < limits_.waiting / 4;
}

// The prefix first: what one prefix wastes must not be missing to others.
bool Acquires::Admits(const Need& need, Instant now) {
  Meter& meter = IsStrangers(need) ? of_strangers_ : own_;
  return meter.prefixes[PrefixSlot(need.destination, kPrefixes)].Take(now) &&
         meter.total.Take(now);
}

Acquires::Entries::iterator Acquires::Erase(Entries::iterator entry) {
  const Need& need = entry->second.acquire.need;
  strangers_ -= IsStrangers(need) ? 1U : 0U;
  by_need_.erase(&need);
  if (const auto asker =
          need.asker ? of_asker_.find(*need.asker) : of_asker_.end();
      asker != of_asker_.end() && --asker->second == 0) {
    of_asker_.erase(asker);
  }
  return entries_.erase(entry);
}

std::vector<Acquire> Acquires::TakeNew() {
  const MutexLock lock(mutex_);
  std::vector<Acquire> fresh;
  for (auto entry = entries_.upper_bound(AcquireId{last_told_});
       entry != entries_.end(); ++entry) {
    fresh.push_back(entry->second.acquire);
  }
  last_told_ = last_id_;
  return fresh;
}

std::optional<Acquire> Acquires::Find(AcquireId id) const {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(id);
  return found == entries_.end() ? std::nullopt
                                 : std::optional(found->second.acquire);
}

std::vector<Acquire> Acquires::List() const {
  const MutexLock lock(mutex_);
  std::vector<Acquire> all;
  all.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) {
    all.push_back(entry.acquire);
  }
  return all;
}

Result<AcquireEnd> Acquires::Refuse(AcquireId id, Instant now) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() ||
      found->second.acquire.state == Acquire::State::kRefused) {
    return NoSuchAcquire(id);
  }
  found->second.acquire.state = Acquire::State::kRefused;
  found->second.until = now + limits_.hold_down;
  return AcquireEnd{found->second.acquire, AcquireEnd::How::kRefused};
}

// Without the lock while it looks, so that no worker waits for it.
std::vector<AcquireEnd> Acquires::Settle(const Sadb& sadb) {
  const std::uint64_t sadb_now = sadb.generation();
  const std::uint32_t newest = NewestId();
  if (sadb_now == settled_sadb_ && newest == settled_id_) {
    return {};
  }
  ++settlings_;
  const std::vector<Acquire> all = List();
  const bool changed = sadb_now != std::exchange(settled_sadb_, sadb_now);
  const std::uint32_t known = std::exchange(settled_id_, newest);
  std::vector<AcquireEnd> ends;
  for (const Acquire& acquire : all) {
    if ((!changed && Number(acquire.id) <= known) ||
        FindFor(sadb, acquire.need) == nullptr) {
      continue;
    }
    const MutexLock lock(mutex_);
    const auto entry = entries_.find(acquire.id);
    if (entry == entries_.end()) {
      continue;
    }
    if (entry->second.acquire.state == Acquire::State::kWaiting) {
      ends.push_back({entry->second.acquire, AcquireEnd::How::kAnswered});
    }
    Erase(entry);
  }
  return ends;
}

std::vector<AcquireEnd> Acquires::Age(Instant now) {
  const MutexLock lock(mutex_);
  std::vector<AcquireEnd> ends;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (entry->second.until > now) {
      ++entry;
      continue;
    }
    if (entry->second.acquire.state == Acquire::State::kWaiting) {
      ends.push_back({entry->second.acquire, AcquireEnd::How::kExpired});
    }
    entry = Erase(entry);
  }
  return ends;
}

std::uint32_t Acquires::NewestId() const {
  const MutexLock lock(mutex_);
  return last_id_;
}

std::size_t Acquires::size() const {
  const MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace postern
