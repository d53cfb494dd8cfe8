// SPDX-License-Identifier: Apache-2.0

#include "esp/trailer.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace postern::esp {
namespace {

using Octets = std::vector<std::uint8_t>;

// A payload, and a trailer that announces `length` octets of padding.
Octets Plaintext(std::size_t payload, std::size_t length,
                 std::uint8_t next_header) {
  Octets octets(payload, 0xaa);
  for (std::size_t i = 1; i <= length; ++i) {
    octets.push_back(static_cast<std::uint8_t>(i));
  }
  octets.push_back(static_cast<std::uint8_t>(length));
  octets.push_back(next_header);
  return octets;
}

// ESP-08, ESP-09, ESP-10, GCM-06, CBC-02: the definition, with no arithmetic in
// common: the smallest padding that ends on the alignment.
TEST(EspTrailer, IsTheShortestThatEndsOnTheAlignment) {
  for (const std::size_t alignment : {4U, 8U, 16U}) {
    for (std::size_t payload = 0; payload <= 2000; ++payload) {
      std::size_t padding = 0;
      while ((payload + padding + 2) % alignment != 0) {
        ++padding;
      }
      ASSERT_EQ(TrailerSize(payload, alignment), padding + 2);
      ASSERT_LE(TrailerSize(payload, alignment), kLongestTrailer);
      Octets trailer(padding + 2, 0xee);
      WriteTrailer(17, trailer);
      ASSERT_EQ(trailer, Plaintext(0, padding, 17));
    }
  }
}

// ESP-07, ESP-13
TEST(EspTrailer, IsReadWithAnyPaddingUpTo255) {
  for (const std::size_t payload : {0U, 1U, 20U, 1400U}) {
    for (std::size_t padding = 0; padding <= 255; ++padding) {
      const Opinion<Trailer> trailer =
          ReadTrailer(Plaintext(payload, padding, 6));
      ASSERT_TRUE(trailer.ok());
      EXPECT_EQ(trailer->payload_size, payload);
      EXPECT_EQ(trailer->next_header, 6);
    }
  }
}

// ESP-11: each octet of the padding is looked at.
TEST(EspTrailer, IsRefusedWhenAnyPaddingOctetIsWrong) {
  constexpr std::size_t kPayload = 5;
  for (std::size_t padding = 1; padding <= 255; padding += 7) {
    for (std::size_t i = 0; i < padding; ++i) {
      Octets plaintext = Plaintext(kPayload, padding, 6);
      plaintext[kPayload + i] ^= 0x80;
      ASSERT_EQ(ReadTrailer(plaintext).error(), DropReason::kBadPadding);
    }
  }
}

// ESP-13: the pad length may claim more than there is.
TEST(EspTrailer, IsRefusedWhenItIsLongerThanThePlaintext) {
  for (std::size_t size = 2; size <= 257; ++size) {
    Octets plaintext(size);
    for (std::size_t length = size - 1; length <= 255; ++length) {
      plaintext[size - 2] = static_cast<std::uint8_t>(length);
      ASSERT_EQ(ReadTrailer(plaintext).error(), DropReason::kBadPadding);
    }
  }
}

TEST(EspTrailer, IsRefusedWhenItIsNotThere) {
  EXPECT_EQ(ReadTrailer(Octets{}).error(), DropReason::kBadPadding);
  EXPECT_EQ(ReadTrailer(Octets{0}).error(), DropReason::kBadPadding);
}

}  // namespace
}  // namespace postern::esp
