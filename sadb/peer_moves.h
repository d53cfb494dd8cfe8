// SPDX-License-Identifier: Apache-2.0
//
// A peer behind a NAT has another port now (RFC 3948, RFC 7296 2.23).
//
// Several peers may be behind one NAT, and then have one address. SAs with
// different peer identities are different peers'; without identities nothing tells
// them apart, and one peer's move must not take another one's packets along.
//
// Thread safety: Control-confined.

#ifndef POSTERN_SADB_PEER_MOVES_H_
#define POSTERN_SADB_PEER_MOVES_H_

#include <cstdint>

#include "sadb/sadb.h"

namespace postern {

// The peer of this inbound SA in UDP is reached by another port: the SA expects
// it there, and the packets of all outbound SAs to the same peer that had the
// old port have this one. Nothing moves, and it returns false, when another
// inbound SA in UDP from the same address may be somebody else's.
// REQUIRES: inbound.nat() != nullptr; it is one of the SADB's.
// Cost: two walks over all SAs.
[[nodiscard]] bool MovePeer(Sadb& sadb, SecurityAssociation& inbound,
                            std::uint16_t port);

}  // namespace postern

#endif  // POSTERN_SADB_PEER_MOVES_H_
