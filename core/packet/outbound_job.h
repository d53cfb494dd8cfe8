// SPDX-License-Identifier: Apache-2.0
//
// An OutboundJob is one packet of a burst that one SA is to protect:
// esp::Sealer::Seal() and ah::Signer::Sign() take a span of them. Every job has
// its own outcome; a packet that is refused harms no other.
//
// Thread safety: a plain value; it borrows the packet.

#ifndef POSTERN_CORE_PACKET_OUTBOUND_JOB_H_
#define POSTERN_CORE_PACKET_OUTBOUND_JOB_H_

#include <cstdint>

#include "core/drop_reason.h"
#include "core/packet/packet.h"

namespace postern {

struct OutboundJob {
  Packet* packet = nullptr;  // each job's its own
  std::uint64_t seq = 0;     // the full number
  // Written by the transform.
  Passage outcome = DropReason::kCryptoFailed;
};

}  // namespace postern

#endif  // POSTERN_CORE_PACKET_OUTBOUND_JOB_H_
