// SPDX-License-Identifier: Apache-2.0
//
// Whether a pipeline has taken its whole batch.
//
// Thread safety: a plain value.

#ifndef POSTERN_PIPELINE_REST_H_
#define POSTERN_PIPELINE_REST_H_

#include <cstdint>

namespace postern {

// kMore: the output is full; empty it and call again.
enum class Rest : std::uint8_t { kDone, kMore };

}  // namespace postern

#endif  // POSTERN_PIPELINE_REST_H_
