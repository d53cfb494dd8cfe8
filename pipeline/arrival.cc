// SPDX-License-Identifier: Apache-2.0

#include "pipeline/arrival.h"

#include "ah/verifier.h"
#include "core/net/protocols.h"
#include "esp/opener.h"

namespace postern {
namespace {

std::optional<Traffic> Judged(const IpView& view, Direction direction) {
  const Opinion<FlowKey> key = view.Key(direction);
  return key.ok() ? std::optional(Traffic(*key, AspectOf(view, direction)))
                  : std::nullopt;
}

}  // namespace

Opinion<std::optional<IpsecHeader>> PeekIpsecHeader(const IpView& view) {
  if (view.protocol() == Number(IpProtocol::kEsp)) {
    const Opinion<esp::EspHeader> esp = esp::PeekEspHeader(view);
    if (!esp.ok()) {
      return esp.error();
    }
    return std::optional<IpsecHeader>(
        {esp->spi, esp->seq, IpsecProtocol::kEsp});
  }
  if (view.protocol() == Number(IpProtocol::kAh)) {
    const Opinion<ah::AhHeader> ah = ah::PeekAhHeader(view);
    if (!ah.ok()) {
      return ah.error();
    }
    return std::optional<IpsecHeader>({ah->spi, ah->seq, IpsecProtocol::kAh});
  }
  return std::optional<IpsecHeader>();
}

std::optional<std::uint32_t> FlowLabelOf(ConstBytes packet) {
  constexpr std::uint32_t kLabel = 0x000fffff;
  if (packet.size() < 4 || packet[0] >> 4 != 6) {
    return std::nullopt;
  }
  return LoadBe<std::uint32_t>(packet) & kLabel;
}

AuditEvent Describe(const Arrival& arrival, DropReason reason, Instant now) {
  AuditEvent event;
  event.reason = reason;
  event.source = arrival.source;
  event.destination = arrival.destination;
  event.protocol = arrival.protocol;
  event.when = now;
  if (arrival.outermost) {
    event.spi = arrival.outermost->spi;
    event.sequence = arrival.outermost->sequence;
  }
  event.flow_label = arrival.flow_label;
  if (arrival.now) {
    event.judged = Judged(*arrival.now, Direction::kInbound);
  }
  if (!arrival.path.empty()) {
    event.association =
        arrival.path.associations().back()->parameters().identity();
  }
  return event;
}

AuditEvent DescribeDeparture(ConstBytes packet,
                             const SecurityAssociation* association,
                             DropReason reason, Instant now) {
  AuditEvent event;
  event.direction = Direction::kOutbound;
  event.reason = reason;
  event.when = now;
  if (association != nullptr) {
    event.association = association->parameters().identity();
    event.spi = event.association->spi;
  }
  const Opinion<IpView> view = IpView::Parse(packet);
  if (view.ok()) {
    event.source = view->source();
    event.destination = view->destination();
    event.protocol = view->protocol();
    event.flow_label = FlowLabelOf(packet);
    event.judged = Judged(*view, Direction::kOutbound);
  }
  return event;
}

bool IsAudited(DropReason outbound) {
  switch (outbound) {
    case DropReason::kSequenceExhausted:
    case DropReason::kFragment:
    case DropReason::kUnclearError:
    case DropReason::kDiscardRoute:
    case DropReason::kDiscardRule:
    case DropReason::kDiscardDefault:
      return true;
    default:
      return false;
  }
}

}  // namespace postern
