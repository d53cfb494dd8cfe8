// SPDX-License-Identifier: Apache-2.0

#include "daemon/housekeeping.h"

#include "daemon/socket_news.h"

namespace postern {
namespace {

enum OtherKind : std::size_t { kLogMissedSockets, kOtherKinds };

constexpr Duration kAssociationTick = std::chrono::milliseconds(250);
constexpr Duration kSocketTick = std::chrono::seconds(5);
// Closed raw and ping sockets bind others' packets so long.
constexpr Duration kRawTick = std::chrono::seconds(1);

// At once, so that no flood of events keeps requests waiting.
constexpr int kEventsATurn = 256;

}  // namespace

Housekeeping::Housekeeping(const Parts& parts)
    : parts_(parts),
      audit_log_(parts.associations.sadb(), parts.audit),
      selector_news_(parts.feed, parts.selector_mismatches),
      other_log_(kOtherKinds, LogLimiter::Rate()),
      events_ready_(parts.loop, parts.events.descriptor()),
      sockets_ready_(parts.loop, parts.watch.descriptor()),
      age_associations_(parts.loop, kAssociationTick,
                        [this] { AgeAssociations(); }),
      age_sockets_(parts.loop, kSocketTick, [this] { AgeSockets(); }),
      sweep_raw_(parts.loop, kRawTick,
                 [this] { parts_.raw.Sweep(MonotonicNow()); }) {
  events_ready_.OnReadable([this] { TakeEvents(); });
  sockets_ready_.OnReadable([this] { TakeSocketEvents(); });
}

void Housekeeping::TakeEvents() {
  parts_.events.Rearm();
  const Instant now = MonotonicNow();
  parts_.acquires.TellNew(now);
  int taken = 0;
  while (taken < kEventsATurn) {
    const int before = taken;
    if (const auto event = parts_.events.NextSaEvent()) {
      parts_.associations.Take(*event, now);
      ++taken;
    }
    if (const auto event = parts_.events.NextAudit()) {
      audit_log_.Write(*event, now);
      selector_news_.Take(*event, now);
      ++taken;
    }
    if (taken == before) {
      return;
    }
  }
  parts_.events.Wake();
}

void Housekeeping::AgeAssociations() {
  const Instant now = MonotonicNow();
  parts_.associations.sadb().Age(now);
  parts_.associations.DeleteOrphans(now);
  parts_.acquires.Age(now);
}

void Housekeeping::TakeSocketEvents() {
  const Instant now = MonotonicNow();
  for (int taken = 0; taken < kEventsATurn; ++taken) {
    const std::optional<SocketEvent> event = parts_.watch.Next();
    if (!event) {
      return;
    }
    if (event->kind == SocketEvent::Kind::kGone) {
      parts_.sockets.Retire(event->cookie, now);
      parts_.associations.owners().Retire(event->cookie, now);
      continue;
    }
    // Entries of sockets that are gone stay meanwhile: they bind nobody, since
    // a cookie is never used again.
    parts_.roll_call.Doubt(now);
    LogLimited(other_log_, {kLogMissedSockets, now}, LogLevel::kWarning,
               "socket_events_missed");
  }
}

void Housekeeping::AgeSockets() {
  parts_.sockets.Age(MonotonicNow());
  CallRoll();
  if (!IsMissed(parts_.sockets, parts_.associations.owners(), parts_.system)) {
    parts_.watch.Rest();
  }
}

// Takes turns with requests.
void Housekeeping::CallRoll() {
  if (parts_.roll_call.Call(MonotonicNow()) == RollCall::Rest::kMore) {
    parts_.loop.Post([this] { CallRoll(); });
  }
}

}  // namespace postern
