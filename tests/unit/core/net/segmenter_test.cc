// SPDX-License-Identifier: Apache-2.0
//
// What each packet of a super-packet has, told by the RFCs; the kernel's own
// cuts are compared with ours in tests/unit/tun/offload_kernel_test.cc.

#include "core/net/segmenter.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/packet_builder.h"
#include "tests/support/super_packet.h"

namespace postern {
namespace {

constexpr std::uint8_t kPsh = 0x08;
constexpr std::uint8_t kEce = 0x40;
constexpr std::uint8_t kCwr = 0x80;

PacketBuilder V4() {
  return PacketBuilder("10.9.1.1", "10.9.2.1");
}

PacketBuilder V6() {
  return PacketBuilder("fd00:9::1", "fd00:9::2");
}

std::uint8_t Flags(int flags) {
  return static_cast<std::uint8_t>(flags);
}

std::vector<Octets> Cut(const SuperPacket& super) {
  std::vector<Octets> packets;
  auto segmenter = Segmenter::Start(super.vnet, super.octets);
  if (!segmenter.ok()) {
    ADD_FAILURE() << NameOf(segmenter.error());
    return packets;
  }
  while (!segmenter->done()) {
    packets.emplace_back(segmenter->next_size());
    segmenter->CutNext(packets.back());
  }
  EXPECT_EQ(segmenter->next_size(), 0U);
  return packets;
}

// All of one super-packet: the payload is all there, checksums and lengths are
// right, and no packet has more than `gso_size` octets.
void ExpectWhole(const SuperPacket& super, const std::vector<Octets>& packets) {
  Octets joined;
  for (const Octets& packet : packets) {
    EXPECT_TRUE(ChecksumsAreRight(packet));
    const bool v4 = packet[0] >> 4 == 4;
    EXPECT_EQ(Get16(packet, v4 ? 2 : 4) + (v4 ? 0 : 40), packet.size());
    const std::size_t payload = PayloadOf(packet);
    EXPECT_LE(packet.size() - payload, super.vnet.gso_size);
    joined.insert(joined.end(),
                  packet.begin() + static_cast<std::ptrdiff_t>(payload),
                  packet.end());
  }
  const auto begin = static_cast<std::ptrdiff_t>(PayloadOf(super.octets));
  EXPECT_EQ(joined, Octets(super.octets.begin() + begin, super.octets.end()));
}

DropReason Refusal(const VnetHeader& vnet, const Octets& octets) {
  const auto refused = Segmenter::Start(vnet, octets);
  EXPECT_FALSE(refused.ok());
  return refused.ok() ? DropReason::kForgotten : refused.error();
}

TEST(Segmenter, IsDoneWithoutAnything) {
  EXPECT_TRUE(Segmenter().done());
  EXPECT_EQ(Segmenter().next_size(), 0U);
}

TEST(Segmenter, CutsTcpIntoItsSequence) {
  for (const PacketBuilder& builder : {V4(), V6()}) {
    Octets octets = builder.Tcp(4711, 80, kAck, Pattern(2500));
    const std::size_t tcp = TransportOf(octets);
    Put32(octets, tcp + 4, 0xfffffc00);  // the numbers wrap in the second one
    const SuperPacket super = Super(octets, 1000);
    const std::vector<Octets> packets = Cut(super);
    ASSERT_EQ(packets.size(), 3U);
    ExpectWhole(super, packets);
    EXPECT_EQ(Get32(packets[0], tcp + 4), 0xfffffc00U);
    EXPECT_EQ(Get32(packets[1], tcp + 4), 0xfffffc00U + 1000);
    EXPECT_EQ(Get32(packets[2], tcp + 4), 976U);
    EXPECT_EQ(packets[2].size(), tcp + 20 + 500);
  }
}

TEST(Segmenter, LeavesFinAndPshToTheLastAndCwrToTheFirst) {
  SuperPacket super = Super(
      V4().Tcp(1, 2, Flags(kAck | kPsh | kFin | kEce | kCwr), Pattern(300)),
      100);
  super.vnet.gso_type |= VnetHeader::kCongestion;
  const std::vector<Octets> packets = Cut(super);
  ASSERT_EQ(packets.size(), 3U);
  ExpectWhole(super, packets);
  EXPECT_EQ(packets[0][33], kAck | kEce | kCwr);
  EXPECT_EQ(packets[1][33], kAck | kEce);
  EXPECT_EQ(packets[2][33], kAck | kEce | kPsh | kFin);
}

TEST(Segmenter, CountsTheIdentificationUpAndPastItsEnd) {
  Octets octets = V4().DontFragment().Tcp(1, 2, kAck, Pattern(300));
  Put16(octets, 4, 0xffff);
  const SuperPacket super = Super(octets, 100);
  const std::vector<Octets> packets = Cut(super);
  ASSERT_EQ(packets.size(), 3U);
  ExpectWhole(super, packets);
  EXPECT_EQ(Get16(packets[0], 4), 0xffff);
  EXPECT_EQ(Get16(packets[1], 4), 0);
  EXPECT_EQ(Get16(packets[2], 4), 1);
  EXPECT_EQ(Get16(packets[2], 6), 0x4000);
}

TEST(Segmenter, CutsUdpIntoDatagrams) {
  for (const PacketBuilder& builder : {V4(), V6()}) {
    const SuperPacket super = Super(builder.Udp(5, 6, Pattern(2001)), 1000);
    const std::vector<Octets> packets = Cut(super);
    ASSERT_EQ(packets.size(), 3U);
    ExpectWhole(super, packets);
    const std::size_t udp = TransportOf(packets[0]);
    EXPECT_EQ(Get16(packets[0], udp + 4), 1008);
    EXPECT_EQ(Get16(packets[2], udp + 4), 9);
  }
}

TEST(Segmenter, SendsNoUdpChecksumOfZero) {
  // The second datagram's checksum is 0 by its definition.
  Octets octets = V4().Udp(5, 6, Octets{1, 1, 0, 0});
  Octets second = V4().Udp(5, 6, Octets{0, 0});
  const std::uint16_t missing = Get16(second, 26);
  Put16(octets, 30, missing);
  const std::vector<Octets> packets = Cut(Super(octets, 2));
  ASSERT_EQ(packets.size(), 2U);
  EXPECT_EQ(Get16(packets[1], 26), 0xffff);
  EXPECT_TRUE(ChecksumsAreRight(packets[1]));
}

TEST(Segmenter, RepeatsOptionsAndExtensionHeaders) {
  const Octets destination_options = {0, 0, 1, 4, 0, 0, 0, 0};
  Octets with_timestamps =
      V4().Ipv4Options({0x94, 4, 0, 0}).Tcp(1, 2, kAck, Pattern(312));
  with_timestamps[24 + 12] = 0x80;  // the first 12 octets become TCP options
  for (const Octets& octets :
       {with_timestamps,
        V6().Extension(60, destination_options).Tcp(1, 2, kAck, Pattern(300)),
        V6().Extension(60, destination_options).Udp(1, 2, Pattern(300))}) {
    const SuperPacket super = Super(octets, 100);
    const std::vector<Octets> packets = Cut(super);
    ASSERT_EQ(packets.size(), 3U);
    ExpectWhole(super, packets);
    const auto transport = static_cast<std::ptrdiff_t>(TransportOf(octets));
    EXPECT_TRUE(std::equal(octets.begin() + 20, octets.begin() + transport,
                           packets[2].begin() + 20));
  }
}

TEST(Segmenter, CutsOneThatIsNoLongerThanAPacket) {
  const SuperPacket super = Super(V6().Tcp(1, 2, kAck, Pattern(7)), 1000);
  const std::vector<Octets> packets = Cut(super);
  ASSERT_EQ(packets.size(), 1U);
  ExpectWhole(super, packets);
}

TEST(Segmenter, CutsTheLargestOne) {
  const SuperPacket super =
      Super(V4().Tcp(1, 2, kAck, Pattern(65535 - 40)), 1240);
  const std::vector<Octets> packets = Cut(super);
  EXPECT_EQ(packets.size(), 53U);
  ExpectWhole(super, packets);
}

TEST(Segmenter, RefusesWhatThePacketDoesNotBearOut) {
  const SuperPacket good = Super(V4().Tcp(1, 2, kAck, Pattern(300)), 100);
  const auto with = [&good](auto change) {
    VnetHeader vnet = good.vnet;
    change(vnet);
    return Refusal(vnet, good.octets);
  };
  const DropReason bad = DropReason::kBadOffload;
  EXPECT_EQ(with([](VnetHeader& v) { v.gso_size = 0; }), bad);
  EXPECT_EQ(with([](VnetHeader& v) { v.flags = 0; }), bad);
  EXPECT_EQ(with([](VnetHeader& v) { v.header_length = 341; }), bad);
  for (const std::uint16_t start :
       std::array<std::uint16_t, 5>{0, 19, 21, 340, 65535}) {
    EXPECT_EQ(with([start](VnetHeader& v) { v.checksum_start = start; }), bad);
  }
  for (const std::uint16_t offset :
       std::array<std::uint16_t, 4>{0, 6, 17, 65535}) {
    EXPECT_EQ(with([offset](VnetHeader& v) { v.checksum_offset = offset; }),
              bad);
  }
  // Every other type: of another family or protocol, UFO, tunnels, unknown.
  for (unsigned type = 1; type < 256; ++type) {
    if (type != VnetHeader::kTcpV4 && type != (VnetHeader::kTcpV4 | 0x80U)) {
      EXPECT_EQ(with([type](VnetHeader& v) {
                  v.gso_type = static_cast<std::uint8_t>(type);
                }),
                bad);
    }
  }
}

TEST(Segmenter, RefusesPacketsThatNoneCouldStandFor) {
  const DropReason bad = DropReason::kBadOffload;
  const auto refuse = [](const SuperPacket& super) {
    return Refusal(super.vnet, super.octets);
  };
  EXPECT_EQ(refuse(Super(V4().Tcp(1, 2, kAck), 100)), bad) << "no payload";
  EXPECT_EQ(refuse(Super(V4().Udp(1, 2), 100)), bad) << "no payload";
  EXPECT_EQ(refuse(Super(V4().Tcp(1, 2, kSyn, Pattern(300)), 100)), bad);
  EXPECT_EQ(refuse(Super(V4().Tcp(1, 2, kRst, Pattern(300)), 100)), bad);
  SuperPacket fragment =
      Super(V4().MoreFragments().Tcp(1, 2, kAck, Pattern(300)), 100);
  EXPECT_EQ(refuse(fragment), bad);
  SuperPacket padded = Super(V4().Tcp(1, 2, kAck, Pattern(300)), 100);
  padded.octets.push_back(0);
  EXPECT_EQ(refuse(padded), bad);
  SuperPacket short_udp = Super(V4().Udp(1, 2, Pattern(300)), 100);
  Put16(short_udp.octets, 24, 100);
  EXPECT_EQ(refuse(short_udp), bad);
  for (const std::uint8_t offset : std::array<std::uint8_t, 2>{0x00, 0x40}) {
    SuperPacket wrong = Super(V4().Tcp(1, 2, kAck, Pattern(300)), 100);
    wrong.octets[32] = offset;
    EXPECT_EQ(refuse(wrong), bad);
  }
  SuperPacket long_options = Super(V4().Tcp(1, 2, kAck, Pattern(10)), 100);
  long_options.octets[32] = 0xf0;  // 60 octets of header in 30
  EXPECT_EQ(refuse(long_options), bad);
  SuperPacket cut = Super(V4().Tcp(1, 2, kAck, Pattern(300)), 100);
  cut.octets.pop_back();
  EXPECT_EQ(refuse(cut), DropReason::kTruncated);
}

TEST(FinishChecksum, FormsWhatIsLeftOfAnyProtocol) {
  for (const Octets& whole :
       {V4().Tcp(1, 2, kSyn), V6().Tcp(1, 2, kSyn, Pattern(9)),
        V4().Udp(1, 2, Pattern(77)), V6().Udp(1, 2, Pattern(1200))}) {
    SuperPacket left = Super(whole, 100);
    left.vnet.gso_type = VnetHeader::kOrdinary;
    ASSERT_TRUE(FinishChecksum(left.vnet, left.octets).ok());
    EXPECT_EQ(left.octets, whole);
  }
}

TEST(FinishChecksum, LeavesAlonePacketsThatAreWhole) {
  const Octets whole = V4().Udp(1, 2, Pattern(77));
  Octets octets = whole;
  EXPECT_TRUE(FinishChecksum({}, octets).ok());
  EXPECT_EQ(octets, whole);
}

TEST(FinishChecksum, RefusesAFieldOutsideOfThePacket) {
  SuperPacket left = Super(V4().Udp(1, 2, Pattern(10)), 100);  // 38 octets
  left.vnet.gso_type = VnetHeader::kOrdinary;
  using Place = std::pair<std::uint16_t, std::uint16_t>;
  for (const auto& [start, offset] :
       {Place{20, 17}, Place{38, 0}, Place{65535, 65535}, Place{20, 65535},
        Place{0, 10}, Place{19, 7}}) {
    left.vnet.checksum_start = start;
    left.vnet.checksum_offset = offset;
    const Octets before = left.octets;
    const Passage refused = FinishChecksum(left.vnet, left.octets);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error(), DropReason::kBadOffload);
    EXPECT_EQ(left.octets, before);
  }
  left.vnet.checksum_start = 20;
  left.vnet.checksum_offset = 16;
  EXPECT_TRUE(FinishChecksum(left.vnet, left.octets).ok()) << "the last two";
}

}  // namespace
}  // namespace postern
