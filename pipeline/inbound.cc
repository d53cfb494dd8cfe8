// SPDX-License-Identifier: Apache-2.0

#include "pipeline/inbound.h"

#include <utility>

#include "ah/verifier.h"
#include "core/net/checksum.h"
#include "esp/opener.h"

namespace postern {
namespace {

// What an audit record tells of a packet (RFC 4303 4), read before its headers
// are removed in place.
AuditEvent Describe(const Packet& packet, Instant now) {
  AuditEvent event;
  event.when = now;
  const Opinion<IpView> view = IpView::Parse(packet.bytes());
  if (!view.ok()) {
    return event;
  }
  event.source = view->source();
  event.destination = view->destination();
  event.protocol = view->protocol();
  if (event.protocol == Number(IpProtocol::kEsp)) {
    if (const auto header = esp::PeekEspHeader(*view); header.ok()) {
      event.spi = header->spi;
      event.sequence = header->seq;
    }
  } else if (event.protocol == Number(IpProtocol::kAh)) {
    if (const auto header = ah::PeekAhHeader(*view); header.ok()) {
      event.spi = header->spi;
      event.sequence = header->seq;
    }
  }
  return event;
}

// Removing AH or ESP rewrites the length and with it the checksum of an IPv4
// header, which must not make a damaged one look sound.
bool HasRightChecksum(const IpView& view, const Packet& packet) {
  return view.family() == IpFamily::kV6 ||
         InternetChecksum(packet.bytes().first(view.header_length())) == 0;
}

// Step 4 failed: the SA remembers forgeries for its dump.
DropReason Refuse(SecurityAssociation& association, DropReason reason) {
  if (reason == DropReason::kBadIcv) {
    association.CountBadIcv();
  }
  return reason;
}

}  // namespace

InboundPipeline::InboundPipeline(const Parts& parts)
    : parts_(parts), policy_(parts.system, parts.flows) {}

Rest InboundPipeline::Run(Batch& in, Batch& out, Instant now) {
  for (Packet& packet : in) {
    parts_.stats.Add(Count::kInboundPackets);
    AuditEvent event = Describe(packet, now);
    const Opinion<TransformPath> path = Take(packet, now);
    if (path.ok()) {
      parts_.stats.Add(path->empty() ? Count::kInboundClear
                                     : Count::kInboundProtected);
      parts_.stats.Add(Count::kInboundOctets, packet.size());
      out.Push(std::move(packet));
      continue;
    }
    parts_.stats.Drop(path.error());
    if (path.error() != DropReason::kDummyPacket) {
      event.reason = path.error();
      parts_.audit.Audit(event);
    }
    packet.Release();
  }
  in.Clear();
  return Rest::kDone;
}

// Steps 2 to 9. The packet may be delivered exactly when this answers with the
// path of transforms that were removed from it.
Opinion<TransformPath> InboundPipeline::Take(Packet& packet, Instant now) {
  TransformPath path;
  for (;;) {
    const Opinion<IpView> view = IpView::Parse(std::as_const(packet).bytes());
    if (!view.ok()) {
      return view.error();
    }
    packet.TrimBack(packet.size() - view->size());
    if (!HasRightChecksum(*view, packet)) {
      return DropReason::kBadIpHeader;
    }
    const bool protected_still = view->protocol() == Number(IpProtocol::kEsp) ||
                                 view->protocol() == Number(IpProtocol::kAh);
    if (!protected_still) {
      if (const Passage admitted = policy_.Admit(*view, path, now);
          !admitted.ok()) {
        return admitted.error();
      }
      return path;
    }
    if (const Passage removed = RemoveOne(packet, *view, path, now);
        !removed.ok()) {
      return removed.error();
    }
  }
}

// Steps 2 to 8 for the outermost AH or ESP header.
Passage InboundPipeline::RemoveOne(Packet& packet, const IpView& view,
                                   TransformPath& path, Instant now) {
  if (path.full()) {
    return DropReason::kTooManyTransforms;
  }
  if (view.fragment() != IpView::Fragment::kWhole) {
    return DropReason::kFragment;
  }
  return view.protocol() == Number(IpProtocol::kEsp)
             ? RemoveEsp(packet, view, path, now)
             : RemoveAh(packet, view, path, now);
}

Passage InboundPipeline::RemoveEsp(Packet& packet, const IpView& view,
                                   TransformPath& path, Instant now) {
  const auto header = esp::PeekEspHeader(view);
  if (!header.ok()) {
    return header.error();
  }
  auto arrival =
      Meet(view, {header->spi, header->seq, IpsecProtocol::kEsp}, now);
  if (!arrival.ok()) {
    return arrival.error();
  }
  esp::Opener* opener = arrival->association->opener(parts_.worker);
  if (opener == nullptr) {
    return DropReason::kSaNotUsable;
  }
  const std::size_t octets = packet.size();
  const auto opened = opener->Open(packet, arrival->ticket.seq());
  if (!opened.ok()) {
    return Refuse(*arrival->association, opened.error());
  }
  if (const Passage committed = arrival->association->Commit(
          std::move(arrival->ticket), opened->proof, octets, now);
      !committed.ok()) {
    return committed;
  }
  parts_.stats.Add(Count::kEspOpened);
  path.Add(*arrival->association);
  return opener->Finish(packet, *opened);
}

Passage InboundPipeline::RemoveAh(Packet& packet, const IpView& view,
                                  TransformPath& path, Instant now) {
  const auto header = ah::PeekAhHeader(view);
  if (!header.ok()) {
    return header.error();
  }
  auto arrival =
      Meet(view, {header->spi, header->seq, IpsecProtocol::kAh}, now);
  if (!arrival.ok()) {
    return arrival.error();
  }
  ah::Verifier* verifier = arrival->association->verifier(parts_.worker);
  if (verifier == nullptr) {
    return DropReason::kSaNotUsable;
  }
  const auto verified = verifier->Verify(packet, arrival->ticket.seq());
  if (!verified.ok()) {
    return Refuse(*arrival->association, verified.error());
  }
  if (const Passage committed = arrival->association->Commit(
          std::move(arrival->ticket), verified->proof, packet.size(), now);
      !committed.ok()) {
    return committed;
  }
  parts_.stats.Add(Count::kAhVerified);
  path.Add(*arrival->association);
  return verifier->Finish(packet, *verified);
}

// Steps 2 and 3: the SA that the header names, and leave to try its number.
Opinion<InboundPipeline::Arrival> InboundPipeline::Meet(const IpView& view,
                                                        const Named& named,
                                                        Instant now) const {
  if (Number(named.spi) == 0) {
    return DropReason::kSpiReserved;
  }
  SecurityAssociation* association =
      parts_.sadb.FindInbound(named.spi, view.destination(), named.protocol);
  if (association == nullptr) {
    return DropReason::kNoSaForSpi;
  }
  Opinion<ReplayTicket> ticket = association->Check(named.sequence, now);
  if (!ticket.ok()) {
    return ticket.error();
  }
  return Arrival{association, std::move(ticket).value()};
}

}  // namespace postern
