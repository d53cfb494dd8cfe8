// SPDX-License-Identifier: Apache-2.0
//
// The configuration's [acquire]: how long SAs are asked for, and how many packets
// wait for them.
//
// Thread safety: plain values.

#ifndef POSTERN_DAEMON_ACQUIRE_SETTINGS_H_
#define POSTERN_DAEMON_ACQUIRE_SETTINGS_H_

#include "pipeline/held_packets.h"
#include "policy/acquires.h"
#include "settings/section.h"

namespace postern {

struct AcquireSettings {
  Acquires::Limits acquires;
  HeldPackets::Limits held;
};

// Reads all keys and calls section.Finish(); what is absent or defective has its
// default.
AcquireSettings ReadAcquireSettings(Section& section);

}  // namespace postern

#endif  // POSTERN_DAEMON_ACQUIRE_SETTINGS_H_
