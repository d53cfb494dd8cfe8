// SPDX-License-Identifier: Apache-2.0
//
// Two peers behind one NAT have one address and differ in their UDP ports. SAs to
// both that are for the same packets leave open which of them a packet is for, and
// the newest would take the other's (RFC 3948 5.1, 5.2: UDP-16, UDP-17):
//
//     SA 1   here -> NAT:5001   remote port 80      a packet to NAT, port 80:
//     SA 2   here -> NAT:5002   any                 whose is it?
//
// So the second is refused, until its selector names other packets.
//
// Thread safety: Control-confined.

#ifndef POSTERN_SADB_NAT_CONFLICT_H_
#define POSTERN_SADB_NAT_CONFLICT_H_

#include "core/error.h"
#include "sadb/sadb.h"

namespace postern {

// Not of SAs of two sockets' own, and not of one peer, which both SAs name by the
// same peer_identity: that may have got another port.
// Errors: kExists, with the other SA and what to do.
// Cost: for an outbound SA in UDP a walk over all SAs, for any other nothing.
Status CheckNatConflict(Sadb& sadb, const SaParameters& added);

}  // namespace postern

#endif  // POSTERN_SADB_NAT_CONFLICT_H_
