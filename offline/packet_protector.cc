// SPDX-License-Identifier: Apache-2.0

#include "offline/packet_protector.h"

#include <algorithm>
#include <utility>

#include "core/flow/traffic.h"
#include "core/net/udp_encapsulation.h"

namespace postern {
namespace {

Passage Transform(SecurityAssociation& association, Packet& packet,
                  std::uint64_t number) {
  constexpr WorkerIndex kWorker = OfflineSadb::kWorker;
  const SaParameters& sa = association.parameters();
  if (sa.protocol == IpsecProtocol::kAh) {
    ah::Signer* const signer = association.signer(kWorker);
    return signer == nullptr ? Passage(DropReason::kSaNotUsable)
                             : signer->Sign(packet, number);
  }
  esp::Sealer* const sealer = association.sealer(kWorker);
  if (sealer == nullptr) {
    return DropReason::kSaNotUsable;
  }
  const Passage sealed = sealer->Seal(packet, number);
  return sealed.ok() && sa.encapsulation
             ? EncapsulateInUdp(packet, *sa.encapsulation)
             : sealed;
}

}  // namespace

PacketProtector::PacketProtector(Sadb& sadb,
                                 const std::vector<SaParameters>& associations)
    : sadb_(sadb) {
  for (const SaParameters& sa : associations) {
    const TunnelEndpoints ends{sa.source, sa.destination};
    if (HasOuterHeader(sa.mode) &&
        std::ranges::find(tunnels_, ends) == tunnels_.end()) {
      tunnels_.push_back(ends);
    }
  }
}

SecurityAssociation* PacketProtector::FindTransport(
    IpsecProtocol protocol, const Traffic& traffic) const {
  return sadb_.FindOutbound({.protocol = protocol,
                             .mode = IpsecMode::kTransport,
                             .source = traffic.key.local,
                             .destination = traffic.key.remote},
                            traffic);
}

SecurityAssociation* PacketProtector::FindTunnel(IpsecProtocol protocol,
                                                 const Traffic& traffic) const {
  const TunnelEndpoints own{traffic.key.local, traffic.key.remote};
  SecurityAssociation* first = nullptr;
  for (const TunnelEndpoints& ends : tunnels_) {
    SecurityAssociation* const found =
        sadb_.FindOutbound({.protocol = protocol,
                            .mode = IpsecMode::kTunnel,
                            .source = ends.source,
                            .destination = ends.destination},
                           traffic);
    if (found != nullptr && ends == own) {
      return found;
    }
    first = first == nullptr ? found : first;
  }
  return first;
}

Verdict PacketProtector::Protect(Packet& packet) {
  Verdict verdict;
  const Opinion<IpView> view = IpView::Parse(std::as_const(packet).bytes());
  if (!view.ok()) {
    verdict.outcome = view.error();
    return verdict;
  }
  packet.TrimBack(packet.size() - view->size());
  const Opinion<FlowKey> key = view->Key(Direction::kOutbound);
  if (!key.ok()) {
    verdict.outcome = key.error();
    return verdict;
  }
  const Traffic traffic(*key, AspectOf(*view, Direction::kOutbound));
  SecurityAssociation* tunnel = FindTunnel(IpsecProtocol::kEsp, traffic);
  if (tunnel == nullptr) {
    tunnel = FindTunnel(IpsecProtocol::kAh, traffic);
  }
  for (SecurityAssociation* const association :
       {FindTransport(IpsecProtocol::kEsp, traffic),
        FindTransport(IpsecProtocol::kAh, traffic), tunnel}) {
    if (association == nullptr) {
      continue;
    }
    const Opinion<std::uint64_t> number =
        association->NextNumber(packet.size(), OfflineSadb::kNow);
    verdict.outcome = number.ok() ? Transform(*association, packet, *number)
                                  : Passage(number.error());
    if (!verdict.outcome.ok()) {
      return verdict;
    }
    verdict.steps.push_back({association, *number});
  }
  return verdict;
}

}  // namespace postern
