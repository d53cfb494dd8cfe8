// SPDX-License-Identifier: Apache-2.0

#include "sadb/peer_moves.h"

namespace postern {

void MovePeer(Sadb& sadb, SecurityAssociation& inbound, std::uint16_t port) {
  const IpAddress& peer = inbound.parameters().source;
  const UdpPorts from_peer = inbound.nat()->ports();
  const UdpPorts to_peer = {.source = from_peer.destination,
                            .destination = from_peer.source};
  sadb.Dump([&](SecurityAssociation& sa) {
    const bool is_back = sa.parameters().direction == Direction::kOutbound &&
                         sa.parameters().destination == peer &&
                         sa.nat() != nullptr && sa.nat()->ports() == to_peer;
    if (is_back) {
      sa.nat()->SetPeerPort(port);
    }
  });
  inbound.nat()->SetPeerPort(port);
}

}  // namespace postern
