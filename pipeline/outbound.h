// SPDX-License-Identifier: Apache-2.0
//
// The outbound pipeline: what becomes of a packet between the TUN and the wire.
//
//     1 Receive   the caller read a batch from the TUN
//     2 Parse     IPv4/IPv6 -> flow key; malformed -> drop by name
//     3 Decide    flow table -> decision; a new flow: socket, route, levels, SAs
//     4 Branch    Bypass, Protect: on, with the packets that follow in the same
//                 flow, as one train; Discard: drop; NeedSa: ask for it once,
//                 and hold the packet until it is there
//     5 Fit       too big for its way once protected: cut into fragments if the
//                 sender lets it, else drop and tell the sender
//     6 Protect   each SA, inner to outer: next numbers, seal or sign; UDP
//                 around it, if the SA says so
//     7 Send      the caller writes `out` to the wire
//
// Steps 3 and 6 are done for a train as a whole (pipeline/train.h).
//
// Fragments that the host sends are put together first where an SA of transport
// mode protects them, since it takes none (RFC 4301 4.1, OUT-13); a tunnel takes
// them as they are. So are those of a datagram that a rule bypasses by its ports,
// which later ones do not show. What is put together is cut again once it is
// protected (OUT-11). A packet that does not fit (pipeline/outbound_oversize.cc)
// is
//
//     cut after protection    sent as one AH or ESP packet in fragments
//     cut before the tunnel   where the SA sets DF, or the wire takes no
//                             fragments: IPv4 only
//     not cut                 IPv4 with DF, IPv6 above 1280 octets: told()
//
// Held packets are decided anew when the SADB has changed, and after Prod(); they
// leave before any later packet of their flow.
//
// The pipeline does no I/O and has no clock. A packet reaches `out` only with
// its train, in step 7; every other way out of a step counts a DropReason and
// releases the packet, or holds it.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_PIPELINE_OUTBOUND_H_
#define POSTERN_PIPELINE_OUTBOUND_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "core/clock.h"
#include "core/net/identifications.h"
#include "core/packet/batch.h"
#include "core/stats.h"
#include "core/token_bucket.h"
#include "pipeline/audit_sink.h"
#include "pipeline/held_packets.h"
#include "pipeline/reassembler.h"
#include "pipeline/rest.h"
#include "pipeline/train.h"
#include "policy/acquires.h"
#include "policy/decide.h"
#include "policy/flow_resolver.h"
#include "sadb/sadb.h"

namespace postern {

class OutboundPipeline {
 public:
  static constexpr std::size_t kTold = 32;
  // Those about discards, so that packets that are too big find room.
  static constexpr std::size_t kToldDiscards = kTold / 2;

  struct Parts {
    const Sadb& sadb;
    FlowResolver& flows;
    Acquires& acquires;
    WorkerStats& stats;
    WorkerIndex worker{};
    std::size_t wire_mtu = 1500;
    HeldPackets::Limits hold{};
    // Whether the wire takes fragments of AH and ESP packets.
    enum class Fragments : std::uint8_t { kCarried, kRefused };
    Fragments wire_fragments = Fragments::kCarried;
    AuditSink* audit = nullptr;  // null: nobody is told
    // Whether senders are told by ICMP of what policy discards, and of what no SA
    // came for (RFC 4301 5.1.1).
    enum class Discards : std::uint8_t { kSilent, kTold };
    Discards discards = Discards::kSilent;
  };

  explicit OutboundPipeline(const Parts& parts);

  // Appends to `out` what may leave: first of the packets that were held, if
  // their time has come, then of `in`, in order, through steps 2 to 6. Send what
  // is in `out` and call it again while it answers kMore; after kDone `in` is
  // empty. REQUIRES: `out` is empty.
  Rest Run(Batch& in, Batch& out, Instant now);

  // Held packets may leave now, or must be dropped, though the SADB has not
  // changed: an acquire was refused, a level or a route has changed. The next
  // Run() sees to it.
  void Prod() { is_prodded_ = true; }

  // How many packets wait.
  std::size_t held() const { return held_.size(); }

  // When Run() has something to do, packets or not.
  std::optional<Instant> NextDeadline() const;

  // ICMP errors about packets that were too big or, if wished, discarded, for
  // whoever sent these: the caller sends them back, and clears the batch, after
  // each Run(). At most kTold at once, and of each kind 100 a second (RFC 4443
  // 2.4 (f)).
  Batch& told() { return told_; }

 private:
  // What a packet must wait for before it can be protected.
  using Wait = HeldPackets::Ticket;

  // Seldom any, and none costs nothing.
  using Packets = std::vector<Packet>;

  Rest ResumeHeld(Batch& out, Instant now);
  bool RidesAlong(Packet& packet) const;
  void Take(Packet packet, Batch& out, Instant now);
  Opinion<std::optional<Wait>> Board(Packet& packet, const IpView& view,
                                     Batch& out, Instant now);
  const Wait* FindBefore(const Packet& packet, const IpView& view) const;
  Opinion<std::optional<Wait>> Obey(const Decision& decision, Instant now);
  Opinion<Wait> AskFor(const NeedSa& need, Instant now);

  void Load(Packet packet, const IpView& view, Batch& out, Instant now) {
    if (packet.size() <= surely_fits_ &&
        view.fragment() == IpView::Fragment::kWhole) [[likely]] {
      train_.Add(std::move(packet));
    } else {
      LoadUnusual(std::move(packet), view, out, now);
    }
  }

  void LookAtWay(Instant now);
  void LoadUnusual(Packet packet, const IpView& view, Batch& out, Instant now);
  bool IsGathering(const Packet& packet, const IpView& view) const;

  bool IsWantedWhole(const Packet& packet, const IpView& view) const {
    return view.fragment() != IpView::Fragment::kWhole &&
           (IsGathering(packet, view) || policy_.WantsWhole(view));
  }

  void Gather(Packet packet, const IpView& view, Batch& out, Instant now);
  void Shrink(Packet packet, const IpView& view, Batch& out, Instant now);
  enum class Remedy : std::uint8_t { kCutAfter, kCutBefore, kTell, kDrop };
  Remedy RemedyFor(const Packet& packet, const IpView& view) const;
  std::size_t MtuToTell(const IpView& view) const;
  void CutAfter(Packet packet, Batch& out, Instant now);
  void CutBefore(Packet packet, Batch& out, Instant now);
  Packets ProtectAlone(Packet packet, const Bundle* bundle, Instant now);
  void Tell(const Packet& packet, const IpView& view, Instant now);
  void TellDiscard(const Packet& packet, DropReason reason, Instant now);
  void TellExpiring(Instant now);
  void Emit(Packet packet, Batch& out);
  void EmitPending(Batch& out);
  void Refuse(Packet& packet, DropReason reason);

  void Dispatch(Batch& out, Instant now);
  void DropFailed(const SecurityAssociation* by, Instant now);
  void Protect(const Bundle& bundle, Packets& left, Instant now);
  bool AllOutlast(const Bundle& bundle, Instant now) const;
  std::size_t Number(SecurityAssociation& association, Instant now);
  void Transform(SecurityAssociation& association);
  void PutInUdp(const SecurityAssociation& association, UdpPorts ports,
                Instant now);
  void Send(Batch& out);
  void Audit(const Packet& packet, const SecurityAssociation* association,
             DropReason reason, Instant now);

  Parts parts_;
  OutboundPolicy policy_;
  HeldPackets held_;
  Train train_;                   // empty between two calls
  std::uint64_t resumed_at_ = 0;  // the SADB that the held ones were decided by
  bool is_prodded_ = false;
  bool is_resuming_ = false;  // the held ones are walked over

  // Of the train's decision.
  std::size_t way_mtu_ = 0;      // what the wire and the way carry
  std::size_t surely_fits_ = 0;  // packets up to it, whatever they are

  Reassembler reassembler_;
  std::deque<Packet> pending_;  // fragments for which `out` had no room
  Batch told_;
  TokenBucket telling_;           // of packets that are too big
  TokenBucket telling_discards_;  // whose number others may choose
  FragmentIds fragment_ids_;
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_OUTBOUND_H_
