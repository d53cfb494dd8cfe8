// SPDX-License-Identifier: Apache-2.0

#include "daemon/keepalives.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace postern {

void Keepalives::Take(const SaParameters& parameters) {
  if (parameters.keepalive && parameters.direction == Direction::kOutbound) {
    const SaIdentity identity = parameters.identity();
    senders_[identity] = {.generation_id =
                              sadb_.Get(identity)->generation_id()};
  }
}

void Keepalives::Tick(Instant now) {
  for (auto& [way, silence] : ways_) {
    silence.is_used = false;
  }
  for (auto sender = senders_.begin(); sender != senders_.end();) {
    sender = Look(sender->first, sender->second, now) ? std::next(sender)
                                                      : senders_.erase(sender);
  }
  Forget(now);
  for (auto& [way, silence] : ways_) {
    if (now - silence.since >= silence.longest) {
      silence.since = now;
      emit_(NatKeepalive(way.source, way.destination, way.ports));
    }
  }
}

void Keepalives::NoteEnd(const Sender& sender, Instant now) {
  if (!sender.way) {
    return;
  }
  if (const auto way = ways_.find(*sender.way); way != ways_.end()) {
    way->second.ended = now;
  }
}

// RFC 3948 4: ways that no SA uses, unless one has ended there lately.
void Keepalives::Forget(Instant now) {
  std::size_t remembered = 0;
  for (auto way = ways_.begin(); way != ways_.end();) {
    Silence& silence = way->second;
    if (silence.is_used) {
      silence.ended.reset();
    } else if (!silence.ended || now - *silence.ended >= afterlife_ ||
               remembered == kMostRemembered) {
      way = ways_.erase(way);
      continue;
    } else {
      ++remembered;
    }
    ++way;
  }
}

// False when the SA is gone.
bool Keepalives::Look(const SaIdentity& identity, Sender& sender, Instant now) {
  const SecurityAssociation* sa = sadb_.Get(identity);
  if (sa == nullptr || sa->generation_id() != sender.generation_id ||
      !sa->usable()) {
    NoteEnd(sender, now);
    return false;
  }
  const SaParameters& parameters = sa->parameters();
  sender.way = Way{.source = parameters.source,
                   .destination = parameters.destination,
                   .ports = sa->nat()->ports()};
  const auto [found, is_new] = ways_.try_emplace(*sender.way);
  Silence& silence = found->second;
  const std::uint64_t packets = sa->usage().packets;
  if (is_new || packets != std::exchange(sender.packets, packets)) {
    silence.since = now;
  }
  silence.longest = silence.is_used
                        ? std::min(silence.longest, *parameters.keepalive)
                        : *parameters.keepalive;
  silence.is_used = true;
  return true;
}

}  // namespace postern
