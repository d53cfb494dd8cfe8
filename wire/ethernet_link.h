// SPDX-License-Identifier: Apache-2.0
//
// An EthernetLink is what a virtual host knows of the Ethernet it is on, and says
// there: who it is itself, who is reached directly and by which gateway, and at
// which Ethernet address (wire/neighbours.h). All ports of a wire share one.
//
//     from the link                          the link's own
//     ARP: who has 192.0.2.9?         ->     192.0.2.9 is at 02:...:01
//     ND:  who has 2001:db8::9?       ->     likewise
//     ARP, ND: 192.0.2.7 is at ...    ->     what was held for it leaves
//     somebody else says he is        ->     counted, logged; the host defends its
//     192.0.2.9                              address (RFC 5227 2.4 c)
//
// In the beginning, and again 2 s later, it announces its addresses (RFC 5227 2.3,
// RFC 4861 7.2.6). It does not probe whether somebody has them: they are what the
// administrator gave. Then, and each minute, it says to which groups it listens
// (wire/mld.h).
//
// Frames that it wants to be sent go to the caller's Sink *while the link is
// locked*: so what was held for a neighbour leaves before what comes later.
//
// Thread safety: Thread-safe. Towards(), generation() and NextDue() take no lock.

#ifndef POSTERN_WIRE_ETHERNET_LINK_H_
#define POSTERN_WIRE_ETHERNET_LINK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/drop_reason.h"
#include "core/mutex.h"
#include "core/net/ip_address.h"
#include "core/stats.h"
#include "wire/arp.h"
#include "wire/mac_address.h"
#include "wire/neighbour_discovery.h"
#include "wire/neighbours.h"

namespace postern {

// An address of the host, and how much of it is the link's.
struct LinkAddress {
  IpAddress address;
  unsigned prefix_length = 0;
};

class EthernetLink {
 public:
  using Frames = Neighbours::Frames;
  using Sink = std::function<void(Frames)>;

  struct Options {
    MacAddress mac;
    std::vector<LinkAddress> addresses;
    std::vector<IpAddress> gateways;  // at most one of each family
    Neighbours::Rules neighbours;
  };

  // Where a packet goes on the link.
  struct NextHop {
    IpAddress neighbour;
    std::optional<MacAddress> group;  // where a multicast or broadcast goes
  };

  explicit EthernetLink(Options options);

  const MacAddress& mac() const { return options_.mac; }

  // Errors: kNoGateway.
  Opinion<NextHop> Towards(const IpAddress& destination) const;

  // The way to a neighbour; if there is none yet, `packet` is kept for it, or
  // dropped and counted (kNoNeighbour, kNeighbourLimited). `send` gets a question,
  // perhaps.
  std::optional<Neighbours::Way> FindWay(const IpAddress& neighbour,
                                         ConstBytes packet, Instant now,
                                         WorkerStats& stats, const Sink& send);

  // When it changes, ways that FindWay() gave end at once.
  std::uint64_t generation() const {
    return generation_.load(std::memory_order_acquire);
  }

  // What came from the link. Errors: kBadNeighbourMessage.
  Passage HearArp(ConstBytes message, Instant now, WorkerStats& stats,
                  const Sink& send);
  // `from`: the frame's source. REQUIRES: NeighbourMessage::IsOne(packet).
  Passage HearNeighbour(ConstBytes packet, const MacAddress& from, Instant now,
                        WorkerStats& stats, const Sink& send);

  // What time brings: announcements, what the host listens to, questions again,
  // packets that are dropped.
  void Tick(Instant now, WorkerStats& stats, const Sink& send);

  // As in the beginning: the link was down, and who is there may be new.
  void AnnounceAgain();

  // When Tick() has something to do, at the earliest.
  std::optional<Instant> NextDue() const {
    const std::int64_t due = next_due_.load(std::memory_order_acquire);
    return due == kNever ? std::nullopt : std::optional(Instant(Duration(due)));
  }

 private:
  static constexpr std::int64_t kNever = INT64_MAX;

  bool IsOwn(const IpAddress& address) const;
  const IpAddress* SourceTowards(const IpAddress& neighbour) const;
  bool IsBroadcast(const IpAddress& address) const;
  ArpMessage ArpRequest(const IpAddress& source, const IpAddress& target) const;
  NeighbourMessage Advertisement(const IpAddress& own) const;
  Neighbours::Frame FrameOf(const Neighbours::Question& question) const;
  Neighbours::Frame Announcement(const IpAddress& own) const;
  Neighbours::Frame AnswerTo(const ArpMessage& request) const;
  Neighbours::Frame AnswerTo(const NeighbourMessage& solicitation,
                             const MacAddress& from) const;

  void Learn(const Neighbours::Report& report, Instant now, Frames& frames)
      POSTERN_REQUIRES(mutex_);
  void NoteConflict(const IpAddress& own, const MacAddress& other, Instant now,
                    WorkerStats& stats, Frames& frames)
      POSTERN_REQUIRES(mutex_);
  void Announce(Instant now, Frames& frames) POSTERN_REQUIRES(mutex_);
  void TellGroups(Instant now, Frames& frames) POSTERN_REQUIRES(mutex_);
  void Publish() POSTERN_REQUIRES(mutex_);

  const Options options_;
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::int64_t> next_due_{0};  // the first announcement: at once

  Mutex mutex_;
  Neighbours neighbours_ POSTERN_GUARDED_BY(mutex_);
  unsigned announced_ POSTERN_GUARDED_BY(mutex_) = 0;
  Instant announce_due_ POSTERN_GUARDED_BY(mutex_){};
  Instant report_due_ POSTERN_GUARDED_BY(mutex_){};
  std::map<IpAddress, Instant> defended_ POSTERN_GUARDED_BY(mutex_);
};

}  // namespace postern

#endif  // POSTERN_WIRE_ETHERNET_LINK_H_
