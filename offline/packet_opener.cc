// SPDX-License-Identifier: Apache-2.0

#include "offline/packet_opener.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/flow/traffic.h"
#include "core/net/udp_encapsulation.h"

namespace postern {
namespace {

auto Prove(esp::Opener& opener, Packet& packet, std::uint64_t number) {
  return opener.Open(packet, number);
}

auto Prove(ah::Verifier& verifier, Packet& packet, std::uint64_t number) {
  return verifier.Verify(packet, number);
}

template <typename Transform>
Passage RemoveBy(SecurityAssociation& association, Transform* transform,
                 ReplayTicket ticket, Packet& packet) {
  if (transform == nullptr) {
    return DropReason::kSaNotUsable;
  }
  const std::size_t octets = packet.size();
  const auto proven = Prove(*transform, packet, ticket.seq());
  if (!proven.ok()) {
    return proven.error();
  }
  const Passage committed = association.Commit(std::move(ticket), proven->proof,
                                               octets, OfflineSadb::kNow);
  return committed.ok() ? transform->Finish(packet, *proven) : committed;
}

// A NAT on the way changed addresses that a checksum inside was made for.
void MendInside(Packet& packet) {
  const Bytes octets = packet.bytes();
  if (const Opinion<IpView> view = IpView::Parse(octets); view.ok()) {
    MendTransportChecksum(octets, *view);
  }
}

// RFC 4301 5.2: an SA speaks only for the packets that its selectors name, and
// one of transport mode only for its peer.
Passage MatchSelectors(const IpView& view, const Steps& steps) {
  if (steps.empty()) {
    return Pass();
  }
  const Opinion<FlowKey> key = view.Key(Direction::kInbound);
  if (!key.ok()) {
    return key.error();
  }
  const Traffic traffic(*key, AspectOf(view, Direction::kInbound));
  const bool match = std::ranges::all_of(steps, [&](const Step& step) {
    const SaParameters& sa = step.association->parameters();
    return sa.selector.Matches(traffic, Direction::kInbound) &&
           (HasOuterHeader(sa.mode) || sa.source == key->remote);
  });
  return match ? Pass() : DropReason::kSelectorMismatch;
}

}  // namespace

Verdict PacketOpener::Open(Packet& packet) {
  Verdict verdict;
  verdict.outcome = OpenAll(packet, verdict.steps);
  return verdict;
}

Passage PacketOpener::OpenAll(Packet& packet, Steps& steps) {
  std::optional<UdpPorts> udp;
  for (;;) {
    const Opinion<IpView> view = IpView::Parse(std::as_const(packet).bytes());
    if (!view.ok()) {
      return view.error();
    }
    packet.TrimBack(packet.size() - view->size());
    if (!HasRightChecksum(*view, packet)) {
      return DropReason::kBadIpHeader;
    }
    if (!IsProtected(*view)) {
      const auto left = TakeOutOfUdp(sadb_, *view, packet);
      if (!left.ok()) {
        return left.error();
      }
      if (!*left) {
        return MatchSelectors(*view, steps);
      }
      udp = *left;
      continue;
    }
    if (view->fragment() != IpView::Fragment::kWhole) {
      return DropReason::kFragment;
    }
    if (steps.size() == TransformPath::kMaxDepth) {
      return DropReason::kTooManyTransforms;
    }
    std::optional<IpsecHeader> header;
    if (const Passage peeked = PeekIpsecHeader(*view, header); !peeked.ok()) {
      return peeked;
    }
    const Passage removed = RemoveOne(*header, packet, steps);
    if (!removed.ok()) {
      return removed;
    }
    if (std::exchange(udp, std::nullopt) &&
        steps.back().association->parameters().mode == IpsecMode::kTransport) {
      MendInside(packet);
    }
  }
}

Passage PacketOpener::RemoveOne(const IpsecHeader& header, Packet& packet,
                                Steps& steps) {
  if (Number(header.spi) == 0) {
    return DropReason::kSpiReserved;
  }
  SecurityAssociation* const association =
      sadb_.FindInbound(header.spi, header.destination, header.protocol);
  if (association == nullptr) {
    return DropReason::kNoSaForSpi;
  }
  Opinion<ReplayTicket> ticket =
      association->Check(header.sequence, OfflineSadb::kNow);
  if (!ticket.ok()) {
    return ticket.error();
  }
  const std::uint64_t number = ticket->seq();
  constexpr WorkerIndex kWorker = OfflineSadb::kWorker;
  const Passage removed =
      header.protocol == IpsecProtocol::kEsp
          ? RemoveBy(*association, association->opener(kWorker),
                     *std::move(ticket), packet)
          : RemoveBy(*association, association->verifier(kWorker),
                     *std::move(ticket), packet);
  if (removed.ok()) {
    steps.push_back({association, number});
  }
  return removed;
}

}  // namespace postern
