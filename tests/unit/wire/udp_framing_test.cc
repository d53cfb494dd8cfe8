// SPDX-License-Identifier: Apache-2.0

#include "wire/udp_framing.h"

#include "gtest/gtest.h"

#include "core/net/checksum.h"
#include "core/net/ip_view.h"
#include "tests/support/packet_builder.h"
#include "tests/unit/wire/udp_fixture.h"

namespace postern {
namespace {

constexpr std::uint8_t kEspNumber = 50;

PacketBuilder V4() {
  return {"10.9.1.1", "10.9.2.1"};
}

PacketBuilder V6() {
  return {"fd00:9:1::1", "fd00:9:2::1"};
}

Octets Copy(ConstBytes octets) {
  return {octets.begin(), octets.end()};
}

TEST(UdpFraming, TakesTheHeaderOffAndKeepsWhatTheOuterOneNeeds) {
  const Octets esp = Esp(0x1001, 60);
  const Octets v4 = V4().TrafficClass(0xb9).Raw(kEspNumber, esp);
  const auto of_v4 = TakeOffIpHeader(v4);
  ASSERT_TRUE(of_v4.ok());
  EXPECT_EQ(Copy(of_v4->octets), esp);
  EXPECT_EQ(IpAddress::FromOctets(of_v4->destination), Address("10.9.2.1"));
  EXPECT_EQ(of_v4->traffic_class, 0xb9);

  const Octets v6 = V6().TrafficClass(0xb9).Raw(kEspNumber, esp);
  const auto of_v6 = TakeOffIpHeader(v6);
  ASSERT_TRUE(of_v6.ok());
  EXPECT_EQ(Copy(of_v6->octets), esp);
  EXPECT_EQ(IpAddress::FromOctets(of_v6->destination), Address("fd00:9:2::1"));
  EXPECT_EQ(of_v6->traffic_class, 0xb9);
}

TEST(UdpFraming, LeavesOutOctetsBehindThePacket) {
  const Octets esp = Esp(0x1001, 60);
  for (Octets packet : {V4().Raw(kEspNumber, esp), V6().Raw(kEspNumber, esp)}) {
    packet.resize(packet.size() + 7);
    const auto payload = TakeOffIpHeader(packet);
    ASSERT_TRUE(payload.ok());
    EXPECT_EQ(Copy(payload->octets), esp);
  }
}

TEST(UdpFraming, LetsNothingButEspOut) {
  const Octets esp = Esp(0x1001, 60);
  const Octets option = {7, 7, 4, 0, 0, 0, 0, 0};
  for (const Octets& packet :
       {V4().Raw(51, esp), V6().Raw(51, esp), V4().Tcp(1, 2, kSyn),
        V6().Tcp(1, 2, kSyn), V4().Udp(4500, 4500, esp), V6().IcmpEcho(1, 1),
        V4().Ipv4Options(option).Raw(kEspNumber, esp),
        V6().Extension(60, Octets(8)).Raw(kEspNumber, esp)}) {
    const auto payload = TakeOffIpHeader(packet);
    ASSERT_FALSE(payload.ok());
    EXPECT_EQ(payload.error(), DropReason::kWireCarriesEspOnly);
  }
}

TEST(UdpFraming, LetsNoFragmentAndNoMarkerOut) {
  const auto reason = [](const Octets& packet) {
    const auto payload = TakeOffIpHeader(packet);
    EXPECT_FALSE(payload.ok());
    return payload.ok() ? DropReason::kForgotten : payload.error();
  };
  const Octets esp = Esp(0x1001, 64);
  EXPECT_EQ(reason(V4().MoreFragments().Raw(kEspNumber, esp)),
            DropReason::kFragment);
  EXPECT_EQ(reason(V4().FragmentOffset(8).Raw(kEspNumber, esp)),
            DropReason::kFragment);
  // An SPI of 0 would be taken for IKE (RFC 3948 2.1, DEF-20).
  EXPECT_EQ(reason(V4().Raw(kEspNumber, Esp(0, 64))), DropReason::kSpiReserved);
  EXPECT_EQ(reason(V6().Raw(kEspNumber, Esp(0, 64))), DropReason::kSpiReserved);
  EXPECT_EQ(reason({}), DropReason::kTruncated);
  EXPECT_EQ(reason({0x50, 0, 0, 0}), DropReason::kBadIpVersion);
}

TEST(UdpFraming, ReadsNothingBehindTheEndOfAnyPrefix) {
  for (const Octets& whole : {V4().Raw(kEspNumber, Esp(0x1001, 40)),
                              V6().Raw(kEspNumber, Esp(0x1001, 40))}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      // Its own allocation, so that a sanitizer sees the end.
      const Octets part(whole.begin(),
                        whole.begin() + static_cast<std::ptrdiff_t>(size));
      const auto payload = TakeOffIpHeader(part);
      ASSERT_FALSE(payload.ok()) << size;
      EXPECT_EQ(payload.error(), DropReason::kTruncated);
    }
  }
}

TEST(UdpFraming, RebuildsTheHeaderThatTheRfcsWant) {
  const Octets esp = Esp(0x1001, 77);
  for (const std::uint8_t traffic_class : Octets{0x00, 0x03, 0xb8, 0xff}) {
    for (const auto& [source, destination] :
         {std::pair("10.9.2.1", "10.9.1.1"),
          std::pair("fd00:9:2::1", "fd00:9:1::1")}) {
      const RebuiltHeader header(Address(source), Address(destination));
      Octets packet(header.size() + esp.size(), 0xaa);
      std::copy(esp.begin(), esp.end(),
                packet.begin() + static_cast<std::ptrdiff_t>(header.size()));
      header.Write(packet, traffic_class);
      PacketBuilder builder(source, destination);
      builder.HopLimit(64).TrafficClass(traffic_class).DontFragment();
      EXPECT_EQ(packet, WithoutIdentification(builder.Raw(kEspNumber, esp)));
    }
  }
}

// Every length, against the checksum's definition (RFC 1071): 0 over the whole.
TEST(UdpFraming, RebuildsAnIpv4HeaderWhoseChecksumIsRight) {
  const RebuiltHeader header(Address("255.255.255.254"), Address("10.9.1.1"));
  Octets packet(65535);
  for (std::size_t size = 20; size <= packet.size(); ++size) {
    header.Write(Bytes(packet).first(size),
                 static_cast<std::uint8_t>(size * 7));
    ASSERT_EQ(InternetChecksum(ConstBytes(packet).first(20)), 0) << size;
  }
}

}  // namespace
}  // namespace postern
