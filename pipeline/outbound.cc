// SPDX-License-Identifier: Apache-2.0

#include "pipeline/outbound.h"

#include <type_traits>
#include <utility>
#include <variant>

namespace postern {

OutboundPipeline::OutboundPipeline(const Parts& parts)
    : parts_(parts), policy_(parts.sadb, parts.flows) {}

void OutboundPipeline::Run(Batch& in, Batch& out, Instant now) {
  for (Packet& packet : in) {
    parts_.stats.Add(Count::kOutboundPackets);
    if (const Passage passed = Take(packet, now); passed.ok()) {
      parts_.stats.Add(Count::kOutboundOctets, packet.size());
      out.Push(std::move(packet));
    } else {
      parts_.stats.Drop(passed.error());
      packet.Release();
    }
  }
  in.Clear();
}

// Steps 2 to 6. The packet may leave exactly when this passes.
Passage OutboundPipeline::Take(Packet& packet, Instant now) {
  const Opinion<Decision> decision = Judge(packet, now);
  if (!decision.ok()) {
    return decision.error();
  }
  if (const auto* protect = std::get_if<postern::Protect>(&*decision)) {
    return Protect(packet, *protect->bundle, now);
  }
  if (const auto* need = std::get_if<NeedSa>(&*decision)) {
    parts_.stats.Add(Count::kAcquires);
    parts_.acquires.Acquire(*need);
    return DropReason::kNoSa;
  }
  if (const auto* discard = std::get_if<Discard>(&*decision)) {
    return discard->reason;
  }
  if (packet.size() > parts_.wire_mtu) {
    return DropReason::kTooBig;
  }
  parts_.stats.Add(Count::kOutboundClear);
  return Pass();
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
