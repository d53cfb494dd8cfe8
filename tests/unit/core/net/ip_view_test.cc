// SPDX-License-Identifier: Apache-2.0

#include "core/net/ip_view.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

#include "core/net/checksum.h"
#include "tests/support/hex.h"

namespace postern {
namespace {

using OctetVector = std::vector<std::uint8_t>;

// 192.0.2.1:4711 > 198.51.100.2:53, UDP, "hi". TOS 0xb9, TTL 63.
constexpr std::string_view kV4 =
    "45b9001e 12344000 3f110000 c0000201 c6336402  12670035 000a0000 6869";
constexpr std::string_view kV6Addresses =
    "20010db8000000000000000000000001 20010db8000000000000000000000002";

OctetVector V6(std::uint8_t next, std::string_view rest) {
  const OctetVector payload = Hex(rest);
  OctetVector octets = Hex("6bb12345 0000 00 3f");
  const OctetVector addresses = Hex(kV6Addresses);
  octets.insert(octets.end(), addresses.begin(), addresses.end());
  octets.insert(octets.end(), payload.begin(), payload.end());
  octets[6] = next;
  StoreBe(Bytes(octets).subspan(4), static_cast<std::uint16_t>(payload.size()));
  return octets;
}

IpView Parsed(const OctetVector& octets) {
  return IpView::Parse(octets).value();
}

DropReason Refusal(const OctetVector& octets) {
  return IpView::Parse(octets).error();
}

TEST(IpView, ReadsAnIpv4Packet) {
  const OctetVector octets = Hex(kV4);
  const IpView view = Parsed(octets);
  EXPECT_EQ(view.family(), IpFamily::kV4);
  EXPECT_EQ(view.source().ToString(), "192.0.2.1");
  EXPECT_EQ(view.destination().ToString(), "198.51.100.2");
  EXPECT_EQ(view.size(), 30U);
  EXPECT_EQ(view.header_length(), 20U);
  EXPECT_EQ(view.protocol(), 17);
  EXPECT_EQ(view.protocol_offset(), 9U);
  EXPECT_EQ(view.payload_offset(), 20U);
  EXPECT_EQ(view.insertion_offset(), 20U);
  EXPECT_EQ(view.insertion_protocol_offset(), 9U);
  EXPECT_EQ(view.insertion_protocol(), 17);
  EXPECT_EQ(view.fragment(), IpView::Fragment::kWhole);
  EXPECT_EQ(view.traffic_class(), 0xb9);
  EXPECT_EQ(view.hop_limit(), 63);
  EXPECT_EQ(view.payload().size(), 10U);
}

TEST(IpView, ReadsAnIpv6Packet) {
  const OctetVector octets = V6(17, "12670035 000a0000 6869");
  const IpView view = Parsed(octets);
  EXPECT_EQ(view.family(), IpFamily::kV6);
  EXPECT_EQ(view.source().ToString(), "2001:db8::1");
  EXPECT_EQ(view.destination().ToString(), "2001:db8::2");
  EXPECT_EQ(view.size(), 50U);
  EXPECT_EQ(view.header_length(), 40U);
  EXPECT_EQ(view.protocol(), 17);
  EXPECT_EQ(view.protocol_offset(), 6U);
  EXPECT_EQ(view.payload_offset(), 40U);
  EXPECT_EQ(view.traffic_class(), 0xbb);
  EXPECT_EQ(view.hop_limit(), 63);
  EXPECT_EQ(view.fragment(), IpView::Fragment::kWhole);
}

TEST(IpView, HasOneKeyForBothDirections) {
  const OctetVector out = Hex(kV4);
  const OctetVector back = Hex(
      "4500001e 00000000 40110000 c6336402 c0000201  00351267 000a0000 6869");
  const FlowKey key = Parsed(out).Key(Direction::kOutbound).value();
  EXPECT_EQ(ToString(key), "udp 192.0.2.1:4711 > 198.51.100.2:53");
  EXPECT_EQ(Parsed(back).Key(Direction::kInbound).value(), key);
}

TEST(IpView, ReadsPortsOfEveryProtocolThatBeginsWithThem) {
  for (const auto protocol :
       std::initializer_list<std::uint8_t>{6, 17, 33, 132, 136}) {
    OctetVector octets = Hex(kV4);
    octets[9] = protocol;
    EXPECT_EQ(Parsed(octets).Key(Direction::kOutbound)->local_port, 4711);
  }
  for (const auto protocol :
       std::initializer_list<std::uint8_t>{1, 4, 47, 50, 51, 58, 89}) {
    OctetVector octets = Hex(kV4);
    octets[9] = protocol;
    const FlowKey key = Parsed(octets).Key(Direction::kOutbound).value();
    EXPECT_EQ(key.local_port, 0) << int{protocol};
    EXPECT_EQ(key.remote_port, 0) << int{protocol};
  }
}

// DEF-18
TEST(IpView, HasNoPortsInALaterFragment) {
  OctetVector octets = Hex(kV4);
  octets[7] = 1;  // offset 8 octets; DF stays
  const IpView view = Parsed(octets);
  EXPECT_EQ(view.fragment(), IpView::Fragment::kLater);
  EXPECT_EQ(view.Key(Direction::kOutbound)->local_port, 0);
}

TEST(IpView, KnowsFirstFragments) {
  OctetVector octets = Hex(kV4);
  octets[6] = 0x20;
  EXPECT_EQ(Parsed(octets).fragment(), IpView::Fragment::kFirst);
  EXPECT_EQ(Parsed(octets).Key(Direction::kOutbound)->local_port, 4711);
  octets[6] = 0x40;  // DF alone
  EXPECT_EQ(Parsed(octets).fragment(), IpView::Fragment::kWhole);
}

// DEF-18
TEST(IpView, RefusesAKeyWhenThePortsAreCutOff) {
  for (std::uint16_t size = 20; size < 24; ++size) {
    OctetVector octets = Hex(kV4);
    StoreBe(Bytes(octets).subspan(2), size);
    EXPECT_EQ(Parsed(octets).Key(Direction::kOutbound).error(),
              DropReason::kBadTransportHeader);
    octets[7] = 1;  // a later fragment may be as short as it likes
    EXPECT_TRUE(Parsed(octets).Key(Direction::kOutbound).ok());
  }
}

TEST(IpView, RefusesVersionsThatAreNoIp) {
  for (unsigned version = 0; version < 16; ++version) {
    if (version == 4 || version == 6) {
      continue;
    }
    OctetVector octets = Hex(kV4);
    octets[0] = static_cast<std::uint8_t>(version << 4 | 5);
    EXPECT_EQ(Refusal(octets), DropReason::kBadIpVersion) << version;
  }
}

TEST(IpView, RefusesLengthsThatContradictTheHeader) {
  for (std::uint8_t words = 0; words < 5; ++words) {
    OctetVector octets = Hex(kV4);
    octets[0] = static_cast<std::uint8_t>(0x40 | words);
    EXPECT_EQ(Refusal(octets), DropReason::kBadIpHeader) << int{words};
  }
  for (std::uint8_t size = 0; size < 20; ++size) {
    OctetVector octets = Hex(kV4);
    octets[3] = size;
    EXPECT_EQ(Refusal(octets), DropReason::kBadIpHeader) << int{size};
  }
  OctetVector octets = Hex(kV4);
  octets[0] = 0x48;  // a header of 32 octets in a packet of 30
  EXPECT_EQ(Refusal(octets), DropReason::kBadIpHeader);
}

TEST(IpView, LeavesOutWhatFollowsThePacket) {
  OctetVector v4 = Hex(kV4);
  v4.resize(46 + 20, 0xee);  // Ethernet's padding
  EXPECT_EQ(Parsed(v4).size(), 30U);
  EXPECT_EQ(Parsed(v4).payload().size(), 10U);
  OctetVector v6 = V6(17, "12670035 000a0000 6869");
  v6.resize(v6.size() + 3, 0xee);
  EXPECT_EQ(Parsed(v6).payload().size(), 10U);
}

// DEF-13
TEST(IpView, RefusesIpv4OptionsWithImpossibleLengths) {
  for (const std::string_view options :
       {"83000000", "83010000", "83050000", "0101 0183", "44ff0000"}) {
    OctetVector octets = Hex("4600001c 12344000 3f110000 c0000201 c6336402" +
                             std::string(options) + "12670035");
    EXPECT_EQ(Refusal(octets), DropReason::kBadIpOption) << options;
  }
  const OctetVector good =
      Hex("4600001c 12344000 3f110000 c0000201 c6336402 94040000 12670035");
  EXPECT_EQ(Parsed(good).header_length(), 24U);
  EXPECT_EQ(Parsed(good).Key(Direction::kOutbound)->remote_port, 53);
}

constexpr std::string_view kPadding = "0104 00000000";

std::string Header(std::string_view next) {
  return std::string(next) + "00" + std::string(kPadding);
}

struct Place {
  std::size_t offset;
  std::size_t named_at;
  int protocol;

  friend bool operator==(const Place&, const Place&) = default;
};

Place Insertion(const IpView& view) {
  return {view.insertion_offset(), view.insertion_protocol_offset(),
          view.insertion_protocol()};
}

// RFC 4303 3.1.1; DEF-22: ext-headers before and behind the insertion.
TEST(IpView, InsertsBehindHopByHopRoutingAndTheirDestinationOptions) {
  const std::string ports = "12670035";
  // hop-by-hop
  OctetVector octets = V6(0, Header("11") + ports);
  EXPECT_EQ(Insertion(Parsed(octets)), (Place{48, 40, 17}));
  // hop-by-hop, destination options, routing
  octets = V6(0, Header("3c") + Header("2b") + Header("11") + ports);
  EXPECT_EQ(Insertion(Parsed(octets)), (Place{64, 56, 17}));
  // destination options alone stay inside
  octets = V6(60, Header("11") + ports);
  EXPECT_EQ(Insertion(Parsed(octets)), (Place{40, 6, 60}));
  EXPECT_EQ(Parsed(octets).payload_offset(), 48U);
  EXPECT_EQ(Parsed(octets).protocol(), 17);
  // those behind a routing header, too
  octets = V6(0, Header("2b") + Header("3c") + Header("11") + ports);
  EXPECT_EQ(Insertion(Parsed(octets)), (Place{56, 48, 60}));
  EXPECT_EQ(Parsed(octets).Key(Direction::kOutbound)->local_port, 4711);
  // before and behind
  octets = V6(60, Header("2b") + Header("3c") + Header("11") + ports);
  EXPECT_EQ(Insertion(Parsed(octets)), (Place{56, 48, 60}));
}

// DEF-14
TEST(IpView, TakesAhAndEspAsPayload) {
  for (const auto protocol : std::initializer_list<std::uint8_t>{50, 51}) {
    OctetVector octets = V6(0, Header("11") + "0011223344556677");
    octets[40] = protocol;
    const IpView view = Parsed(octets);
    EXPECT_EQ(view.protocol(), protocol);
    EXPECT_EQ(view.payload_offset(), 48U);
  }
}

TEST(IpView, KnowsIpv6Fragments) {
  EXPECT_EQ(Parsed(V6(44, "1100 0001 00000001 12670035")).fragment(),
            IpView::Fragment::kFirst);
  const OctetVector later = V6(44, "3c00 0008 00000001 ffff");
  EXPECT_EQ(Parsed(later).fragment(), IpView::Fragment::kLater);
  EXPECT_EQ(Parsed(later).protocol(), 60);
  EXPECT_EQ(Parsed(later).payload_offset(), 48U);
  // RFC 6946: an atomic fragment is a whole packet
  const OctetVector atomic = V6(44, "1100 0000 00000001 12670035");
  EXPECT_EQ(Parsed(atomic).fragment(), IpView::Fragment::kWhole);
  EXPECT_EQ(Parsed(atomic).Key(Direction::kOutbound)->local_port, 4711);
}

// A second fragment header must not hide the first one's verdict.
TEST(IpView, RemembersTheMostFragmentaryOfTwoFragmentHeaders) {
  const OctetVector octets =
      V6(44, "2c00 0001 00000001 1100 0000 00000001 12670035");
  EXPECT_EQ(Parsed(octets).fragment(), IpView::Fragment::kFirst);
}

// DEF-14
TEST(IpView, RefusesExtensionHeadersThatCannotBe) {
  EXPECT_EQ(Refusal(V6(0, "")), DropReason::kBadExtensionHeader);
  EXPECT_EQ(Refusal(V6(0, "11 01 0104 00000000")),
            DropReason::kBadExtensionHeader);
  EXPECT_EQ(Refusal(V6(60, Header("00") + Header("11"))),
            DropReason::kBadExtensionHeader);
  EXPECT_EQ(Refusal(V6(0, "1100 01ff 00000000")),
            DropReason::kBadExtensionHeader);
  EXPECT_EQ(Refusal(V6(60, "1100 0505 00000000")),
            DropReason::kBadExtensionHeader);
}

// DEF-14: chains of 8-octet headers of every length up to 64 KiB.
TEST(IpView, NeverFollowsALongChainOfHeaders) {
  const OctetVector one = Hex(Header("3c"));
  for (std::size_t count = 1; count <= 65535 / 8; count += 97) {
    OctetVector octets = V6(60, "");
    for (std::size_t i = 0; i < count; ++i) {
      octets.insert(octets.end(), one.begin(), one.end());
    }
    octets[octets.size() - 8] = 59;
    StoreBe(Bytes(octets).subspan(4), static_cast<std::uint16_t>(8 * count));
    const auto view = IpView::Parse(octets);
    if (count <= IpView::kMaxExtensionHeaders) {
      EXPECT_TRUE(view.ok()) << count;
    } else {
      ASSERT_FALSE(view.ok()) << count;
      EXPECT_EQ(view.error(), DropReason::kTooManyHeaders);
    }
  }
}

TEST(SetIpLength, WritesTheIpv4LengthAndMendsTheChecksum) {
  OctetVector octets = Hex(kV4);
  octets.resize(1000);
  ASSERT_TRUE(SetIpLength(octets, 1000).ok());
  EXPECT_EQ(LoadBe<std::uint16_t>(ConstBytes(octets).subspan(2)), 1000);
  EXPECT_EQ(InternetChecksum(ConstBytes(octets).first(20)), 0);
}

TEST(SetIpLength, WritesTheIpv6PayloadLength) {
  OctetVector octets = V6(17, "12670035 000a0000 6869");
  ASSERT_TRUE(SetIpLength(octets, 1040).ok());
  EXPECT_EQ(LoadBe<std::uint16_t>(ConstBytes(octets).subspan(4)), 1000);
}

TEST(SetIpLength, RefusesWhatDoesNotFit16Bits) {
  OctetVector v4 = Hex(kV4);
  EXPECT_TRUE(SetIpLength(v4, 65535).ok());
  const OctetVector before = v4;
  EXPECT_EQ(SetIpLength(v4, 65536).error(), DropReason::kTooBig);
  EXPECT_EQ(v4, before);
  OctetVector v6 = V6(17, "12670035 000a0000 6869");
  EXPECT_EQ(SetIpLength(v6, 65535 + 41).error(), DropReason::kTooBig);
  EXPECT_EQ(SetIpLength(v6, 39).error(), DropReason::kTooBig);
  EXPECT_TRUE(SetIpLength(v6, 65535 + 40).ok());
}

// The difference (RFC 1624) makes what the definition does, for all lengths,
// and with every other protocol; 0 and 0xffff are among the sums.
TEST(RewriteIpHeader, EqualsAChecksumMadeAnew) {
  OctetVector octets(2000);
  CopyBytes(octets, Hex(kV4));
  for (std::size_t size = 20; size < octets.size(); ++size) {
    const Bytes packet = Bytes(octets).first(size);
    const auto protocol = static_cast<std::uint8_t>(size * 7);
    MendIpv4Checksum(packet);
    ASSERT_TRUE(RewriteIpHeader(packet, 9, protocol).ok());
    const OctetVector rewritten(packet.begin(), packet.begin() + 20);
    ASSERT_EQ(LoadBe<std::uint16_t>(packet.subspan(2)), size);
    ASSERT_EQ(packet[9], protocol);
    MendIpv4Checksum(packet);
    ASSERT_EQ(OctetVector(packet.begin(), packet.begin() + 20), rewritten);
    octets[4] = static_cast<std::uint8_t>(size);  // another sum
    octets[5] = static_cast<std::uint8_t>(size * 31);
  }
}

TEST(RewriteIpHeader, LeavesAWrongChecksumWrong) {
  OctetVector octets = Hex(kV4);
  MendIpv4Checksum(octets);
  octets[10] ^= 0x40;
  const auto wrong = InternetChecksum(ConstBytes(octets).first(20));
  octets.resize(700);
  ASSERT_TRUE(RewriteIpHeader(octets, 9, 50).ok());
  EXPECT_EQ(InternetChecksum(ConstBytes(octets).first(20)), wrong);
}

TEST(RewriteIpHeader, NamesTheProtocolOfIpv6WhereItStands) {
  OctetVector octets = V6(17, "12670035 000a0000 6869");
  octets.resize(1040);
  ASSERT_TRUE(RewriteIpHeader(octets, 6, 51).ok());
  EXPECT_EQ(LoadBe<std::uint16_t>(ConstBytes(octets).subspan(4)), 1000);
  EXPECT_EQ(octets[6], 51);
}

TEST(RewriteIpHeader, RefusesWhatDoesNotFit16Bits) {
  OctetVector octets = Hex(kV4);
  octets.resize(65536);
  const OctetVector before = octets;
  EXPECT_EQ(RewriteIpHeader(octets, 9, 50).error(), DropReason::kTooBig);
  EXPECT_EQ(octets, before);
}

TEST(MendIpv4Checksum, CoversOptionsAndLeavesIpv6Alone) {
  OctetVector v4 =
      Hex("4600001c 12344000 3f11ffff c0000201 c6336402 94040000 12670035");
  MendIpv4Checksum(v4);
  EXPECT_EQ(InternetChecksum(ConstBytes(v4).first(24)), 0);
  OctetVector v6 = V6(17, "12670035 000a0000 6869");
  const OctetVector before = v6;
  MendIpv4Checksum(v6);
  EXPECT_EQ(v6, before);
}

}  // namespace
}  // namespace postern
