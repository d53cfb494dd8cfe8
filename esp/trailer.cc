// SPDX-License-Identifier: Apache-2.0

#include "esp/trailer.h"

namespace postern::esp {

void WriteTrailer(std::uint8_t next_header, Bytes trailer) {
  const std::size_t padding = trailer.size() - kShortestTrailer;
  for (std::size_t i = 0; i < padding; ++i) {
    trailer[i] = static_cast<std::uint8_t>(i + 1);
  }
  trailer[padding] = static_cast<std::uint8_t>(padding);
  trailer[padding + 1] = next_header;
}

Opinion<Trailer> ReadTrailer(ConstBytes plaintext) {
  if (plaintext.size() < kShortestTrailer) {
    return DropReason::kBadPadding;
  }
  const std::size_t room = plaintext.size() - kShortestTrailer;
  const std::size_t padding = plaintext[room];
  if (padding > room) {
    return DropReason::kBadPadding;
  }
  const ConstBytes pad = plaintext.subspan(room - padding, padding);
  for (std::size_t i = 0; i < padding; ++i) {
    if (pad[i] != i + 1) {
      return DropReason::kBadPadding;
    }
  }
  return Trailer{room - padding, plaintext.back()};
}

}  // namespace postern::esp
