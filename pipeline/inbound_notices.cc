// SPDX-License-Identifier: Apache-2.0
//
// The part of the inbound pipeline that tells of packets which pass.

#include <utility>

#include "core/tunnel_header.h"
#include "pipeline/inbound.h"

namespace postern {

// RFC 6040 4.2: of a packet out of a tunnel.
void InboundPipeline::LookAtMarks(std::uint8_t outer_traffic_class,
                                  const Arrival& arrival, Instant now) {
  constexpr unsigned kEcn = 0x03;
  const std::uint8_t inner =
      TrafficClassOf(std::as_const(*arrival.packet).bytes());
  if (!IsUnusedEcn(outer_traffic_class, inner)) {
    return;
  }
  parts_.stats.Add(Count::kUnusedEcn);
  if (!notices_.TakeUnusedEcn(now)) {
    return;
  }
  AuditEvent event = Describe(arrival, DropReason{}, now);
  event.kind = AuditEvent::Kind::kUnusedEcn;
  event.ecn = {.outer = static_cast<std::uint8_t>(outer_traffic_class & kEcn),
               .inner = static_cast<std::uint8_t>(inner & kEcn)};
  parts_.audit.Audit(event);
}

}  // namespace postern
