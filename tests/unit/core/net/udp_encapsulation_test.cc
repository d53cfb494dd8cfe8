// SPDX-License-Identifier: Apache-2.0

#include "core/net/udp_encapsulation.h"

#include <optional>
#include <utility>

#include "gtest/gtest.h"

#include "core/net/checksum.h"
#include "core/packet/packet_pool.h"
#include "tests/support/packet_builder.h"

namespace postern {
namespace {

constexpr UdpPorts kPorts = {.source = 4500, .destination = 61234};
constexpr std::uint8_t kEsp = 50;
constexpr std::uint8_t kUdp = 17;

PacketBuilder V4() {
  return {"10.9.1.1", "10.9.2.1"};
}

PacketBuilder V6() {
  return {"fd00:9:1::1", "fd00:9:2::1"};
}

Octets EspOf(std::size_t size) {
  Octets esp(size);
  for (std::size_t i = 0; i < size; ++i) {
    esp[i] = static_cast<std::uint8_t>(i + 1);
  }
  return esp;
}

class UdpEncapsulationTest : public ::testing::Test {
 protected:
  Octets Encapsulated(const Octets& packet) {
    Packet held = pool_.Copy(packet);
    EXPECT_TRUE(EncapsulateInUdp(held, kPorts).ok());
    return Taken(held);
  }

  Octets Decapsulated(const Octets& packet) {
    Packet held = pool_.Copy(packet);
    const auto view = IpView::Parse(std::as_const(held).bytes());
    EXPECT_TRUE(view.ok() && PeekUdpPorts(*view).ok());
    EXPECT_TRUE(DecapsulateFromUdp(held, *view).ok());
    return Taken(held);
  }

  static Octets Mended(Octets packet) {
    const auto view = IpView::Parse(packet);
    EXPECT_TRUE(view.ok());
    MendTransportChecksum(packet, *view);
    return packet;
  }

  PacketPool pool_{{.packets = 4, .payload = 2048}};

 private:
  static Octets Taken(Packet& packet) {
    const ConstBytes octets = std::as_const(packet).bytes();
    Octets copy(octets.begin(), octets.end());
    packet.Release();
    return copy;
  }
};

// UDP-02, UDP-14: the builder writes UDP by RFC 768, but with a checksum.
TEST_F(UdpEncapsulationTest, WritesTheDatagramThatABuilderWrites) {
  for (const std::size_t size : {8U, 9U, 60U, 1400U}) {
    Octets v4 = V4().Udp(4500, 61234, EspOf(size));
    v4[26] = v4[27] = 0;
    EXPECT_EQ(Encapsulated(V4().Raw(kEsp, EspOf(size))), v4);
    // UDP-20: in IPv6 there is one.
    EXPECT_EQ(Encapsulated(V6().Raw(kEsp, EspOf(size))),
              V6().Udp(4500, 61234, EspOf(size)));
  }
}

TEST_F(UdpEncapsulationTest, LeavesOptionsAndExtensionHeadersInFront) {
  const Octets options = {7, 7, 4, 0, 0, 0, 0, 0};
  Octets v4 = V4().Ipv4Options(options).Udp(4500, 61234, EspOf(40));
  v4[34] = v4[35] = 0;
  EXPECT_EQ(Encapsulated(V4().Ipv4Options(options).Raw(kEsp, EspOf(40))), v4);
  const Octets header(8);
  EXPECT_EQ(Encapsulated(V6().Extension(0, header).Raw(kEsp, EspOf(40))),
            V6().Extension(0, header).Udp(4500, 61234, EspOf(40)));
}

TEST_F(UdpEncapsulationTest, WritesKeepalives) {  // UDP-06
  Octets v4 = V4().DontFragment().Udp(4500, 61234, {0xff});
  // RFC 6864 4.1: the identification of what is not fragmented means nothing.
  v4[4] = v4[5] = v4[10] = v4[11] = 0;
  StoreBe(Bytes(v4).subspan(10), InternetChecksum(ConstBytes(v4).first(20)));
  v4[26] = v4[27] = 0;
  const auto of = [](const char* from, const char* to) {
    return NatKeepalive(*IpAddress::Parse(from), *IpAddress::Parse(to), kPorts);
  };
  EXPECT_EQ(of("10.9.1.1", "10.9.2.1"), v4);
  EXPECT_EQ(of("fd00:9:1::1", "fd00:9:2::1"), V6().Udp(4500, 61234, {0xff}));
}

// DEF-05
TEST_F(UdpEncapsulationTest, NeedsRoomInFront) {
  PacketPool tight({.packets = 1, .payload = 2048, .headroom = 7});
  Packet packet = tight.Copy(V4().Raw(kEsp, EspOf(40)));
  const Passage done = EncapsulateInUdp(packet, kPorts);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error(), DropReason::kNoHeadroom);
  packet.Release();
}

// UDP-03, UDP-15: with a checksum and without.
TEST_F(UdpEncapsulationTest, TakesAwayWhatABuilderWrote) {
  for (const std::size_t size : {8U, 9U, 60U, 1400U}) {
    Octets v4 = V4().Udp(4500, 61234, EspOf(size));
    EXPECT_EQ(Decapsulated(v4), V4().Raw(kEsp, EspOf(size)));
    v4[26] = v4[27] = 0;
    EXPECT_EQ(Decapsulated(v4), V4().Raw(kEsp, EspOf(size)));
    EXPECT_EQ(Decapsulated(V6().Udp(4500, 61234, EspOf(size))),
              V6().Raw(kEsp, EspOf(size)));
  }
}

TEST_F(UdpEncapsulationTest, TakesTheDatagramsOwnLengthForItsEnd) {
  Octets longer = EspOf(60);
  longer.resize(65);
  Octets packet = V4().Udp(4500, 61234, longer);
  packet[25] = 8 + 60;
  EXPECT_EQ(Decapsulated(packet), V4().Raw(kEsp, EspOf(60)));
}

TEST_F(UdpEncapsulationTest, ReadsThePortsOfNothingButAWholeHeader) {
  const auto ports_of = [](const Octets& packet) {
    const auto view = IpView::Parse(packet);
    EXPECT_TRUE(view.ok());
    return PeekUdpPorts(*view);
  };
  Octets packet = V4().Udp(4500, 61234, EspOf(8));
  EXPECT_EQ(*ports_of(packet), kPorts);
  packet[25] = 7;
  EXPECT_EQ(ports_of(packet).error(), DropReason::kBadLength);
  packet[25] = 17;
  EXPECT_EQ(ports_of(packet).error(), DropReason::kBadLength);
  EXPECT_EQ(ports_of(V4().Raw(kUdp, Octets(7))).error(),
            DropReason::kTruncated);
}

// UDP-12: what arrives has other addresses than what was sent.
TEST_F(UdpEncapsulationTest, MendsTheChecksumThatANatCouldNotReach) {
  const PacketBuilder before4("192.168.1.2", "10.9.2.1");
  const PacketBuilder before6("fd00:1::2", "fd00:9:2::1");
  const auto translated = [](Octets packet, const Octets& as) {
    const std::size_t addresses = packet[0] >> 4 == 4 ? 12 : 8;
    const std::size_t end = packet[0] >> 4 == 4 ? 20 : 40;
    for (std::size_t i = addresses; i < end; ++i) {
      packet[i] = as[i];
    }
    if (addresses == 12) {
      packet[10] = as[10];
      packet[11] = as[11];
    }
    return packet;
  };
  const Octets data = EspOf(33);
  for (const auto& [sent, wanted] :
       {std::pair{before4.Tcp(1, 2, kAck, data), V4().Tcp(1, 2, kAck, data)},
        {before4.Udp(1, 2, data), V4().Udp(1, 2, data)},
        {before6.Tcp(1, 2, kAck, data), V6().Tcp(1, 2, kAck, data)},
        {before6.Udp(1, 2, data), V6().Udp(1, 2, data)},
        {before6.IcmpEcho(1, 2), V6().IcmpEcho(1, 2)}}) {
    const Octets arrived = translated(sent, wanted);
    EXPECT_NE(arrived, wanted);
    EXPECT_EQ(Mended(arrived), wanted);
    EXPECT_EQ(Mended(wanted), wanted);
  }
}

TEST_F(UdpEncapsulationTest, GivesNoChecksumToWhatHasNone) {
  Octets udp = V4().Udp(1, 2, EspOf(33));
  udp[26] = udp[27] = 0;
  EXPECT_EQ(Mended(udp), udp);
  const Octets echo = V4().IcmpEcho(1, 2);
  EXPECT_EQ(Mended(echo), echo);
  const Octets fragment = V4().MoreFragments().Udp(1, 2, EspOf(32));
  EXPECT_EQ(Mended(fragment), fragment);
  const Octets stump = V4().Raw(6, Octets(17));
  EXPECT_EQ(Mended(stump), stump);
}

// DEF-15, DEF-20: every length from 0 to 128, and each first octet that RFC
// 3948 2.2 and 2.3 give a meaning.
TEST(UdpEncapsulation, TellsEspFromIkeAndKeepalivesAtEveryLength) {
  for (std::size_t size = 0; size <= 128; ++size) {
    const auto reason_of = [](const Octets& payload) {
      const Passage passed = CheckEspPayload(payload);
      return passed.ok() ? std::nullopt : std::optional(passed.error());
    };
    const Octets esp(size, 0x01);
    EXPECT_EQ(reason_of(esp),
              size < 8 ? std::optional(DropReason::kTruncated) : std::nullopt)
        << size;
    const Octets marker(size, 0x00);
    EXPECT_EQ(reason_of(marker),
              size < 4 ? DropReason::kTruncated : DropReason::kNonEspMarker)
        << size;
    const Octets ones(size, 0xff);
    const auto expected = size == 1  ? std::optional(DropReason::kNatKeepalive)
                          : size < 8 ? std::optional(DropReason::kTruncated)
                                     : std::nullopt;
    EXPECT_EQ(reason_of(ones), expected) << size;
  }
}

}  // namespace
}  // namespace postern
