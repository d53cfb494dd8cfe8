// SPDX-License-Identifier: Apache-2.0
//
// AH, ESP and ESP in UDP of every length that is too short to be anything.

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/sim/sim_host.h"

namespace postern {
namespace {

struct Ends {
  const char* alice;
  const char* bob;
};

// What is behind the SPI and the number, or in their place.
enum class Filling { kZeros, kOnes, kNoise };

class ShortPackets : public testing::TestWithParam<Ends> {
 protected:
  ShortPackets() {
    for (const Category category : kCategories) {
      AddSaPair(alice_, bob_, category);
    }
    esp_ = SaFor(alice_.address(), bob_.address(), Category::kEspTransport);
    esp_.spi = Spi{0x4500};
    esp_.encapsulation = UdpPorts{.source = 4500, .destination = 4500};
    esp_.encryption_key = SecretBytes(Octets(20, 0x45));
    esp_.direction = Direction::kInbound;
    EXPECT_TRUE(bob_.sadb().Add(esp_, {}, bob_.now()).ok());
  }

  Spi SpiOf(Category category) const {
    return SaFor(alice_.address(), bob_.address(), category).spi;
  }

  // As much of a header that names this SA as these many octets hold.
  Octets Filled(std::size_t size, Spi spi, std::size_t spi_at,
                Filling filling) {
    Octets octets(size, filling == Filling::kOnes ? 0xff : 0x00);
    if (filling == Filling::kNoise) {
      for (std::uint8_t& octet : octets) {
        octet = static_cast<std::uint8_t>(random_());
      }
    }
    Octets header(4);
    StoreBe(Bytes(header), Number(spi));
    for (std::size_t i = 0; i < 4 && spi_at + i < size; ++i) {
      octets[spi_at + i] = header[i];
    }
    if (spi_at + 8 <= size) {
      StoreBe(Bytes(octets).subspan(spi_at + 4), 9U);
    }
    return octets;
  }

  PacketBuilder FromAlice() const { return {GetParam().alice, GetParam().bob}; }

  // Dropped by a name, with nothing left behind.
  void ExpectRefused(const Octets& packet, std::size_t size) {
    EXPECT_TRUE(bob_.Receive(packet).empty()) << size;
    ASSERT_TRUE(bob_.drained()) << size;
    ASSERT_EQ(bob_.forgotten(), 0u) << size;
  }

  std::uint64_t AllDrops() const {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
      all += bob_.drops(static_cast<DropReason>(i));
    }
    return all;
  }

  SimHost alice_{GetParam().alice};
  SimHost bob_{GetParam().bob};
  SaParameters esp_;
  std::mt19937 random_{15};
};

constexpr std::size_t kLongest = 128;

// DEF-15
TEST_P(ShortPackets, OfEspAreRefusedAtEveryLength) {
  for (const Category category :
       {Category::kEspTransport, Category::kEspNetwork}) {
    for (std::size_t size = 0; size <= kLongest; ++size) {
      for (const Filling filling :
           {Filling::kZeros, Filling::kOnes, Filling::kNoise}) {
        ExpectRefused(
            FromAlice().Raw(50, Filled(size, SpiOf(category), 0, filling)),
            size);
      }
    }
  }
  EXPECT_EQ(AllDrops(), 2 * 3 * (kLongest + 1));
  EXPECT_GT(bob_.drops(DropReason::kBadIcv), 0u);
}

// DEF-15: with every length field that could fit, too.
TEST_P(ShortPackets, OfAhAreRefusedAtEveryLength) {
  const std::size_t header_sizes[] = {12, 24, 28, 32};
  for (std::size_t size = 0; size <= kLongest; ++size) {
    for (const std::size_t header : header_sizes) {
      for (const std::uint8_t next : Octets{0, 4, 17, 41, 50, 51, 59}) {
        Octets ah = Filled(size, SpiOf(Category::kAh), 4, Filling::kNoise);
        if (size > 0) {
          ah[0] = next;
        }
        if (size > 1) {
          ah[1] = static_cast<std::uint8_t>(header / 4 - 2);
        }
        ExpectRefused(FromAlice().Raw(51, ah), size);
      }
    }
  }
  EXPECT_EQ(AllDrops(), (kLongest + 1) * 4 * 7);
  EXPECT_GT(bob_.drops(DropReason::kBadIcv), 0u);
}

// DEF-15, DEF-20
TEST_P(ShortPackets, OfEspInUdpAreRefusedAtEveryLength) {
  for (std::size_t size = 0; size <= kLongest; ++size) {
    for (const Filling filling : {Filling::kOnes, Filling::kNoise}) {
      ExpectRefused(
          FromAlice().Udp(4500, 4500, Filled(size, esp_.spi, 0, filling)),
          size);
    }
  }
  EXPECT_EQ(AllDrops(), 2 * (kLongest + 1));
  EXPECT_GT(bob_.drops(DropReason::kBadIcv), 0u);
}

INSTANTIATE_TEST_SUITE_P(Families, ShortPackets,
                         testing::Values(Ends{"10.9.1.1", "10.9.2.1"},
                                         Ends{"fd00:9:1::1", "fd00:9:2::1"}),
                         [](const auto& row) {
                           return row.param.alice[0] == '1' ? "V4" : "V6";
                         });

}  // namespace
}  // namespace postern
