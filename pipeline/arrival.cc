// SPDX-License-Identifier: Apache-2.0

#include "pipeline/arrival.h"

#include <utility>

namespace postern {
namespace {

std::optional<Traffic> Judged(const IpView& view, Direction direction) {
  const Opinion<FlowKey> key = view.Key(direction);
  return key.ok() ? std::optional(Traffic(*key, AspectOf(view, direction)))
                  : std::nullopt;
}

void DescribeOrigin(const Arrival::Came& came, AuditEvent& event) {
  const ConstBytes header = came.header;
  const bool v4 = header[0] >> 4 == 4;
  const ConstBytes addresses = v4 ? header.subspan(ipv4::kAddresses, 8)
                                  : header.subspan(ipv6::kAddresses, 32);
  event.source = IpAddress::FromOctets(addresses.first(addresses.size() / 2));
  event.destination =
      IpAddress::FromOctets(addresses.last(addresses.size() / 2));
  event.protocol = came.protocol;
  event.flow_label = FlowLabelOf(header);
  if (came.spi) {
    event.spi = came.spi;
    event.sequence = came.sequence;
  }
}

}  // namespace

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
  event.when = now;
  if (arrival.came) {
    DescribeOrigin(*arrival.came, event);
  }
  const Opinion<IpView> view =
      IpView::Parse(std::as_const(*arrival.packet).bytes());
  if (view.ok()) {
    event.judged = Judged(*view, Direction::kInbound);
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
    case DropReason::kErrorWithoutSa:
    case DropReason::kDiscardRoute:
    case DropReason::kDiscardRule:
    case DropReason::kDiscardDefault:
      return true;
    default:
      return false;
  }
}

}  // namespace postern
