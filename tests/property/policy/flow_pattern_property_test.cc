// SPDX-License-Identifier: Apache-2.0
//
// A FlowPattern must say what parsing the packet says: with any bit of a packet
// changed, cut anywhere, and with octets behind it.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "core/net/ip_view.h"
#include "policy/flow_pattern.h"
#include "policy/opening.h"
#include "tests/support/packet_builder.h"

namespace postern {
namespace {

constexpr std::size_t kLookedAt = 64;  // longer than what names any flow

// The definition, by the parser.
std::size_t Expected(ConstBytes octets, const FlowKey& flow,
                     Direction direction) {
  const Opinion<IpView> view = IpView::Parse(octets);
  if (!view.ok() || !ContinuesFlow(*view)) {
    return 0;
  }
  const std::size_t plain = view->family() == IpFamily::kV4 ? 20 : 40;
  const Opinion<FlowKey> key = view->Key(direction);
  return view->payload_offset() == plain && key.ok() && *key == flow
             ? view->size()
             : 0;
}

struct Case {
  const char* name;
  PacketBuilder addresses;
  bool tcp;
};

std::vector<Case> Cases() {
  const PacketBuilder v4("10.9.1.1", "10.9.2.1");
  const PacketBuilder v6("2001:db8::1", "2001:db8::2");
  return {{"udp over IPv4", v4, false},
          {"tcp over IPv4", v4, true},
          {"udp over IPv6", v6, false},
          {"tcp over IPv6", v6, true}};
}

Octets PacketOf(const Case& of) {
  return of.tcp ? of.addresses.Tcp(4711, 80, kAck, Octets(40, 7))
                : of.addresses.Udp(4711, 80, Octets(40, 7));
}

class FlowPatternProperty : public testing::TestWithParam<Direction> {};

TEST_P(FlowPatternProperty, SaysWhatParsingSaysWhateverBitIsChanged) {
  for (const Case& of : Cases()) {
    const Octets packet = PacketOf(of);
    const FlowKey flow = IpView::Parse(packet)->Key(GetParam()).value();
    const FlowPattern pattern(flow, GetParam());
    ASSERT_EQ(pattern.Match(packet), packet.size()) << of.name;
    std::size_t others = 0;
    for (std::size_t bit = 0; bit < kLookedAt * 8; ++bit) {
      Octets changed = packet;
      changed[bit / 8] =
          static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << bit % 8));
      const std::size_t expected = Expected(changed, flow, GetParam());
      ASSERT_EQ(pattern.Match(changed), expected) << of.name << " " << bit;
      others += expected == 0 ? 1U : 0U;
    }
    // Addresses, ports and protocol at least.
    EXPECT_GE(others, (of.name[12] == '4' ? 12U : 36U) * 8) << of.name;
  }
}

TEST_P(FlowPatternProperty, SaysWhatParsingSaysWhereverThePacketEnds) {
  for (const Case& of : Cases()) {
    const Octets packet = PacketOf(of);
    const FlowKey flow = IpView::Parse(packet)->Key(GetParam()).value();
    const FlowPattern pattern(flow, GetParam());
    for (std::size_t size = 0; size <= packet.size(); ++size) {
      // In a buffer of its own: a sanitizer sees what is read behind it.
      const Octets cut(packet.begin(), packet.begin() + std::ptrdiff_t(size));
      ASSERT_EQ(pattern.Match(cut), Expected(cut, flow, GetParam()))
          << of.name << " " << size;
    }
    Octets longer = packet;
    longer.resize(packet.size() + 6);
    EXPECT_EQ(pattern.Match(longer), packet.size());
  }
}

// What says of itself that it is shorter than its own header.
TEST_P(FlowPatternProperty, SaysWhatParsingSaysWhateverTheLengthField) {
  for (const Case& of : Cases()) {
    const Octets packet = PacketOf(of);
    const FlowKey flow = IpView::Parse(packet)->Key(GetParam()).value();
    const FlowPattern pattern(flow, GetParam());
    const std::size_t at = packet[0] >> 4 == 4 ? 2 : 4;
    for (unsigned length = 0; length <= packet.size() + 1; ++length) {
      Octets changed = packet;
      changed[at] = 0;
      changed[at + 1] = static_cast<std::uint8_t>(length);
      const std::size_t expected = Expected(changed, flow, GetParam());
      // A UDP header that is cut off is nobody's next packet to either; where
      // ports alone are left, parsing is content, and so is the pattern.
      ASSERT_EQ(pattern.Match(changed), expected) << of.name << " " << length;
    }
  }
}

TEST_P(FlowPatternProperty, FitsNothingOfOtherProtocols) {
  const Octets echo = PacketBuilder("10.9.1.1", "10.9.2.1").IcmpEcho(1, 2);
  const FlowKey flow = IpView::Parse(echo)->Key(GetParam()).value();
  EXPECT_EQ(FlowPattern(flow, GetParam()).Match(echo), 0U);
  EXPECT_EQ(FlowPattern().Match(echo), 0U);
  EXPECT_EQ(FlowPattern().Match({}), 0U);
}

TEST_P(FlowPatternProperty, FitsNoOptionsExtensionsAndFragments) {
  const PacketBuilder v4("10.9.1.1", "10.9.2.1");
  const PacketBuilder v6("2001:db8::1", "2001:db8::2");
  const auto flow_of = [&](const Octets& packet) {
    return IpView::Parse(packet)->Key(GetParam()).value();
  };
  const FlowPattern four(flow_of(v4.Udp(1, 2)), GetParam());
  const FlowPattern six(flow_of(v6.Udp(1, 2)), GetParam());
  EXPECT_NE(four.Match(PacketBuilder(v4).DontFragment().Udp(1, 2)), 0U);
  EXPECT_EQ(four.Match(PacketBuilder(v4).MoreFragments().Udp(1, 2)), 0U);
  EXPECT_EQ(four.Match(PacketBuilder(v4).FragmentOffset(9).Udp(1, 2)), 0U);
  EXPECT_EQ(four.Match(PacketBuilder(v4).Ipv4Options({1, 1}).Udp(1, 2)), 0U);
  EXPECT_EQ(six.Match(PacketBuilder(v6).Extension(60, Octets(8)).Udp(1, 2)),
            0U);
  EXPECT_EQ(six.Match(PacketBuilder(v6).Extension(44, Octets(8)).Udp(1, 2)),
            0U);
}

INSTANTIATE_TEST_SUITE_P(Directions, FlowPatternProperty,
                         testing::Values(Direction::kOutbound,
                                         Direction::kInbound),
                         [](const auto& of) {
                           return of.param == Direction::kOutbound
                                      ? std::string("Outbound")
                                      : std::string("Inbound");
                         });

}  // namespace
}  // namespace postern
