// SPDX-License-Identifier: Apache-2.0

#include "sadb/peer_moves.h"

namespace postern {
namespace {

enum class Sameness : std::uint8_t { kSame, kOther, kUnknown };

Sameness ComparePeers(const SaParameters& a, const SaParameters& b) {
  if (!a.peer_identity || !b.peer_identity) {
    return Sameness::kUnknown;
  }
  return *a.peer_identity == *b.peer_identity ? Sameness::kSame
                                              : Sameness::kOther;
}

// Whether nobody else is at this address, or everybody else has another name.
struct Neighbours {
  bool any = false;
  bool any_unknown = false;
};

Neighbours NeighboursOf(Sadb& sadb, const SecurityAssociation& inbound) {
  Neighbours neighbours;
  sadb.Dump([&](SecurityAssociation& sa) {
    if (&sa == &inbound || sa.nat() == nullptr || !sa.usable() ||
        sa.parameters().direction != Direction::kInbound ||
        sa.parameters().source != inbound.parameters().source) {
      return;
    }
    const Sameness sameness =
        ComparePeers(sa.parameters(), inbound.parameters());
    neighbours.any = neighbours.any || sameness != Sameness::kSame;
    neighbours.any_unknown =
        neighbours.any_unknown || sameness == Sameness::kUnknown;
  });
  return neighbours;
}

}  // namespace

bool MovePeer(Sadb& sadb, SecurityAssociation& inbound, std::uint16_t port) {
  const Neighbours neighbours = NeighboursOf(sadb, inbound);
  if (neighbours.any_unknown) {
    return false;
  }
  const SaParameters& from_peer = inbound.parameters();
  const UdpPorts old = inbound.nat()->ports();
  const UdpPorts to_peer = {.source = old.destination,
                            .destination = old.source};
  sadb.Dump([&](SecurityAssociation& sa) {
    const bool is_back = sa.parameters().direction == Direction::kOutbound &&
                         sa.parameters().destination == from_peer.source &&
                         sa.nat() != nullptr && sa.nat()->ports() == to_peer;
    const bool is_its =
        !neighbours.any ||
        ComparePeers(sa.parameters(), from_peer) == Sameness::kSame;
    if (is_back && is_its) {
      sa.nat()->SetPeerPort(port);
    }
  });
  inbound.nat()->SetPeerPort(port);
  return true;
}

}  // namespace postern
