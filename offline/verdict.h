// SPDX-License-Identifier: Apache-2.0
//
// What became of one packet, by which SAs, or why it goes no further.
//
// Thread safety: plain values.

#ifndef POSTERN_OFFLINE_VERDICT_H_
#define POSTERN_OFFLINE_VERDICT_H_

#include <cstdint>
#include <vector>

#include "core/drop_reason.h"
#include "sadb/security_association.h"

namespace postern {

// One transform: the SA, and the packet's full number.
struct Step {
  SecurityAssociation* association = nullptr;
  std::uint64_t sequence = 0;
};

// In the order in which they were done; none: the packet is as it was.
using Steps = std::vector<Step>;

struct Verdict {
  Steps steps;
  Passage outcome = Pass();
};

}  // namespace postern

#endif  // POSTERN_OFFLINE_VERDICT_H_
