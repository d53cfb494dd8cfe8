// SPDX-License-Identifier: Apache-2.0
//
// What Sealer::Create() and Opener::Create() ask of their Parameters, and the
// sizes that follow from them.
//
// Thread safety: plain values.

#ifndef POSTERN_ESP_PARAMETERS_H_
#define POSTERN_ESP_PARAMETERS_H_

#include <cstddef>

#include "core/error.h"
#include "esp/sealer.h"

namespace postern::esp {

// SPI and sequence number.
inline constexpr std::size_t kFixedHeaderSize = 8;

// The sizes of one SA's ESP packets, in octets.
struct Sizes {
  std::size_t iv = 0;
  std::size_t icv = 0;
  std::size_t alignment = 0;  // of the plaintext with its trailer

  // In front of the payload.
  std::size_t header() const { return kFixedHeaderSize + iv; }
};

// Errors: kInvalid, with a sentence that says what would fit.
Result<Sizes> CheckParameters(const Parameters& parameters);

}  // namespace postern::esp

#endif  // POSTERN_ESP_PARAMETERS_H_
