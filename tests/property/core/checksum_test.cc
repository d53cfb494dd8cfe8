// SPDX-License-Identifier: Apache-2.0
//
// The checksum against its definition, word by word (RFC 1071 section 1).

#include "core/net/checksum.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

#include "core/net/word_sum.h"

namespace postern {
namespace {

std::uint16_t Definition(const std::vector<std::uint8_t>& octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < octets.size(); i += 2) {
    const std::uint32_t low = i + 1 < octets.size() ? octets[i + 1] : 0;
    sum += static_cast<std::uint32_t>(octets[i] << 8) | low;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum);
}

std::vector<std::uint8_t> RandomOctets(std::mt19937& random, std::size_t size) {
  std::vector<std::uint8_t> octets(size);
  // Many 0x00 and 0xff: carries are where sums go wrong.
  for (std::uint8_t& octet : octets) {
    const auto pick = random();
    octet = pick % 4 == 0   ? 0xff
            : pick % 4 == 1 ? 0x00
                            : static_cast<std::uint8_t>(pick >> 8);
  }
  return octets;
}

TEST(ChecksumProperty, AgreesWithTheDefinitionAtEveryLength) {
  std::mt19937 random(1071);
  for (std::size_t size = 0; size <= 300; ++size) {
    for (int i = 0; i < 20; ++i) {
      const std::vector<std::uint8_t> octets = RandomOctets(random, size);
      ASSERT_EQ(InternetChecksum(octets), Definition(octets)) << size;
    }
  }
  for (const std::size_t size : {1499U, 9000U, 65535U}) {
    const std::vector<std::uint8_t> octets = RandomOctets(random, size);
    ASSERT_EQ(InternetChecksum(octets), Definition(octets)) << size;
    const std::vector<std::uint8_t> ones(size, 0xff);
    ASSERT_EQ(InternetChecksum(ones), Definition(ones)) << size;
  }
}

// Each way of summing, whichever this machine would choose, at every alignment.
TEST(ChecksumProperty, EveryLoopAgreesWithTheDefinitionAndCopies) {
  std::mt19937 random(815);
  for (std::size_t size = 0; size <= 300; ++size) {
    for (std::size_t start = 0; start < 8; ++start) {
      const std::vector<std::uint8_t> room = RandomOctets(random, size + start);
      const ConstBytes octets = ConstBytes(room).subspan(start);
      const std::uint16_t expected = Definition({octets.begin(), octets.end()});
      const auto checksum = [](std::uint16_t words) {
        const auto low = static_cast<std::uint8_t>(words >> 8);
        const auto high = static_cast<std::uint8_t>(words);
        const std::array<std::uint8_t, 2> memory =
            std::endian::native == std::endian::little ? std::array{high, low}
                                                       : std::array{low, high};
        return static_cast<std::uint16_t>(~LoadBe<std::uint16_t>(memory));
      };
      ASSERT_EQ(checksum(SumWords(octets)), expected) << size;
      ASSERT_EQ(checksum(SumWordsPortably(octets)), expected) << size;
      for (const auto loop : {CopyAndSumWords, CopyAndSumWordsPortably}) {
        std::vector<std::uint8_t> copy(size + 1, 0xa5);
        ASSERT_EQ(checksum(loop(copy, octets)), expected) << size;
        ASSERT_TRUE(std::equal(octets.begin(), octets.end(), copy.begin()));
        ASSERT_EQ(copy.back(), 0xa5) << "wrote behind the end of " << size;
      }
    }
  }
}

TEST(ChecksumProperty, CopiesFromAnOddPlaceOn) {
  std::mt19937 random(3);
  for (std::size_t cut = 0; cut <= 200; ++cut) {
    const std::vector<std::uint8_t> octets = RandomOctets(random, 200);
    std::vector<std::uint8_t> copy(200);
    InternetSum sum;
    sum.AddCopying(copy, ConstBytes(octets).first(cut));
    sum.AddCopying(Bytes(copy).subspan(cut), ConstBytes(octets).subspan(cut));
    ASSERT_EQ(sum.Checksum(), Definition(octets)) << cut;
    ASSERT_EQ(copy, octets);
  }
}

TEST(ChecksumProperty, DoesNotCareWhereARangeIsCut) {
  std::mt19937 random(1624);
  for (int i = 0; i < 5'000; ++i) {
    const std::vector<std::uint8_t> octets = RandomOctets(random, 120);
    const std::size_t first = random() % 121;
    const std::size_t second = first + random() % (121 - first);
    InternetSum sum;
    sum.Add(ConstBytes(octets).first(first));
    sum.Add(ConstBytes(octets).subspan(first, second - first));
    sum.Add(ConstBytes(octets).subspan(second));
    ASSERT_EQ(sum.Checksum(), Definition(octets)) << first << ", " << second;
  }
}

TEST(ChecksumProperty, AddsWordsAsIfTheyWereOctets) {
  std::mt19937 random(793);
  for (int i = 0; i < 1'000; ++i) {
    const std::vector<std::uint8_t> octets = RandomOctets(random, 20);
    InternetSum sum;
    sum.AddWord(LoadBe<std::uint16_t>(octets));
    sum.Add(ConstBytes(octets).subspan(2));
    ASSERT_EQ(sum.Checksum(), Definition(octets));
  }
}

}  // namespace
}  // namespace postern
