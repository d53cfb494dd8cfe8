// SPDX-License-Identifier: Apache-2.0
//
// The part of the outbound pipeline that tells programs by ICMP why their packets
// do not leave, where the administrator wants that (RFC 4301 5.1.1).

#include <optional>
#include <utility>

#include "core/net/sender_error.h"
#include "pipeline/outbound.h"

namespace postern {
namespace {

// Nothing where the reason is no policy's.
std::optional<Undelivered> WhyOf(DropReason reason) {
  switch (reason) {
    case DropReason::kDiscardRoute:
    case DropReason::kDiscardRule:
    case DropReason::kDiscardDefault:
    case DropReason::kAcquireRefused:
      return Undelivered::kProhibited;
    case DropReason::kNoSa:
      return Undelivered::kUnreachable;
    default:
      return std::nullopt;
  }
}

}  // namespace

void OutboundPipeline::TellDiscard(const Packet& packet, DropReason reason,
                                   Instant now) {
  const std::optional<Undelivered> why = WhyOf(reason);
  if (parts_.discards == Parts::Discards::kSilent || !why) {
    return;
  }
  const Opinion<IpView> view = IpView::Parse(packet.bytes());
  if (!view.ok() || !MayBeToldOf(*view) || told_.size() >= kToldDiscards ||
      !telling_discards_.Take(now)) {
    return;
  }
  if (Packet error = MakeUndeliveredError(packet, *view, *why)) {
    parts_.stats.Add(Count::kDiscardsTold);
    told_.Push(std::move(error));
  }
}

// Of those that HeldPackets::Expire() will drop.
void OutboundPipeline::TellExpiring(Instant now) {
  if (parts_.discards == Parts::Discards::kSilent) {
    return;
  }
  for (const HeldPackets::Held& held : held_) {
    if (now - held.since < parts_.hold.time) {
      return;
    }
    TellDiscard(held.packet, DropReason::kNoSa, now);
  }
}

}  // namespace postern
