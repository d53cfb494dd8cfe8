// SPDX-License-Identifier: Apache-2.0
//
// The short look at plain ESP sees what the long one sees, and nothing else: at
// packets each of whose header's octets takes each value.

#include "pipeline/arrival.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "tests/support/packet_builder.h"

namespace postern {
namespace {

// SPI 0x1234, number 7, and a ciphertext.
Octets EspOf(const char* source, const char* destination) {
  Octets esp(48, 0xaa);
  StoreBe(Bytes(esp), 0x1234U);
  StoreBe(Bytes(esp).subspan(4), 7U);
  return PacketBuilder(source, destination).Raw(50, esp);
}

// What the long look finds in a packet, if it finds whole ESP behind nothing but
// the fixed header: the parts of it in LookAt()'s order.
struct Seen {
  Arrival arrival;
  std::size_t size = 0;
};

std::optional<Seen> LookLong(Packet& packet) {
  const Opinion<IpView> view = IpView::Parse(std::as_const(packet).bytes());
  if (!view.ok() || view->protocol() != 50 ||
      view->fragment() != IpView::Fragment::kWhole ||
      !HasRightChecksum(*view, packet)) {
    return std::nullopt;
  }
  const bool is_v4 = view->family() == IpFamily::kV4;
  Seen seen;
  if (view->payload_offset() != (is_v4 ? 20U : 40U) ||
      !PeekIpsecHeader(*view, seen.arrival.header).ok()) {
    return std::nullopt;
  }
  seen.size = view->size();
  Remember(*view, seen.arrival.header, seen.arrival.came);
  return seen;
}

Seen LookShort(ConstBytes octets) {
  Seen seen;
  seen.size = SeePlainEsp<PlainIpv4>(octets, seen.arrival);
  if (seen.size == 0) {
    seen.size = SeePlainEsp<PlainIpv6>(octets, seen.arrival);
  }
  return seen;
}

class ShortLook : public testing::Test {
 protected:
  // Returns whether the packet was taken for plain ESP.
  bool ExpectSame(const Octets& octets, const std::string& what) {
    Packet packet = pool_.Copy(octets);
    const std::optional<Seen> expected = LookLong(packet);
    const Seen seen = LookShort(octets);
    packet.Release();
    EXPECT_EQ(seen.size, expected ? expected->size : 0U) << what;
    if (expected && seen.size != 0) {
      ExpectSameHeader(*seen.arrival.header, *expected->arrival.header, what);
      ExpectSameMemory(*seen.arrival.came, *expected->arrival.came, octets,
                       what);
    } else {
      EXPECT_FALSE(seen.arrival.header) << what;
      EXPECT_FALSE(seen.arrival.came) << what;
    }
    return seen.size != 0;
  }

  static void ExpectSameHeader(const IpsecHeader& seen,
                               const IpsecHeader& expected,
                               const std::string& what) {
    EXPECT_TRUE(seen.NamesSaOf(expected)) << what;
    EXPECT_EQ(seen.sequence, expected.sequence) << what;
    EXPECT_EQ(seen.place.esp_offset, expected.place.esp_offset) << what;
    EXPECT_EQ(seen.place.protocol_offset, expected.place.protocol_offset)
        << what;
  }

  static void ExpectSameMemory(const Arrival::Came& seen,
                               const Arrival::Came& expected,
                               const Octets& octets, const std::string& what) {
    const std::size_t header = octets[0] >> 4 == 4 ? 20 : 40;
    EXPECT_TRUE(std::equal(seen.header.begin(), seen.header.begin() + header,
                           expected.header.begin()))
        << what;
    EXPECT_EQ(seen.protocol, expected.protocol) << what;
    EXPECT_EQ(seen.spi, expected.spi) << what;
    EXPECT_EQ(seen.sequence, expected.sequence) << what;
  }

  PacketPool pool_{PacketPool::Shape{}};
};

// With the checksum as it was, and mended.
TEST_F(ShortLook, SeesWhatTheLongOneSeesWhateverAnOctetSays) {
  for (const Octets& esp : {EspOf("10.9.1.1", "10.9.2.1"),
                            EspOf("2001:db8::1", "2001:db8:0:1::9")}) {
    const bool is_v4 = esp[0] >> 4 == 4;
    std::size_t taken = 0;
    for (std::size_t at = 0; at < (is_v4 ? 28U : 48U); ++at) {
      for (unsigned value = 0; value < 256; ++value) {
        Octets changed = esp;
        changed[at] = static_cast<std::uint8_t>(value);
        const std::string what =
            std::to_string(at) + " = " + std::to_string(value);
        taken += ExpectSame(changed, what) ? 1U : 0U;
        if (is_v4 && changed[0] == 0x45) {
          MendIpv4Checksum(changed);
          taken += ExpectSame(changed, what + ", mended") ? 1U : 0U;
        }
      }
    }
    EXPECT_GT(taken, 1000U);
  }
}

TEST_F(ShortLook, SeesWhatTheLongOneSeesWhereverThePacketIsCutOrGoesOn) {
  for (const Octets& esp : {EspOf("10.9.1.1", "10.9.2.1"),
                            EspOf("2001:db8::1", "2001:db8:0:1::9")}) {
    for (std::size_t size = 0; size <= esp.size() + 8; ++size) {
      Octets cut = esp;
      cut.resize(size);
      EXPECT_EQ(ExpectSame(cut, std::to_string(size)), size >= esp.size());
    }
  }
}

// Every payload that is too short for SPI and number, and the first that is not.
TEST_F(ShortLook, NeedsAnSpiAndANumber) {
  for (std::size_t payload = 0; payload <= 9; ++payload) {
    for (const auto& builder : {PacketBuilder("10.9.1.1", "10.9.2.1"),
                                PacketBuilder("2001:db8::1", "2001:db8::2")}) {
      const Octets packet = builder.Raw(50, Octets(payload, 1));
      EXPECT_EQ(ExpectSame(packet, std::to_string(payload)), payload >= 8);
    }
  }
}

TEST_F(ShortLook, LeavesOptionsExtensionsAndFragmentsToTheLongOne) {
  const Octets esp(48, 1);
  const auto v4 = [] { return PacketBuilder("10.9.1.1", "10.9.2.1"); };
  EXPECT_TRUE(ExpectSame(v4().DontFragment().Raw(50, esp), "DF"));
  EXPECT_FALSE(
      ExpectSame(v4().Ipv4Options({1, 1, 1, 0}).Raw(50, esp), "options"));
  EXPECT_FALSE(ExpectSame(v4().MoreFragments().Raw(50, esp), "MF"));
  EXPECT_FALSE(ExpectSame(v4().FragmentOffset(3).Raw(50, esp), "later"));
  PacketBuilder v6("2001:db8::1", "2001:db8::2");
  EXPECT_FALSE(ExpectSame(
      v6.Extension(60, {0, 0, 1, 4, 0, 0, 0, 0}).Raw(50, esp), "extension"));
}

// A header of which every sum of words comes out: against the definition.
TEST(PlainIpv4, HasTheRightChecksumExactlyByTheDefinition) {
  Octets header(20);
  EXPECT_FALSE(PlainIpv4::HasRightChecksum(ConstBytes(header).first<20>()));
  header = EspOf("255.255.255.255", "255.255.255.254");
  std::size_t right = 0;
  for (unsigned checksum = 0; checksum < 0x10000; ++checksum) {
    StoreBe(Bytes(header).subspan(10), static_cast<std::uint16_t>(checksum));
    std::uint32_t sum = 0;
    for (std::size_t at = 0; at < 20; at += 2) {
      sum += LoadBe<std::uint16_t>(ConstBytes(header).subspan(at));
    }
    const bool expected = sum % 0xffff == 0;
    right += expected ? 1U : 0U;
    ASSERT_EQ(PlainIpv4::HasRightChecksum(ConstBytes(header).first<20>()),
              expected)
        << checksum;
  }
  EXPECT_GE(right, 1U);
}

}  // namespace
}  // namespace postern
