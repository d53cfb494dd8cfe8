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
//     5 Fit       too big for the wire once protected -> drop by name
//     6 Protect   each SA, inner to outer: next numbers, seal or sign; UDP
//                 around it, if the SA says so
//     7 Send      the caller writes `out` to the wire
//
// Steps 3, 5 and 6 are done for a train as a whole (pipeline/train.h).
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
#include <optional>
#include <vector>

#include "core/clock.h"
#include "core/packet/batch.h"
#include "core/stats.h"
#include "pipeline/audit_sink.h"
#include "pipeline/held_packets.h"
#include "pipeline/rest.h"
#include "pipeline/train.h"
#include "policy/acquires.h"
#include "policy/decide.h"
#include "policy/flow_resolver.h"
#include "sadb/sadb.h"

namespace postern {

class OutboundPipeline {
 public:
  struct Parts {
    const Sadb& sadb;
    FlowResolver& flows;
    Acquires& acquires;
    WorkerStats& stats;
    WorkerIndex worker{};
    std::size_t wire_mtu = 1500;
    HeldPackets::Limits hold{};
    AuditSink* audit = nullptr;  // null: nobody is told
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
  std::optional<Instant> NextDeadline() const { return held_.NextDeadline(); }

 private:
  // What a packet must wait for before it can be protected.
  using Wait = HeldPackets::Ticket;

  // Seldom any, and none costs nothing.
  using Packets = std::vector<Packet>;

  Rest ResumeHeld(Batch& out, Instant now);
  void Take(Packet packet, Batch& out, Instant now);
  Opinion<std::optional<Wait>> Board(Packet& packet, const IpView& view,
                                     Batch& out, Instant now);
  const Wait* FindBefore(const Packet& packet, const IpView& view) const;
  Opinion<std::optional<Wait>> Obey(const Decision& decision, Instant now);
  Opinion<Wait> AskFor(const NeedSa& need, Instant now);

  void Dispatch(Batch& out, Instant now);
  void Fit(Instant now);
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
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_OUTBOUND_H_
