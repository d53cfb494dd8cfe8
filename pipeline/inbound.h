// SPDX-License-Identifier: Apache-2.0
//
// The inbound pipeline: what becomes of a packet between the wire and the TUN.
//
//     1 Receive   the caller read a batch from the wire
//     2 Find      (SPI, destination, protocol) -> SA; none: drop, audited
//     3 Check     replay ticket (changes nothing)
//     4 Open      verify and decrypt; bad ICV: drop, audited
//     5 Commit    with the proof: window, lifetime
//     6 Unpad     |
//     7 Record    | append the SA to the packet's path; another AH or ESP for
//                 | us: back to 2 (at most TransformPath::kMaxDepth times)
//     8 Strip     |
//     9 Admit     selectors, then the receiver's levels against the path; clear
//                 packets come here too
//    10 Deliver   the caller writes `out` to the TUN
//
// The pipeline does no I/O and has no clock. A packet reaches `out` only by an
// explicit move at the end of step 9.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_PIPELINE_INBOUND_H_
#define POSTERN_PIPELINE_INBOUND_H_

#include <cstdint>

#include "core/clock.h"
#include "core/packet/batch.h"
#include "core/stats.h"
#include "pipeline/audit_sink.h"
#include "pipeline/rest.h"
#include "policy/decide.h"
#include "policy/flow_resolver.h"
#include "sadb/sadb.h"

namespace postern {

class InboundPipeline {
 public:
  struct Parts {
    const Sadb& sadb;
    const SystemPolicy& system;
    FlowResolver& flows;
    AuditSink& audit;
    WorkerStats& stats;
    WorkerIndex worker{};
  };

  explicit InboundPipeline(const Parts& parts);

  // Takes every packet of `in` through steps 2 to 9 and appends what may be
  // delivered to `out`, in order. `in` is empty afterwards: kDone.
  // REQUIRES: out is empty.
  Rest Run(Batch& in, Batch& out, Instant now);

 private:
  // What an AH or ESP header says of itself before any proof.
  struct Named {
    Spi spi{};
    std::uint32_t sequence = 0;
    IpsecProtocol protocol = IpsecProtocol::kEsp;
  };

  struct Arrival {
    SecurityAssociation* association;
    ReplayTicket ticket;
  };

  Opinion<TransformPath> Take(Packet& packet, Instant now);
  Passage RemoveOne(Packet& packet, const IpView& view, TransformPath& path,
                    Instant now);
  Passage RemoveEsp(Packet& packet, const IpView& view, TransformPath& path,
                    Instant now);
  Passage RemoveAh(Packet& packet, const IpView& view, TransformPath& path,
                   Instant now);
  Opinion<Arrival> Meet(const IpView& view, const Named& named,
                        Instant now) const;

  Parts parts_;
  InboundPolicy policy_;
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_INBOUND_H_
