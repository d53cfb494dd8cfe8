// SPDX-License-Identifier: Apache-2.0
//
// The checksum against its definition, word by word (RFC 1071 section 1).

#include "core/net/checksum.h"

#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

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
