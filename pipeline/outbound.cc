// SPDX-License-Identifier: Apache-2.0

#include "pipeline/outbound.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "pipeline/arrival.h"

namespace postern {

OutboundPipeline::OutboundPipeline(const Parts& parts)
    : parts_(parts),
      policy_(parts.sadb, parts.flows),
      held_(parts.hold, parts.stats),
      reassembler_({}, parts.audit, parts.stats, Direction::kOutbound),
      telling_({.burst = kTold, .refill = std::chrono::milliseconds(10)}),
      telling_discards_(
          {.burst = kToldDiscards, .refill = std::chrono::milliseconds(10)}) {}

Rest OutboundPipeline::Run(Batch& in, Batch& out, Instant now) {
  policy_.BeginBatch();
  TellExpiring(now);
  held_.Expire(now);
  reassembler_.Expire(now);
  EmitPending(out);
  if (ResumeHeld(out, now) == Rest::kMore) {
    return Rest::kMore;
  }
  for (Packet& packet : in) {
    if (!packet) {
      continue;  // taken in an earlier call
    }
    if (out.size() + train_.size() == Batch::kCapacity) {
      Dispatch(out, now);
      return Rest::kMore;
    }
    parts_.stats.Add(Count::kOutboundPackets);
    Take(std::move(packet), out, now);
  }
  Dispatch(out, now);
  if (!pending_.empty()) {
    return Rest::kMore;
  }
  in.Clear();
  return Rest::kDone;
}

std::optional<Instant> OutboundPipeline::NextDeadline() const {
  const std::optional<Instant> held = held_.NextDeadline();
  const std::optional<Instant> fragments = reassembler_.NextDeadline();
  return held && fragments ? std::min(*held, *fragments)
                           : (held ? held : fragments);
}

// In their order.
Rest OutboundPipeline::ResumeHeld(Batch& out, Instant now) {
  const bool due = is_prodded_ || policy_.generation() != resumed_at_;
  is_resuming_ = true;
  for (auto held = held_.begin(); due && held != held_.end();) {
    if (out.full()) {
      is_resuming_ = false;
      return Rest::kMore;
    }
    const Opinion<IpView> view =
        IpView::Parse(std::as_const(held->packet).bytes());
    if (view.ok() && IsWantedWhole(held->packet, *view)) {
      Gather(held_.Take(held), *view, out, now);
      Dispatch(out, now);  // before another decision
      continue;
    }
    const Opinion<std::optional<Wait>> taken =
        view.ok() ? Obey(policy_.Decide(*view, held->packet.sender(), now), now)
                  : view.error();
    if (!taken.ok()) {
      Audit(held->packet, nullptr, taken.error(), now);
      TellDiscard(held->packet, taken.error(), now);
      held_.Drop(held, taken.error());
    } else if (taken->has_value()) {
      held_.Rebind(held++, **taken);
    } else {
      Load(held_.Take(held), *view, out, now);
      Dispatch(out, now);
    }
  }
  is_resuming_ = false;
  resumed_at_ = policy_.generation();
  is_prodded_ = false;
  return Rest::kDone;
}

// Whether the packet goes with the train, as it is: most packets do.
bool OutboundPipeline::RidesAlong(Packet& packet) const {
  if (train_.empty()) {
    return false;
  }
  const std::size_t size =
      policy_.Repeats(std::as_const(packet).bytes(), packet.sender());
  if (size == 0 || size > surely_fits_) {
    return false;
  }
  packet.TrimBack(packet.size() - size);
  return true;
}

// Steps 2 to 5. What an earlier fragment of a datagram has decided holds for
// the later ones.
void OutboundPipeline::Take(Packet packet, Batch& out, Instant now) {
  if (RidesAlong(packet)) [[likely]] {
    train_.Add(std::move(packet));
    return;
  }
  const Opinion<IpView> view = IpView::Parse(std::as_const(packet).bytes());
  if (view.ok() && IsWantedWhole(packet, *view)) {
    Gather(std::move(packet), *view, out, now);
    return;
  }
  const Opinion<std::optional<Wait>> taken =
      view.ok() ? Board(packet, *view, out, now) : view.error();
  if (!taken.ok()) {
    parts_.stats.Drop(taken.error());
    Audit(packet, nullptr, taken.error(), now);
    TellDiscard(packet, taken.error(), now);
    packet.Release();
  } else if (taken->has_value()) {
    // What was held in fragments may, whole, have to wait for others.
    if (is_resuming_) {
      held_.Requeue(std::move(packet), **taken, now);
    } else {
      held_.Hold(std::move(packet), **taken, now);
    }
  } else {
    Load(std::move(packet), *view, out, now);
  }
}

// Steps 3 and 4. The packet may go with the train exactly when this passes and
// names no wait.
Opinion<std::optional<OutboundPipeline::Wait>> OutboundPipeline::Board(
    Packet& packet, const IpView& view, Batch& out, Instant now) {
  packet.TrimBack(packet.size() - view.size());
  if (!train_.empty()) {
    if (policy_.Repeats(view.octets(), packet.sender()) != 0) {
      return std::optional<Wait>();
    }
    Dispatch(out, now);
  }
  const Decision decision = policy_.Decide(view, packet.sender(), now);
  if (!std::holds_alternative<NeedSa>(decision) && !held_.empty()) {
    if (const Wait* before = FindBefore(packet, view)) {
      // What they wait for came after they were decided: so it has for them.
      is_prodded_ = true;
      return std::optional(*before);
    }
  }
  return Obey(decision, now);
}

// What an earlier packet of the same flow and sender waits for.
const OutboundPipeline::Wait* OutboundPipeline::FindBefore(
    const Packet& packet, const IpView& view) const {
  const Opinion<FlowKey> key = view.Key(Direction::kOutbound);
  return key.ok() ? held_.FindLast(*key, packet.sender()) : nullptr;
}

// Step 4. What passes without a wait begins a train.
Opinion<std::optional<OutboundPipeline::Wait>> OutboundPipeline::Obey(
    const Decision& decision, Instant now) {
  if (const auto* need = std::get_if<NeedSa>(&decision)) {
    const Opinion<Wait> wait = AskFor(*need, now);
    return wait.ok() ? Opinion<std::optional<Wait>>(*wait) : wait.error();
  }
  if (const auto* discard = std::get_if<Discard>(&decision)) {
    return discard->reason;
  }
  const auto* protect = std::get_if<postern::Protect>(&decision);
  const bool in_clear = std::holds_alternative<Bypass>(decision);
  if (!in_clear && (protect == nullptr || protect->bundle == nullptr)) {
    return DropReason::kNoSa;
  }
  train_.Begin(in_clear ? nullptr : protect->bundle);
  LookAtWay(now);
  return std::optional<Wait>();
}

// For everything that is missing at once; the packet waits for the first.
Opinion<OutboundPipeline::Wait> OutboundPipeline::AskFor(const NeedSa& need,
                                                         Instant now) {
  std::optional<Wait> wait;
  for (const Category category : kCategories) {
    if (!need.missing.Has(category)) {
      continue;
    }
    const auto asked = parts_.acquires.Ask(need.Of(category), now);
    if (!asked.ok()) {
      return asked.error();
    }
    if (asked->novelty == Acquires::Asked::Novelty::kNew) {
      parts_.stats.Add(Count::kAcquires);
    }
    if (!wait) {
      wait = Wait{asked->id, need.flow->key, need.cause};
    }
  }
  return wait ? Opinion<Wait>(*wait) : DropReason::kNoSa;
}

// Steps 6 and 7. What an SA's end leaves behind is decided anew: its flow may
// have another SA, or ask for one.
void OutboundPipeline::Dispatch(Batch& out, Instant now) {
  while (!train_.empty()) {
    Packets left;
    if (train_.bundle() != nullptr) {
      Protect(*train_.bundle(), left, now);
    }
    Send(out);
    for (Packet& packet : left) {
      Take(std::move(packet), out, now);
    }
  }
}

// Step 6. Fills `left` with the packets behind the one at which the first SA
// ended, or any may end. A packet to which one SA was applied never gets there:
// decided anew, it would pass for a packet of ESP's or AH's own.
void OutboundPipeline::Protect(const Bundle& bundle, Packets& left,
                               Instant now) {
  if (bundle.associations().size() > 1 && !AllOutlast(bundle, now)) {
    train_.SplitOff(1, left);
  }
  for (SecurityAssociation* association : bundle.associations()) {
    const std::size_t numbered = Number(*association, now);
    if (association == bundle.associations().front()) {
      train_.SplitOff(numbered, left);
    }
    DropFailed(association, now);
    Transform(*association);
    DropFailed(association, now);
    if (const NatMapping* nat = association->nat()) {
      PutInUdp(*association, nat->ports(), now);
    }
    if (train_.empty()) {
      return;
    }
  }
}

// Whether no SA ends within the train, unless somebody ends it meanwhile.
bool OutboundPipeline::AllOutlast(const Bundle& bundle, Instant now) const {
  SaUsage most = train_.usage();
  most.octets += most.packets * bundle.overhead();
  return std::ranges::all_of(bundle.associations(),
                             [&](const SecurityAssociation* association) {
                               return association->Outlasts(most, now);
                             });
}

// Returns how many packets came before the SA's end. Every job has its number or
// its refusal, those behind the end have one, too. Never 0: the SA was alive
// when the first packet was decided, which is told what has become of it. So
// every train gets on, and a train of one leaves nothing behind.
std::size_t OutboundPipeline::Number(SecurityAssociation& association,
                                     Instant now) {
  const std::span<OutboundJob> jobs = train_.jobs();
  if (const auto first = association.NextNumbers(train_.usage(), now)) {
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      jobs[i].seq = *first + i;
    }
    return jobs.size();
  }
  std::size_t before_end = 0;
  for (OutboundJob& job : jobs) {
    before_end += before_end == 0 || association.usable() ? 1U : 0U;
    const auto number = association.NextNumber(job.packet->size(), now);
    if (number.ok()) {
      job.seq = *number;
    } else {
      job.outcome = number.error();
    }
  }
  return before_end;
}

void OutboundPipeline::Transform(SecurityAssociation& association) {
  const std::span<OutboundJob> jobs = train_.jobs();
  if (esp::Sealer* sealer = association.sealer(parts_.worker)) {
    parts_.stats.Add(Count::kEspSealed, jobs.size());
    sealer->Seal(jobs);
  } else if (ah::Signer* signer = association.signer(parts_.worker)) {
    parts_.stats.Add(Count::kAhSigned, jobs.size());
    signer->Sign(jobs);
  } else {
    for (OutboundJob& job : jobs) {
      job.outcome = DropReason::kCryptoFailed;
    }
  }
}

// RFC 3948 3.2, 3.4.
void OutboundPipeline::PutInUdp(const SecurityAssociation& association,
                                UdpPorts ports, Instant now) {
  for (OutboundJob& job : train_.jobs()) {
    job.outcome = EncapsulateInUdp(*job.packet, ports);
  }
  DropFailed(&association, now);
}

void OutboundPipeline::Audit(const Packet& packet,
                             const SecurityAssociation* association,
                             DropReason reason, Instant now) {
  if (parts_.audit != nullptr && IsAudited(reason)) {
    parts_.audit->Audit(
        DescribeDeparture(packet.bytes(), association, reason, now));
  }
}

// `by`: the SA that the packets were for; null: none yet.
void OutboundPipeline::DropFailed(const SecurityAssociation* by, Instant now) {
  if (!train_.AnyFailed()) {
    return;
  }
  for (const OutboundJob& job : train_.jobs()) {
    if (!job.outcome.ok()) {
      Audit(*job.packet, by, job.outcome.error(), now);
    }
  }
  train_.DropFailed(parts_.stats);
}

// Step 7: nothing but this and Emit() appends to `out`.
void OutboundPipeline::Send(Batch& out) {
  const SaUsage sent = train_.usage();
  parts_.stats.Add(Count::kOutboundOctets, sent.octets);
  parts_.stats.Add(train_.bundle() == nullptr ? Count::kOutboundClear
                                              : Count::kOutboundProtected,
                   sent.packets);
  if (train_.size() <= Batch::kCapacity - out.size()) [[likely]] {
    train_.UnloadTo(out);
    return;
  }
  // Fragments have taken the room that was meant for it.
  Packets packets;
  train_.SplitOff(0, packets);
  for (Packet& packet : packets) {
    Emit(std::move(packet), out);
  }
}

}  // namespace postern
