// SPDX-License-Identifier: Apache-2.0
//
// HeldPackets are the outbound packets that wait while the security associations
// they need are being acquired (draft 1.2.2: at USE and stronger nothing leaves
// in clear instead). They stay in the order in which they came.
//
// Bounded four ways: packets for one acquire, for one peer, in all, and the time
// that each waits. At a bound the oldest goes: for TCP the newest is as good, and
// for datagrams better; in all, the oldest that a stranger caused, if there is
// one. What goes is counted: kHoldOverflow, or kNoSa when its time is over.
//
// Thread safety: Worker-confined. What it holds is lent from the worker's pool:
// that must have room for Limits::in_all packets besides those on their way.
// Cost: Hold() is O(1) below the bounds, and a walk over what is held at one;
// FindLast() is a look-up, and a walk when the flow has something here.

#ifndef POSTERN_PIPELINE_HELD_PACKETS_H_
#define POSTERN_PIPELINE_HELD_PACKETS_H_

#include <cstddef>
#include <list>
#include <optional>
#include <unordered_map>

#include "core/clock.h"
#include "core/net/ip_address.h"
#include "core/packet/packet.h"
#include "core/stats.h"
#include "policy/acquires.h"

namespace postern {

class HeldPackets {
 public:
  // REQUIRES: none is 0.
  struct Limits {
    std::size_t per_acquire = 32;
    std::size_t per_peer = 64;
    std::size_t in_all = 512;
    Duration time = std::chrono::seconds(10);
  };

  // Whose packet it is and what it waits for.
  struct Ticket {
    AcquireId acquire{};
    FlowKey flow;
    Need::Cause cause = Need::Cause::kOwn;
  };

  struct Held {
    Packet packet;
    Ticket ticket;
    Instant since;
  };

  using Position = std::list<Held>::iterator;

  HeldPackets(const Limits& limits, WorkerStats& stats);
  ~HeldPackets();
  HeldPackets(const HeldPackets&) = delete;
  HeldPackets& operator=(const HeldPackets&) = delete;

  // Behind all others.
  void Hold(Packet packet, const Ticket& ticket, Instant now);

  // The same for one that was taken out a moment ago, and was counted then: it
  // pushes nobody out, so that whoever walks over all may call it.
  void Requeue(Packet packet, const Ticket& ticket, Instant now);

  // The ticket of the last one of this flow and sender; null when there is none:
  // a packet of theirs must not leave before it.
  const Ticket* FindLast(const FlowKey& flow, const Owner& sender) const;

  bool empty() const { return held_.empty(); }

  std::size_t size() const { return held_.size(); }

  // Oldest first.
  Position begin() { return held_.begin(); }

  Position end() { return held_.end(); }

  // It waits for another acquire now, in the same place.
  void Rebind(Position held, const Ticket& ticket);

  // Takes one out; `position` moves on to the next.
  Packet Take(Position& position);

  // Drops it, counted; `position` moves on to the next.
  void Drop(Position& position, DropReason reason);

  // Drops what has waited too long.
  void Expire(Instant now);

  // When Expire() has something to do.
  std::optional<Instant> NextDeadline() const;

 private:
  template <typename Key>
  static void Uncount(std::unordered_map<Key, std::size_t>& counts,
                      const Key& key);
  template <typename Match>
  bool DropOldest(Match match);

  const Limits limits_;
  WorkerStats& stats_;
  std::list<Held> held_;
  std::unordered_map<AcquireId, std::size_t> of_acquire_;
  std::unordered_map<IpAddress, std::size_t> to_peer_;
  std::unordered_map<FlowKey, std::size_t> of_flow_;
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_HELD_PACKETS_H_
