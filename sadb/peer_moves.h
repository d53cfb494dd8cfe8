// SPDX-License-Identifier: Apache-2.0
//
// A peer behind a NAT has another port now (RFC 3948, RFC 7296 2.23).
//
// Thread safety: Control-confined.

#ifndef POSTERN_SADB_PEER_MOVES_H_
#define POSTERN_SADB_PEER_MOVES_H_

#include <cstdint>

#include "sadb/sadb.h"

namespace postern {

// The peer of this inbound SA in UDP is reached by another port: the SA expects
// it there, and the packets of all outbound SAs to the same peer that had the
// old port have this one.
// REQUIRES: inbound.nat() != nullptr; it is one of the SADB's.
// Cost: a walk over all SAs.
void MovePeer(Sadb& sadb, SecurityAssociation& inbound, std::uint16_t port);

}  // namespace postern

#endif  // POSTERN_SADB_PEER_MOVES_H_
