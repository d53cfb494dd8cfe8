// SPDX-License-Identifier: Apache-2.0
//
// IVs for CBC, which must be unpredictable to whoever chooses plaintexts
// (RFC 3602 3, 2451 3). They come from the system's random generator, drawn for many
// packets at a time; never from a counter, and never from an earlier packet's
// ciphertext, which an attacker has seen.
//
// Thread safety: Worker-confined.
// Cost: a copy; a call of the generator every kAhead packets.

#ifndef POSTERN_ESP_UNPREDICTABLE_IVS_H_
#define POSTERN_ESP_UNPREDICTABLE_IVS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/drop_reason.h"

namespace postern::esp {

class UnpredictableIvs {
 public:
  static constexpr std::size_t kIvSize = 16;  // the longest
  static constexpr std::size_t kAhead = 64;

  // Fills `iv` with octets that no other call gets.
  // REQUIRES: iv.size() is at most kIvSize.
  // Errors: kCryptoFailed when the generator fails.
  Passage Next(Bytes iv);

 private:
  std::array<std::uint8_t, kIvSize * kAhead> drawn_{};
  std::size_t used_ = kIvSize * kAhead;
};

}  // namespace postern::esp

#endif  // POSTERN_ESP_UNPREDICTABLE_IVS_H_
