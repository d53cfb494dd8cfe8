// SPDX-License-Identifier: Apache-2.0
//
// The events that one SA has for its sink. An announced event waits here until
// the sink takes it, so that a full queue delays it and never loses it. One of
// each kind is enough: what it announces is the SA's state.
//
// Thread safety: Thread-safe.
// Cost: while nothing waits, Post() is one load.

#ifndef POSTERN_SADB_EVENT_OUTBOX_H_
#define POSTERN_SADB_EVENT_OUTBOX_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "sadb/sa_events.h"

namespace postern {

class EventOutbox {
 public:
  // `sink` outlives the outbox.
  explicit EventOutbox(SaEventSink& sink) : sink_(sink) {}

  EventOutbox(const EventOutbox&) = delete;
  EventOutbox& operator=(const EventOutbox&) = delete;

  void Announce(SaEvent::Kind kind) {
    waiting_.fetch_or(BitOf(kind), std::memory_order_acq_rel);
  }

  bool empty() const { return waiting_.load(std::memory_order_relaxed) == 0; }

  // Offers what waits to the sink. Of several workers one takes each event.
  void Post(const SaIdentity& identity, std::uint64_t generation_id) {
    const std::uint8_t taken = waiting_.exchange(0, std::memory_order_acq_rel);
    for (const SaEvent::Kind kind : kOrder) {
      const bool due = (taken & BitOf(kind)) != 0;
      if (due && !sink_.Post({kind, identity, generation_id})) {
        Announce(kind);
      }
    }
  }

 private:
  // The end comes last: its receiver may delete the SA.
  static constexpr std::array kOrder = {
      SaEvent::Kind::kSoftExpired, SaEvent::Kind::kReserveMore,
      SaEvent::Kind::kMappingChanged, SaEvent::Kind::kNumbersEnded,
      SaEvent::Kind::kHardExpired};

  static constexpr std::uint8_t BitOf(SaEvent::Kind kind) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(kind));
  }

  SaEventSink& sink_;
  std::atomic<std::uint8_t> waiting_{0};  // one bit for each kind
};

}  // namespace postern

#endif  // POSTERN_SADB_EVENT_OUTBOX_H_
