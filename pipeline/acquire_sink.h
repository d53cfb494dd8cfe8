// SPDX-License-Identifier: Apache-2.0
//
// Where the outbound pipeline says that a packet needs an SA that does not
// exist (RFC 2367 3.1.6). The daemon logs it and counts it; key management will
// answer it.
//
// Thread safety: Thread-safe; never blocks.

#ifndef POSTERN_PIPELINE_ACQUIRE_SINK_H_
#define POSTERN_PIPELINE_ACQUIRE_SINK_H_

#include "policy/decide.h"

namespace postern {

class AcquireSink {
 public:
  virtual ~AcquireSink() = default;

  // May be called for every packet of a flow: the receiver bounds and merges.
  virtual void Acquire(const NeedSa& need) = 0;
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_ACQUIRE_SINK_H_
