// SPDX-License-Identifier: Apache-2.0
//
// RFC 7402 appendix B, octet by octet, without any ESP: where it would stand are
// eight octets of its header.

#include "core/beet_header.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "tests/support/packet_builder.h"

namespace postern {
namespace {

constexpr std::uint8_t kBeet = 94;

IpAddress Address(const char* text) {
  return IpAddress::Parse(text).value();
}

TunnelEndpoints Inner(IpFamily family) {
  return family == IpFamily::kV4
             ? TunnelEndpoints{Address("10.0.0.1"), Address("10.0.0.2")}
             : TunnelEndpoints{Address("2001:10::1"), Address("2001:10::2")};
}

TunnelEndpoints Outer(IpFamily family) {
  return family == IpFamily::kV4
             ? TunnelEndpoints{Address("192.0.2.1"), Address("192.0.2.2")}
             : TunnelEndpoints{Address("fd00::1"), Address("fd00::2")};
}

PacketBuilder Between(const TunnelEndpoints& ends) {
  return {ends.source.ToString(), ends.destination.ToString()};
}

// An IPv6 header has no identification, and what has none is not cut.
Octets WithoutIdentification(Octets packet) {
  if (packet[0] >> 4 == 4) {
    packet[4] = 0;
    packet[5] = 0;
    packet[6] = 0x40;
    MendIpv4Checksum(packet);
  }
  return packet;
}

class BeetHeader : public testing::Test {
 protected:
  // An ESP packet between the outer ends that holds this in clear.
  static Octets Carrying(const TunnelEndpoints& outer, Octets content) {
    content.insert(content.begin(), 8, 0xee);
    return Between(outer).HopLimit(7).TrafficClass(0xb9).Raw(50, content);
  }

  // What becomes of such a packet; empty, and the reason in error_, if it is
  // refused.
  Octets Strip(const Octets& octets, std::uint8_t protocol,
               const TunnelEndpoints& inner) {
    Packet packet = pool_.Copy(octets);
    const std::size_t offset = (octets[0] >> 4 == 4 ? 20 : 40) + 8;
    const Passage stripped = StripBeetHeader(
        packet, inner, {offset, octets.size() - offset, protocol});
    Octets made;
    if (stripped.ok()) {
      made = Octets(packet.bytes().begin(), packet.bytes().end());
    } else {
      error_ = stripped.error();
    }
    packet.Release();
    return made;
  }

  DropReason Refusal(const Octets& content, std::uint8_t protocol = kBeet,
                     IpFamily family = IpFamily::kV4) {
    EXPECT_TRUE(
        Strip(Carrying(Outer(IpFamily::kV4), content), protocol, Inner(family))
            .empty());
    return std::exchange(error_, DropReason::kForgotten);
  }

  PacketPool pool_{{.packets = 2, .payload = 2000}};
  DropReason error_ = DropReason::kForgotten;
};

// BEET-03: the new header is made of the outer one, but for the addresses.
TEST_F(BeetHeader, MakesTheInnerHeaderOfTheOuterOneAndTheBoundAddresses) {
  for (const IpFamily inner : {IpFamily::kV4, IpFamily::kV6}) {
    for (const IpFamily outer : {IpFamily::kV4, IpFamily::kV6}) {
      const Octets expected = Between(Inner(inner))
                                  .HopLimit(7)
                                  .TrafficClass(0xb9)
                                  .Raw(253, {1, 2, 3, 4, 5});
      EXPECT_EQ(
          Strip(Carrying(Outer(outer), {1, 2, 3, 4, 5}), 253, Inner(inner)),
          outer == IpFamily::kV6 ? WithoutIdentification(expected) : expected);
    }
  }
}

TEST_F(BeetHeader, HandsOnFlagIdentificationAndFlowLabel) {
  Octets v4 = Carrying(Outer(IpFamily::kV4), {1});
  v4[4] = 0x12;
  v4[5] = 0x34;
  v4[6] = 0x40;
  const Octets made4 = Strip(v4, 253, Inner(IpFamily::kV4));
  ASSERT_EQ(made4.size(), 21u);
  EXPECT_EQ(Octets(made4.begin() + 4, made4.begin() + 8),
            (Octets{0x12, 0x34, 0x40, 0}));

  Octets v6 = Carrying(Outer(IpFamily::kV6), {1});
  v6[1] |= 0x0a;
  v6[2] = 0xbc;
  v6[3] = 0xde;
  const Octets made6 = Strip(v6, 253, Inner(IpFamily::kV6));
  ASSERT_EQ(made6.size(), 41u);
  EXPECT_EQ(Octets(made6.begin() + 1, made6.begin() + 4),
            Octets(v6.begin() + 1, v6.begin() + 4));
}

// BEET-04: four octets of options end on eight with the pseudo header, eight need padding.
TEST_F(BeetHeader, PutsOptionsBehindAPseudoHeader) {
  const Octets made = Between(Inner(IpFamily::kV4))
                          .HopLimit(7)
                          .TrafficClass(0xb9)
                          .Ipv4Options({0x94, 4, 0, 0})
                          .Raw(253, {0xaa, 0xbb});
  const Octets content = {253, 0, 0, 0, 0x94, 4, 0, 0, 0xaa, 0xbb};
  EXPECT_EQ(Strip(Carrying(Outer(IpFamily::kV4), content), kBeet,
                  Inner(IpFamily::kV4)),
            made);
  EXPECT_EQ(Strip(Carrying(Outer(IpFamily::kV6), content), kBeet,
                  Inner(IpFamily::kV4)),
            WithoutIdentification(made));
  EXPECT_EQ(
      Strip(Carrying(Outer(IpFamily::kV4), {253, 1, 4, 0, 1, 1, 1, 1,  //
                                            7, 7, 4, 0, 0, 0, 0, 0, 0xaa}),
            kBeet, Inner(IpFamily::kV4)),
      Between(Inner(IpFamily::kV4))
          .HopLimit(7)
          .TrafficClass(0xb9)
          .Ipv4Options({7, 7, 4, 0, 0, 0, 0, 0})
          .Raw(253, {0xaa}));
}

// BEET-04
TEST_F(BeetHeader, RefusesPseudoHeadersThatCannotBe) {
  const Octets rest(60);
  const auto with = [&](Octets pseudo) {
    pseudo.insert(pseudo.end(), rest.begin(), rest.end());
    return pseudo;
  };
  // Less than eight octets, longer than the content, a padding of neither 0 nor
  // 4, more options than a header has room for, an option that is cut off.
  EXPECT_EQ(Refusal({253, 0, 0, 0, 1, 1, 1}), DropReason::kBadIpOption);
  EXPECT_EQ(Refusal({253, 1, 0, 0, 1, 1, 1, 1}), DropReason::kBadIpOption);
  for (const std::uint8_t padding : Octets{1, 2, 3, 5, 8, 255}) {
    EXPECT_EQ(Refusal(with({253, 1, padding, 0})), DropReason::kBadIpOption);
  }
  EXPECT_EQ(Refusal(with({253, 5, 0, 0})), DropReason::kBadIpOption);
  EXPECT_EQ(Refusal(with({253, 255, 0, 0})), DropReason::kBadIpOption);
  EXPECT_EQ(Refusal(with({253, 0, 0, 0, 7, 200, 4, 0})),
            DropReason::kBadIpOption);
  // 40 octets of options are the most.
  EXPECT_FALSE(Strip(Carrying(Outer(IpFamily::kV4), with({253, 5, 4, 0})),
                     kBeet, Inner(IpFamily::kV4))
                   .empty());
}

TEST_F(BeetHeader, RefusesIpv4OptionsForAnIpv6Header) {
  EXPECT_EQ(Refusal({253, 0, 0, 0, 0x94, 4, 0, 0}, kBeet, IpFamily::kV6),
            DropReason::kModeMismatch);
}

// BEET-05
TEST_F(BeetHeader, RefusesFragmentsInside) {
  const Octets fragment = {17, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(Refusal(fragment, 44, IpFamily::kV6), DropReason::kFragment);
}

TEST_F(BeetHeader, NeedsRoomForALargerHeader) {
  PacketPool tight({.packets = 1, .payload = 2000, .headroom = 0});
  Packet packet = tight.Copy(Carrying(Outer(IpFamily::kV4), {1, 2, 3}));
  const Passage stripped =
      StripBeetHeader(packet, Inner(IpFamily::kV6), {28, 3, 253});
  ASSERT_FALSE(stripped.ok());
  EXPECT_EQ(stripped.error(), DropReason::kNoHeadroom);
  packet.Release();
}

}  // namespace
}  // namespace postern
