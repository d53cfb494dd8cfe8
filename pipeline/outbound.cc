// SPDX-License-Identifier: Apache-2.0

#include "pipeline/outbound.h"

#include <utility>
#include <variant>

namespace postern {

OutboundPipeline::OutboundPipeline(const Parts& parts)
    : parts_(parts),
      policy_(parts.sadb, parts.flows),
      held_(parts.hold, parts.stats) {}

Rest OutboundPipeline::Run(Batch& in, Batch& out, Instant now) {
  policy_.BeginBatch();
  held_.Expire(now);
  if (ResumeHeld(out, now) == Rest::kMore) {
    return Rest::kMore;
  }
  for (Packet& packet : in) {
    if (!packet) {
      continue;  // taken in an earlier call
    }
    if (out.full()) {
      return Rest::kMore;
    }
    parts_.stats.Add(Count::kOutboundPackets);
    const Opinion<std::optional<Wait>> taken = Take(packet, now);
    if (!taken.ok()) {
      parts_.stats.Drop(taken.error());
      packet.Release();
    } else if (taken->has_value()) {
      held_.Hold(std::move(packet), **taken, now);
    } else {
      Send(std::move(packet), out);
    }
  }
  in.Clear();
  return Rest::kDone;
}

// In their order.
Rest OutboundPipeline::ResumeHeld(Batch& out, Instant now) {
  const bool due = is_prodded_ || policy_.generation() != resumed_at_;
  for (auto held = held_.begin(); due && held != held_.end();) {
    if (out.full()) {
      return Rest::kMore;
    }
    const Opinion<Decision> decision = Judge(held->packet, now);
    const Opinion<std::optional<Wait>> taken =
        decision.ok() ? Obey(*decision, held->packet, now) : decision.error();
    if (!taken.ok()) {
      held_.Drop(held, taken.error());
    } else if (taken->has_value()) {
      held_.Rebind(held++, **taken);
    } else {
      Send(held_.Take(held), out);
    }
  }
  resumed_at_ = policy_.generation();
  is_prodded_ = false;
  return Rest::kDone;
}

void OutboundPipeline::Send(Packet packet, Batch& out) {
  parts_.stats.Add(Count::kOutboundOctets, packet.size());
  out.Push(std::move(packet));
}

// Steps 2 to 6. The packet may leave exactly when this passes and names no wait.
Opinion<std::optional<OutboundPipeline::Wait>> OutboundPipeline::Take(
    Packet& packet, Instant now) {
  const Opinion<Decision> decision = Judge(packet, now);
  if (!decision.ok()) {
    return decision.error();
  }
  if (!std::holds_alternative<NeedSa>(*decision) && !held_.empty()) {
    if (const Wait* before = FindBefore(packet)) {
      // What they wait for came after they were decided: so it has for them.
      is_prodded_ = true;
      return std::optional(*before);
    }
  }
  return Obey(*decision, packet, now);
}

// What an earlier packet of the same flow and sender waits for.
const OutboundPipeline::Wait* OutboundPipeline::FindBefore(
    const Packet& packet) const {
  const Opinion<IpView> view = IpView::Parse(packet.bytes());
  const Opinion<FlowKey> key =
      view.ok() ? view->Key(Direction::kOutbound) : view.error();
  return key.ok() ? held_.FindLast(*key, packet.sender()) : nullptr;
}

// Steps 2 and 3.
Opinion<Decision> OutboundPipeline::Judge(Packet& packet, Instant now) {
  const Opinion<IpView> view = IpView::Parse(std::as_const(packet).bytes());
  if (!view.ok()) {
    return view.error();
  }
  packet.TrimBack(packet.size() - view->size());
  return policy_.Decide(*view, packet.sender(), now);
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

// Steps 4 to 6.
Opinion<std::optional<OutboundPipeline::Wait>> OutboundPipeline::Obey(
    const Decision& decision, Packet& packet, Instant now) {
  if (const auto* need = std::get_if<NeedSa>(&decision)) {
    const Opinion<Wait> wait = AskFor(*need, now);
    return wait.ok() ? Opinion<std::optional<Wait>>(*wait) : wait.error();
  }
  const Passage passed = Follow(decision, packet, now);
  return passed.ok() ? Opinion<std::optional<Wait>>(std::nullopt)
                     : passed.error();
}

// Steps 4 to 6, for what need not wait.
Passage OutboundPipeline::Follow(const Decision& decision, Packet& packet,
                                 Instant now) {
  if (const auto* protect = std::get_if<postern::Protect>(&decision)) {
    return Protect(packet, *protect->bundle, now);
  }
  if (!std::holds_alternative<Bypass>(decision)) {
    const auto* discard = std::get_if<Discard>(&decision);
    return discard != nullptr ? discard->reason : DropReason::kNoSa;
  }
  if (packet.size() > parts_.wire_mtu) {
    return DropReason::kTooBig;
  }
  parts_.stats.Add(Count::kOutboundClear);
  return Pass();
}

// Steps 5 and 6.
Passage OutboundPipeline::Protect(Packet& packet, const Bundle& bundle,
                                  Instant now) {
  if (packet.size() + bundle.overhead() > parts_.wire_mtu) {
    return DropReason::kTooBig;
  }
  for (SecurityAssociation* association : bundle.associations()) {
    if (const Passage applied = Apply(packet, *association, now);
        !applied.ok()) {
      return applied;
    }
  }
  parts_.stats.Add(Count::kOutboundProtected);
  return Pass();
}

Passage OutboundPipeline::Apply(Packet& packet,
                                SecurityAssociation& association, Instant now) {
  const Opinion<std::uint64_t> number =
      association.NextNumber(packet.size(), now);
  if (!number.ok()) {
    return number.error();
  }
  if (association.parameters().protocol == IpsecProtocol::kEsp) {
    esp::Sealer* sealer = association.sealer(parts_.worker);
    if (sealer == nullptr) {
      return DropReason::kCryptoFailed;
    }
    parts_.stats.Add(Count::kEspSealed);
    return sealer->Seal(packet, *number);
  }
  ah::Signer* signer = association.signer(parts_.worker);
  if (signer == nullptr) {
    return DropReason::kCryptoFailed;
  }
  parts_.stats.Add(Count::kAhSigned);
  return signer->Sign(packet, *number);
}

}  // namespace postern
