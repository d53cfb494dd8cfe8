// SPDX-License-Identifier: Apache-2.0
//
// The inbound pipeline: what becomes of a packet between the wire and the TUN.
//
//     1 Receive   the caller read a batch from the wire; fragments of AH and ESP
//                 wait until all of their packet are there, and those in
//                 clear that a rule may bypass by port
//     2 Find      (SPI, destination, protocol) -> SA; none: drop, audited
//     3 Check     replay ticket (changes nothing)
//     4 Open      verify and decrypt; bad ICV: drop, audited
//     5 Commit    with the proof: window, lifetime
//     6 Unpad     |
//     7 Record    | append the SA to the packet's path; another AH or ESP for
//                 | us: back to 2 (at most TransformPath::kMaxDepth times)
//     8 Strip     |
//                 News of the path's MTU, in clear, goes no further
//                 (pipeline/path_mtu_news.h)
//     9 Admit     selectors, then the receiver's levels against the path; clear
//                 packets come here too
//    10 Deliver   the caller writes `out` to the TUN
//
// Steps 2 to 8 are done for a run of packets at once: those that follow each
// other in the batch with the same SA.
//
// The pipeline does no I/O and has no clock. A packet reaches `out` only by an
// explicit move at the end of step 9.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_PIPELINE_INBOUND_H_
#define POSTERN_PIPELINE_INBOUND_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "ah/verifier.h"
#include "core/burst.h"
#include "core/clock.h"
#include "core/packet/batch.h"
#include "core/stats.h"
#include "esp/opener.h"
#include "pipeline/arrival.h"
#include "pipeline/audit_sink.h"
#include "pipeline/notices.h"
#include "pipeline/path_mtu_news.h"
#include "pipeline/reassembler.h"
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
    Reassembler::Limits reassembly{};
    PathMtuRules path_mtu{};
    NoticeRules notices{};
  };

  explicit InboundPipeline(const Parts& parts);

  // Takes every packet of `in` through steps 2 to 9 and appends what may be
  // delivered to `out`, in order. `in` is empty afterwards: kDone.
  // REQUIRES: out is empty.
  Rest Run(Batch& in, Batch& out, Instant now);

  // When Run() has something to do, packets or not: fragments have waited long
  // enough.
  std::optional<Instant> NextDeadline() const {
    return reassembler_.NextDeadline();
  }

 private:
  // Arrivals that follow each other and come by one SA.
  using Stretch = std::span<Arrival>;

  void Enter(Batch& in, Instant now);
  static bool LookAtPlainEsp(Arrival& arrival);
  Passage LookAt(Arrival& arrival, Instant now);
  Passage LookCloser(Arrival& arrival, Instant now);
  Passage PutTogether(Arrival& arrival, const IpView& view, Instant now);
  Passage LookIntoUdp(Arrival& arrival, const IpView& view, Instant now);
  bool RemoveOutermost(Instant now);
  static Stretch NextRun(Stretch arrivals);
  bool Remove(Stretch run, Instant now);
  Opinion<SecurityAssociation*> Find(const IpsecHeader& header) const;
  template <typename Transform, typename Job>
  bool RemoveBy(SecurityAssociation& association, Transform* transform,
                std::span<Job> jobs, Stretch run, Instant now);
  template <typename Transform, typename Job>
  bool FinishAll(SecurityAssociation& association, Transform* transform,
                 const Job* jobs, Stretch run, Instant now);
  bool LookBeneath(SecurityAssociation& association, Stretch run, Instant now);
  bool IsJustContent(const Packet& packet, std::size_t protocol_offset) const;
  template <typename Transform, typename Job>
  Passage Finish(SecurityAssociation& association, Transform& transform,
                 const Job& job, Arrival& arrival, Instant now);
  static void LeaveUdp(SecurityAssociation& association, std::uint64_t seq,
                       Arrival& arrival, Instant now);
  void LookAtMarks(std::uint8_t outer_traffic_class, const Arrival& arrival,
                   Instant now);
  void Deliver(Batch& out, Instant now);
  bool Admit(Arrival& arrival, Instant now);
  bool TakeNews(Arrival& arrival, const IpView& view, Instant now);
  void Refuse(Arrival& arrival, DropReason reason, Instant now);

  Parts parts_;
  InboundPolicy policy_;
  Reassembler reassembler_;
  Notices notices_;

  // Of the batch under way.
  Burst<Arrival, Batch::kCapacity> arrivals_;

  // Of the run under way.
  Burst<ReceivedNumber, Batch::kCapacity> numbers_;
  std::array<esp::OpenJob, Batch::kCapacity> esp_jobs_;
  std::array<ah::VerifyJob, Batch::kCapacity> ah_jobs_;
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_INBOUND_H_
