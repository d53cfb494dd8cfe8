// SPDX-License-Identifier: Apache-2.0

#include "core/tunnel_header.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "tests/support/packet_builder.h"

namespace postern {
namespace {

using DontFragment = TunnelHeader::DontFragment;

TunnelHeader OverV4() {
  TunnelHeader tunnel;
  tunnel.endpoints.source = IpAddress::Parse("203.0.113.1").value();
  tunnel.endpoints.destination = IpAddress::Parse("203.0.113.2").value();
  return tunnel;
}

TunnelHeader OverV6() {
  TunnelHeader tunnel;
  tunnel.endpoints.source = IpAddress::Parse("2001:db8:f::1").value();
  tunnel.endpoints.destination = IpAddress::Parse("2001:db8:f::2").value();
  return tunnel;
}

PacketBuilder InnerV4() {
  return {"10.1.0.5", "10.2.0.9"};
}

PacketBuilder InnerV6() {
  return {"fd00:1::5", "fd00:2::9"};
}

// `inner` behind an outer header for protocol 50.
Octets Encapsulated(const TunnelHeader& tunnel, const Octets& inner) {
  Octets packet(SizeOf(tunnel));
  packet.insert(packet.end(), inner.begin(), inner.end());
  const Opinion<IpView> view = IpView::Parse(inner);
  EXPECT_TRUE(view.ok());
  EXPECT_TRUE(WriteTunnelHeader(tunnel, *view, 50, 0xabcd, packet).ok());
  return packet;
}

// RFC 791: the ones' complement sum of a right header is all ones.
bool ChecksumIsRight(const Octets& packet) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < (packet[0] & 0x0fu) * 4; i += 2) {
    sum += static_cast<std::uint32_t>(packet[i] << 8 | packet[i + 1]);
  }
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

// TUN-01, TUN-08, TUN-10
TEST(WriteTunnelHeader, BuildsEveryFieldOfAnIpv4Header) {
  TunnelHeader tunnel = OverV4();
  tunnel.hop_limit = 33;
  const Octets inner =
      InnerV4().TrafficClass(0xb9).HopLimit(1).DontFragment().Udp(1, 2);
  const Octets packet = Encapsulated(tunnel, inner);
  EXPECT_EQ(Octets(packet.begin(), packet.begin() + 10),
            (Octets{0x45, 0xb9, 0, 48, 0xab, 0xcd, 0x40, 0, 33, 50}));
  EXPECT_EQ(Octets(packet.begin() + 12, packet.begin() + 20),
            (Octets{203, 0, 113, 1, 203, 0, 113, 2}));
  EXPECT_TRUE(ChecksumIsRight(packet));
  EXPECT_EQ(Octets(packet.begin() + 20, packet.end()), inner);  // TUN-02
}

// DEF-28
// TUN-03, TUN-08, TUN-14
TEST(WriteTunnelHeader, BuildsEveryFieldOfAnIpv6Header) {
  const Octets inner = InnerV4().TrafficClass(0xb9).Udp(1, 2);
  const Octets packet = Encapsulated(OverV6(), inner);
  EXPECT_EQ(Octets(packet.begin(), packet.begin() + 8),
            (Octets{0x6b, 0x90, 0, 0, 0, 28, 50, 64}));
  const Opinion<IpView> view = IpView::Parse(packet);
  EXPECT_EQ(view->source(), OverV6().endpoints.source);
  EXPECT_EQ(view->destination(), OverV6().endpoints.destination);
}

// TUN-04, TUN-13
TEST(WriteTunnelHeader, NeverCopiesOptionsOrExtensionHeaders) {
  const Octets options =
      InnerV4().Ipv4Options({0x94, 4, 0, 0}).Raw(253, {1, 2});
  EXPECT_EQ(Encapsulated(OverV4(), options)[0], 0x45);
  const Octets extensions = InnerV6().Extension(0, Octets(8)).Raw(253, {1});
  EXPECT_EQ(Encapsulated(OverV6(), extensions)[6], 50);
}

// TUN-09
TEST(WriteTunnelHeader, CopiesSetsOrClearsDontFragment) {
  const Octets with = InnerV4().DontFragment().Udp(1, 2);
  const Octets without = InnerV4().Udp(1, 2);
  const auto flag = [](DontFragment rule, const Octets& inner) {
    TunnelHeader tunnel = OverV4();
    tunnel.dont_fragment = rule;
    return (Encapsulated(tunnel, inner)[6] & 0x40) != 0;
  };
  EXPECT_TRUE(flag(DontFragment::kCopy, with));
  EXPECT_FALSE(flag(DontFragment::kCopy, without));
  EXPECT_TRUE(flag(DontFragment::kSet, with));
  EXPECT_TRUE(flag(DontFragment::kSet, without));
  EXPECT_FALSE(flag(DontFragment::kClear, with));
  EXPECT_FALSE(flag(DontFragment::kClear, without));
  EXPECT_FALSE(flag(DontFragment::kCopy, InnerV6().Udp(1, 2)));
}

// An inner fragment's other flags and its offset stay inside.
TEST(WriteTunnelHeader, CopiesNothingElseOfTheFragmentField) {
  const Octets inner =
      InnerV4().DontFragment().MoreFragments().FragmentOffset(9).Raw(17, {1});
  const Octets packet = Encapsulated(OverV4(), inner);
  EXPECT_EQ(packet[6], 0x40);
  EXPECT_EQ(packet[7], 0);
}

// DEF-28
// ECN-08, TUN-05, TUN-07, ECN-01, ECN-02
TEST(WriteTunnelHeader, MapsDscpButAlwaysCopiesEcn) {
  for (unsigned mark = 0; mark < 4; ++mark) {
    const auto octet = static_cast<std::uint8_t>(0xb8 | mark);
    for (TunnelHeader tunnel : {OverV4(), OverV6()}) {
      const Octets inner = InnerV6().TrafficClass(octet).Udp(1, 2);
      EXPECT_EQ(IpView::Parse(Encapsulated(tunnel, inner))->traffic_class(),
                octet);
      tunnel.dscp = TunnelHeader::Dscp::kMap0;
      EXPECT_EQ(IpView::Parse(Encapsulated(tunnel, inner))->traffic_class(),
                mark);
    }
  }
}

// TUN-05 TUN-06: a fixed value; the mark is copied still.
TEST(WriteTunnelHeader, SetsDscpWhereTheSaSaysWhich) {
  for (TunnelHeader tunnel : {OverV4(), OverV6()}) {
    tunnel.dscp = TunnelHeader::Dscp::kSet;
    tunnel.dscp_value = 0x2e;
    const Octets inner = InnerV6().TrafficClass(0x02).Udp(1, 2);
    EXPECT_EQ(IpView::Parse(Encapsulated(tunnel, inner))->traffic_class(),
              0xba);
  }
}

// DEF-28
// TUN-14: an end system may copy it.
TEST(WriteTunnelHeader, CopiesTheFlowLabelWhereTheSaSaysSo) {
  Octets inner = InnerV6().TrafficClass(0xb9).Udp(1, 2);
  inner[1] = static_cast<std::uint8_t>((inner[1] & 0xf0) | 0x0a);
  inner[2] = 0xbc;
  inner[3] = 0xde;
  TunnelHeader tunnel = OverV6();
  Octets packet = Encapsulated(tunnel, inner);
  EXPECT_EQ(LoadBe<std::uint32_t>(packet), 0x6b900000u);
  tunnel.flow_label = TunnelHeader::FlowLabel::kCopy;
  packet = Encapsulated(tunnel, inner);
  EXPECT_EQ(LoadBe<std::uint32_t>(packet), 0x6b9abcdeu);
  packet = Encapsulated(tunnel, InnerV4().TrafficClass(0xb9).Udp(1, 2));
  EXPECT_EQ(LoadBe<std::uint32_t>(packet), 0x6b900000u);
}

// TUN-10 TUN-11: the outer one is the SA's, the inner one stays.
TEST(WriteTunnelHeader, HasTheHopLimitOfTheSa) {
  for (TunnelHeader tunnel : {OverV4(), OverV6()}) {
    tunnel.hop_limit = 7;
    const Octets inner = InnerV4().HopLimit(1).Udp(1, 2);
    const Octets packet = Encapsulated(tunnel, inner);
    EXPECT_EQ(IpView::Parse(packet)->hop_limit(), 7);
  }
}

// TUN-20
TEST(WriteTunnelHeader, RefusesWhatTheLengthFieldCannotSay) {
  const Octets inner = InnerV4().Udp(1, 2);
  const Opinion<IpView> view = IpView::Parse(inner);
  Octets packet(65535);
  EXPECT_TRUE(WriteTunnelHeader(OverV4(), *view, 50, 1, packet).ok());
  packet.resize(65536);
  EXPECT_EQ(WriteTunnelHeader(OverV4(), *view, 50, 1, packet).error(),
            DropReason::kTooBig);
  packet.resize(65575);
  EXPECT_TRUE(WriteTunnelHeader(OverV6(), *view, 50, 1, packet).ok());
  packet.resize(65576);
  EXPECT_EQ(WriteTunnelHeader(OverV6(), *view, 50, 1, packet).error(),
            DropReason::kTooBig);
}

// RFC 6040 figure 4, as printed there; "drop" is the (!!!) cell.
struct EcnCell {
  std::uint8_t inner;
  std::uint8_t outer;
  std::optional<std::uint8_t> result;
};

constexpr std::uint8_t kNotEct = 0;
constexpr std::uint8_t kEct1 = 1;
constexpr std::uint8_t kEct0 = 2;
constexpr std::uint8_t kCe = 3;

const std::vector<EcnCell>& Figure4() {
  static const std::vector<EcnCell> cells = {
      {kNotEct, kNotEct, kNotEct}, {kNotEct, kEct0, kNotEct},
      {kNotEct, kEct1, kNotEct},   {kNotEct, kCe, std::nullopt},
      {kEct0, kNotEct, kEct0},     {kEct0, kEct0, kEct0},
      {kEct0, kEct1, kEct1},       {kEct0, kCe, kCe},
      {kEct1, kNotEct, kEct1},     {kEct1, kEct0, kEct1},
      {kEct1, kEct1, kEct1},       {kEct1, kCe, kCe},
      {kCe, kNotEct, kCe},         {kCe, kEct0, kCe},
      {kCe, kEct1, kCe},           {kCe, kCe, kCe}};
  return cells;
}

// DEF-28
// ECN-03 to ECN-06, TUN-12, TUN-15, TUN-16
TEST(CarryEcnInward, FollowsAllSixteenCells) {
  for (const EcnCell& cell : Figure4()) {
    for (PacketBuilder builder : {InnerV4(), InnerV6()}) {
      const auto octet = [](unsigned mark) {
        return static_cast<std::uint8_t>(0x48 | mark);
      };
      Octets inner = builder.TrafficClass(octet(cell.inner)).Udp(1, 2);
      // The outer DSCP differs, and must not show.
      const auto outer = static_cast<std::uint8_t>(0xe0 | cell.outer);
      const Passage carried = CarryEcnInward(outer, inner);
      if (!cell.result.has_value()) {
        EXPECT_EQ(carried.error(), DropReason::kEcnViolation);
        continue;
      }
      ASSERT_TRUE(carried.ok());
      EXPECT_EQ(inner, builder.TrafficClass(octet(*cell.result)).Udp(1, 2));
    }
  }
}

// ECN-07: those that figure 4 marks and does not drop, told by what is left.
TEST(CarryEcnInward, LeavesMarksThatShowWhatIsUnused) {
  int unused = 0;
  for (const EcnCell& cell : Figure4()) {
    const bool marked = (cell.inner == kNotEct &&
                         (cell.outer == kEct0 || cell.outer == kEct1)) ||
                        (cell.inner == kEct1 && cell.outer == kEct0) ||
                        (cell.inner == kCe && cell.outer == kEct1);
    if (cell.result.has_value()) {
      EXPECT_EQ(IsUnusedEcn(0xe0 | cell.outer, 0x48 | *cell.result), marked)
          << int{cell.outer} << " outside of " << int{cell.inner};
      unused += marked ? 1 : 0;
    }
  }
  EXPECT_EQ(unused, 4);
}

// A checksum that was wrong must not be made right: its packet is corrupt.
TEST(CarryEcnInward, DoesNotRepairAWrongChecksum) {
  Octets inner = InnerV4().TrafficClass(kEct0).Udp(1, 2);
  inner[10] ^= 0x55;
  ASSERT_TRUE(CarryEcnInward(kCe, inner).ok());
  EXPECT_EQ(inner[1], kCe);
  EXPECT_FALSE(ChecksumIsRight(inner));
}

TEST(CarryEcnInward, RefusesWhatIsNoIpPacket) {
  Octets garbage = {0x75, 0, 0, 20};
  EXPECT_EQ(CarryEcnInward(0, garbage).error(), DropReason::kBadIpVersion);
  Octets nothing;
  EXPECT_EQ(CarryEcnInward(0, nothing).error(), DropReason::kTruncated);
}

class StripTunnelHeaderTest : public testing::Test {
 protected:
  // Strips outer | 8 octets | inner | `padding` octets.
  Passage Strip(const TunnelHeader& tunnel, const Octets& inner,
                std::uint8_t protocol, std::size_t padding = 0) {
    Octets packet = Encapsulated(tunnel, outer_source_);
    packet.resize(SizeOf(tunnel));
    packet.resize(packet.size() + 8, 0xee);
    const std::size_t offset = packet.size();
    packet.insert(packet.end(), inner.begin(), inner.end());
    packet.resize(packet.size() + padding, 0xff);
    packet_.Release();
    packet_ = pool_.Copy(packet);
    return StripTunnelHeader(packet_,
                             {offset, inner.size() + padding, protocol});
  }

  Octets left() const {
    return {packet_.bytes().begin(), packet_.bytes().end()};
  }

  void TearDown() override { packet_.Release(); }

  PacketPool pool_{{.packets = 2}};
  Packet packet_;
  Octets outer_source_ = InnerV4().Udp(1, 2);  // what the outer header copies
};

// TUN-02, TUN-03
TEST_F(StripTunnelHeaderTest, LeavesTheInnerPacketAsItWas) {
  for (const TunnelHeader& tunnel : {OverV4(), OverV6()}) {
    const Octets v4 = InnerV4().Udp(1, 2, {1, 2, 3});
    ASSERT_TRUE(Strip(tunnel, v4, 4).ok());
    EXPECT_EQ(left(), v4);
    const Octets v6 = InnerV6().Udp(1, 2, {1, 2, 3});
    ASSERT_TRUE(Strip(tunnel, v6, 41).ok());
    EXPECT_EQ(left(), v6);
  }
}

// ESP-17, ESP-20
TEST_F(StripTunnelHeaderTest, CutsPaddingBehindTheInnerPacket) {
  const Octets inner = InnerV4().Udp(1, 2, {1, 2, 3});
  ASSERT_TRUE(Strip(OverV4(), inner, 4, 300).ok());
  EXPECT_EQ(left(), inner);
}

// TUN-17
TEST_F(StripTunnelHeaderTest, RefusesContentThatIsNotWhatWasAnnounced) {
  EXPECT_EQ(Strip(OverV4(), InnerV4().Udp(1, 2), 17).error(),
            DropReason::kModeMismatch);
  EXPECT_EQ(Strip(OverV4(), InnerV4().Udp(1, 2), 41).error(),
            DropReason::kModeMismatch);
  EXPECT_EQ(Strip(OverV4(), InnerV6().Udp(1, 2), 4).error(),
            DropReason::kModeMismatch);
}

// IN-14
TEST_F(StripTunnelHeaderTest, RefusesAnInnerPacketThatIsNone) {
  EXPECT_EQ(Strip(OverV4(), {}, 4).error(), DropReason::kTruncated);
  Octets cut = InnerV4().Udp(1, 2, {1, 2, 3});
  cut.pop_back();
  EXPECT_EQ(Strip(OverV4(), cut, 4).error(), DropReason::kTruncated);
}

// ECN-04
TEST_F(StripTunnelHeaderTest, AppliesTheCongestionMark) {
  outer_source_ = InnerV4().TrafficClass(kCe).Udp(1, 2);
  EXPECT_EQ(Strip(OverV6(), InnerV4().Udp(1, 2), 4).error(),
            DropReason::kEcnViolation);
  ASSERT_TRUE(Strip(OverV6(), InnerV4().TrafficClass(kEct0).Udp(1, 2), 4).ok());
  EXPECT_EQ(left(), InnerV4().TrafficClass(kCe).Udp(1, 2));
}

TEST(ProtocolOf, AnnouncesAWholePacket) {
  EXPECT_EQ(ProtocolOf(IpFamily::kV4), 4);
  EXPECT_EQ(ProtocolOf(IpFamily::kV6), 41);
}

}  // namespace
}  // namespace postern
