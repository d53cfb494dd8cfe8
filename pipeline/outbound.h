// SPDX-License-Identifier: Apache-2.0
//
// The outbound pipeline: what becomes of a packet between the TUN and the wire.
//
//     1 Receive   the caller read a batch from the TUN
//     2 Parse     IPv4/IPv6 -> flow key; malformed -> drop by name
//     3 Decide    flow table -> decision; a new flow: socket, route, levels, SAs
//     4 Branch    Bypass: forward as it is; Discard, NeedSa: drop; Protect: on
//     5 Fit       too big for the wire once protected -> drop by name
//     6 Protect   each SA, inner to outer: next number, seal or sign
//     7 Send      the caller writes `out` to the wire
//
// The pipeline does no I/O and has no clock. A packet reaches `out` only by an
// explicit move at the end of step 4 (Bypass) or 6; every other way out of a
// step counts a DropReason and releases the packet.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_PIPELINE_OUTBOUND_H_
#define POSTERN_PIPELINE_OUTBOUND_H_

#include <cstddef>
#include <cstdint>

#include "core/clock.h"
#include "core/packet/batch.h"
#include "core/stats.h"
#include "pipeline/acquire_sink.h"
#include "policy/decide.h"
#include "policy/flow_resolver.h"
#include "sadb/sadb.h"

namespace postern {

class OutboundPipeline {
 public:
  struct Parts {
    const Sadb& sadb;
    FlowResolver& flows;
    AcquireSink& acquires;
    WorkerStats& stats;
    WorkerIndex worker{};
    std::size_t wire_mtu = 1500;
  };

  explicit OutboundPipeline(const Parts& parts);

  // Takes every packet of `in` through steps 2 to 6 and appends what may leave
  // to `out`, in order. `in` is empty afterwards.
  // REQUIRES: out is empty.
  void Run(Batch& in, Batch& out, Instant now);

 private:
  Opinion<Decision> Judge(Packet& packet, Instant now);
  Passage Take(Packet& packet, Instant now);
  Passage Protect(Packet& packet, const Bundle& bundle, Instant now);
  Passage Apply(Packet& packet, SecurityAssociation& association, Instant now);

  Parts parts_;
  OutboundPolicy policy_;
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_OUTBOUND_H_
