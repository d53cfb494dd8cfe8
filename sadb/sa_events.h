// SPDX-License-Identifier: Apache-2.0
//
// What SAs tell the control thread. Workers post these into a sink and never
// wait; the sink may refuse (a full queue), and then the cause is posted again
// on a later packet, because each event is level-triggered by the SA's state.
//
// Thread safety: plain values; a sink is Thread-safe.

#ifndef POSTERN_SADB_SA_EVENTS_H_
#define POSTERN_SADB_SA_EVENTS_H_

#include <cstdint>

#include "sadb/sa_parameters.h"

namespace postern {

struct SaEvent {
  enum class Kind : std::uint8_t {
    kSoftExpired,     // mature -> dying: time for a successor
    kHardExpired,     // -> dead: no packet in or out
    kReserveMore,     // the sequence numbers reserved on disk run low
    kNumbersEnded,    // the sequence numbers are used up (audited)
    kMappingChanged,  // the peer's NAT gave it another port or address
  };

  Kind kind = Kind::kSoftExpired;
  SaIdentity identity;
  std::uint64_t generation_id = 0;  // of this very SA: SPIs may be reused
};

class SaEventSink {
 public:
  virtual ~SaEventSink() = default;

  // False when the event could not be taken.
  virtual bool Post(const SaEvent& event) = 0;
};

}  // namespace postern

#endif  // POSTERN_SADB_SA_EVENTS_H_
