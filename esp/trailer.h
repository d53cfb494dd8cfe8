// SPDX-License-Identifier: Apache-2.0
//
// The ESP trailer (RFC 4303 2.4 - 2.6), which is encrypted with the payload:
//
//   payload, TFC padding | 1  2  3 ... n | n | next header |
//                          \_ padding _/   \_ pad length
//
// A sender pads with 1, 2, 3, ... to the smallest size that ends on the
// alignment; a receiver takes any amount up to 255 but inspects the content.
//
// Thread safety: plain values.

#ifndef POSTERN_ESP_TRAILER_H_
#define POSTERN_ESP_TRAILER_H_

#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/drop_reason.h"

namespace postern::esp {

// Pad length and next header.
inline constexpr std::size_t kShortestTrailer = 2;
// The most that a sender writes: one octet less than a 16-octet block of
// padding, and the two fields.
inline constexpr std::size_t kLongestTrailer = 15 + kShortestTrailer;

// Octets of the trailer behind `payload` octets.
// REQUIRES: alignment is a power of two, 4 to 16.
constexpr std::size_t TrailerSize(std::size_t payload, std::size_t alignment) {
  const std::size_t over = (payload + kShortestTrailer) & (alignment - 1);
  return kShortestTrailer + (over == 0 ? 0 : alignment - over);
}

// Fills `trailer`, whose size is TrailerSize().
void WriteTrailer(std::uint8_t next_header, Bytes trailer);

struct Trailer {
  std::size_t payload_size;  // without the trailer
  std::uint8_t next_header;
};

// Errors: kBadPadding (longer than the plaintext, or not 1, 2, 3, ...).
Opinion<Trailer> ReadTrailer(ConstBytes plaintext);

}  // namespace postern::esp

#endif  // POSTERN_ESP_TRAILER_H_
