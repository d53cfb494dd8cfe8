// SPDX-License-Identifier: Apache-2.0

#include "core/flow/traffic.h"

#include "gtest/gtest.h"

#include "tests/support/packet_builder.h"

namespace postern {
namespace {

Traffic Seen(const Octets& packet) {
  const IpView view = IpView::Parse(packet).value();
  return {view.Key(Direction::kInbound).value(),
          AspectOf(view, Direction::kInbound)};
}

// SEL-04: the protocols with ports.
TEST(Traffic, ShowsThePortsOfProtocolsThatHaveThem) {
  for (const unsigned number : {6U, 17U, 33U, 132U, 136U}) {
    const auto protocol = static_cast<std::uint8_t>(number);
    Octets payload(20);
    payload[0] = 0x12;
    payload[1] = 0x34;
    payload[3] = 80;
    const Traffic seen =
        Seen(PacketBuilder("10.9.2.1", "10.9.1.1").Raw(protocol, payload));
    EXPECT_EQ(seen.remote_port(), 0x1234) << unsigned{protocol};
    EXPECT_EQ(seen.local_port(), 80);
    EXPECT_EQ(seen.message(), std::nullopt);
  }
}

// SEL-09: those without.
TEST(Traffic, ShowsNoPortsOfOtherProtocols) {
  for (const unsigned number : {1U, 47U, 50U, 51U, 135U}) {
    const auto protocol = static_cast<std::uint8_t>(number);
    const Traffic seen =
        Seen(PacketBuilder("10.9.2.1", "10.9.1.1").Raw(protocol, Octets(20)));
    EXPECT_EQ(seen.protocol(), protocol);
    EXPECT_EQ(seen.local_port(), std::nullopt);
    EXPECT_EQ(seen.remote_port(), std::nullopt);
  }
}

// SEL-07
TEST(Traffic, ShowsTypeAndCodeOfIcmpAsOneNumber) {
  const Octets unreachable = {3, 4, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(
      Seen(PacketBuilder("10.9.2.1", "10.9.1.1").Raw(1, unreachable)).message(),
      3 * 256 + 4);
  EXPECT_EQ(
      Seen(PacketBuilder("fd00::2", "fd00::1").Raw(58, unreachable)).message(),
      3 * 256 + 4);
}

// SEL-06: payload protocol, header length, MH type.
TEST(Traffic, ShowsTheTypeOfAMobilityHeaderInTheHighOctet) {
  const Octets header = {59, 1, 5, 0, 0, 0, 0, 0};
  EXPECT_EQ(
      Seen(PacketBuilder("fd00::2", "fd00::1").Raw(135, header)).message(),
      5 * 256);
}

// DEF-18
// SEL-05: nothing is made up for what is not there.
TEST(Traffic, ShowsNothingOfALaterFragment) {
  for (const unsigned number : {1U, 17U}) {
    const auto protocol = static_cast<std::uint8_t>(number);
    const Traffic seen = Seen(PacketBuilder("10.9.2.1", "10.9.1.1")
                                  .FragmentOffset(1)
                                  .Raw(protocol, Octets(20, 8)));
    EXPECT_EQ(seen.protocol(), protocol);
    EXPECT_EQ(seen.local_port(), std::nullopt);
    EXPECT_EQ(seen.message(), std::nullopt);
  }
}

TEST(Traffic, ShowsNoMessageThatIsCutOff) {
  EXPECT_EQ(Seen(PacketBuilder("10.9.2.1", "10.9.1.1").Raw(1, Octets(1, 8)))
                .message(),
            std::nullopt);
  EXPECT_EQ(Seen(PacketBuilder("fd00::2", "fd00::1").Raw(135, Octets(2, 5)))
                .message(),
            std::nullopt);
}

// SEL-02: an IPv6 fragment may name an extension header as what follows.
TEST(Traffic, HidesTheProtocolBehindAnExtensionHeaderOfAFragment) {
  const Octets fragment = {17, 0, 0, 8, 0, 0, 0, 1};
  const Octets to_options = {60, 0, 0, 8, 0, 0, 0, 1};
  EXPECT_EQ(Seen(PacketBuilder("fd00::2", "fd00::1")
                     .Extension(44, fragment)
                     .Raw(17, Octets(8)))
                .protocol(),
            17);
  EXPECT_EQ(Seen(PacketBuilder("fd00::2", "fd00::1")
                     .Extension(44, to_options)
                     .Raw(60, Octets(8)))
                .protocol(),
            std::nullopt);
}

// SEL-02, SEL-03: the protocol is found behind hop-by-hop, routing and
// destination options; AH and ESP are not looked through.
TEST(Traffic, FindsTheProtocolBehindExtensionHeaders) {
  const Octets options = {0, 0, 1, 4, 0, 0, 0, 0};
  EXPECT_EQ(Seen(PacketBuilder("fd00::2", "fd00::1")
                     .Extension(0, options)
                     .Extension(60, options)
                     .Udp(500, 501))
                .remote_port(),
            500);
  EXPECT_EQ(Seen(PacketBuilder("fd00::2", "fd00::1")
                     .Extension(0, options)
                     .Raw(51, Octets(24)))
                .protocol(),
            51);
}

}  // namespace
}  // namespace postern
