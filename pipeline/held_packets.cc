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

void HeldPackets::Hold(Packet packet, const Ticket& ticket, Instant now) {
  const IpAddress& peer = ticket.flow.remote;
  if (of_acquire_.contains(ticket.acquire) &&
      of_acquire_[ticket.acquire] >= limits_.per_acquire) {
    DropOldest([&](const Held& held) {
      return held.ticket.acquire == ticket.acquire;
    });
  }
  if (to_peer_.contains(peer) && to_peer_[peer] >= limits_.per_peer) {
    DropOldest(
        [&](const Held& held) { return held.ticket.flow.remote == peer; });
  }
  if (held_.size() >= limits_.in_all && !DropOldest([](const Held& held) {
        return held.ticket.cause == Need::Cause::kStranger;
      })) {
    DropOldest([](const Held&) { return true; });
  }
  Requeue(std::move(packet), ticket, now);
  stats_.Add(Count::kOutboundHeld);
}

void HeldPackets::Requeue(Packet packet, const Ticket& ticket, Instant now) {
  held_.push_back({std::move(packet), ticket, now});
  ++of_acquire_[ticket.acquire];
  ++to_peer_[ticket.flow.remote];
  ++of_flow_[ticket.flow];
}

const HeldPackets::Ticket* HeldPackets::FindLast(const FlowKey& flow,
                                                 const Owner& sender) const {
  if (!of_flow_.contains(flow)) {
    return nullptr;
  }
  const auto last =
      std::find_if(held_.rbegin(), held_.rend(), [&](const Held& held) {
        return held.ticket.flow == flow &&
               held.packet.sender().cookie == sender.cookie;
      });
  return last == held_.rend() ? nullptr : &last->ticket;
}

void HeldPackets::Rebind(Position held, const Ticket& ticket) {
  Uncount(of_acquire_, held->ticket.acquire);
  held->ticket.acquire = ticket.acquire;
  ++of_acquire_[ticket.acquire];
}

Packet HeldPackets::Take(Position& position) {
  Packet packet = std::move(position->packet);
  Uncount(of_acquire_, position->ticket.acquire);
  Uncount(to_peer_, position->ticket.flow.remote);
  Uncount(of_flow_, position->ticket.flow);
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

// False when none matches.
template <typename Match>
bool HeldPackets::DropOldest(Match match) {
  Position oldest = std::find_if(held_.begin(), held_.end(), match);
  if (oldest == held_.end()) {
    return false;
  }
  Drop(oldest, DropReason::kHoldOverflow);
  return true;
}

}  // namespace postern
