// SPDX-License-Identifier: Apache-2.0

#include "pipeline/held_packets.h"

#include <algorithm>
#include <utility>

namespace postern {

HeldPackets::HeldPackets(const Limits& limits, WorkerStats& stats)
    : limits_(limits), stats_(stats) {}

HeldPackets::~HeldPackets() {
  for (Held& held : held_) {
    held.packet.Release();
  }
}

void HeldPackets::Hold(Packet packet, AcquireId acquire, const IpAddress& peer,
                       Instant now) {
  if (of_acquire_[acquire] >= limits_.per_acquire) {
    DropOldest([&](const Held& held) { return held.acquire == acquire; });
  } else if (to_peer_[peer] >= limits_.per_peer) {
    DropOldest([&](const Held& held) { return held.peer == peer; });
  } else if (held_.size() >= limits_.in_all) {
    DropOldest([](const Held&) { return true; });
  }
  held_.push_back({std::move(packet), acquire, peer, now});
  ++of_acquire_[acquire];
  ++to_peer_[peer];
  stats_.Add(Count::kOutboundHeld);
}

void HeldPackets::Rebind(Position held, AcquireId acquire) {
  Uncount(of_acquire_, held->acquire);
  held->acquire = acquire;
  ++of_acquire_[acquire];
}

Packet HeldPackets::Take(Position& position) {
  Packet packet = std::move(position->packet);
  Uncount(of_acquire_, position->acquire);
  Uncount(to_peer_, position->peer);
  position = held_.erase(position);
  return packet;
}

void HeldPackets::Drop(Position& position, DropReason reason) {
  Packet packet = Take(position);
  packet.Release();
  stats_.Drop(reason);
}

void HeldPackets::Expire(Instant now) {
  Position position = held_.begin();
  while (position != held_.end() && now - position->since >= limits_.time) {
    Drop(position, DropReason::kNoSa);
  }
}

std::optional<Instant> HeldPackets::NextDeadline() const {
  return held_.empty() ? std::nullopt
                       : std::optional(held_.front().since + limits_.time);
}

template <typename Key>
void HeldPackets::Uncount(std::unordered_map<Key, std::size_t>& counts,
                          const Key& key) {
  const auto count = counts.find(key);
  if (--count->second == 0) {
    counts.erase(count);
  }
}

// REQUIRES: one matches.
template <typename Match>
void HeldPackets::DropOldest(Match match) {
  Position oldest = std::find_if(held_.begin(), held_.end(), match);
  Drop(oldest, DropReason::kHoldOverflow);
}

}  // namespace postern
