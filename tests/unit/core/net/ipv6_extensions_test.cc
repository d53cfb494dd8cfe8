// SPDX-License-Identifier: Apache-2.0

#include "core/net/ipv6_extensions.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/hex.h"

namespace postern {
namespace {

using Seen = std::vector<std::string>;

// An IPv6 header whose next header is `first`, and then these octets.
std::vector<std::uint8_t> Packet(std::uint8_t first, std::string_view rest) {
  std::vector<std::uint8_t> octets(kIpv6HeaderSize);
  octets[0] = 0x60;
  octets[6] = first;
  const std::vector<std::uint8_t> more = Hex(rest);
  octets.insert(octets.end(), more.begin(), more.end());
  return octets;
}

// "type@offset+size" of each header and then "=protocol@offset<named at>", or
// "!reason".
Seen Walk(ConstBytes packet) {
  Seen seen;
  Ipv6Extensions walk(packet);
  for (;;) {
    const Opinion<std::optional<Ipv6Extension>> next = walk.Next();
    if (!next.ok()) {
      seen.push_back("!" + std::string(NameOf(next.error())));
      return seen;
    }
    if (!next->has_value()) {
      seen.push_back("=" + std::to_string(walk.protocol()) + "@" +
                     std::to_string(walk.offset()) + "<" +
                     std::to_string(walk.protocol_offset()));
      return seen;
    }
    seen.push_back(std::to_string((*next)->type) + "@" +
                   std::to_string((*next)->offset) + "+" +
                   std::to_string((*next)->octets.size()));
  }
}

constexpr std::string_view kPad = "0104 00000000";  // PadN over six octets

TEST(Ipv6Extensions, FindsThePayloadAtOnce) {
  EXPECT_EQ(Walk(Packet(6, "")), Seen{"=6@40<6"});
  EXPECT_EQ(Walk(Packet(50, "0011")), Seen{"=50@40<6"});
  EXPECT_EQ(Walk(Packet(51, "0011")), Seen{"=51@40<6"});
  EXPECT_EQ(Walk(Packet(59, "")), Seen{"=59@40<6"});
}

TEST(Ipv6Extensions, FollowsAChain) {
  const std::string pad(kPad);
  EXPECT_EQ(Walk(Packet(0, "3c00" + pad + "2b00" + pad +
                               "2c01 000000000000 0000000000000000" +
                               "1100 0000 00000001")),
            (Seen{"0@40+8", "60@48+8", "43@56+16", "44@72+8", "=17@80<72"}));
}

TEST(Ipv6Extensions, EndsBehindTheHeaderOfALaterFragment) {
  // offset 8, next header destination options: those are data here
  EXPECT_EQ(Walk(Packet(44, "3c00 0008 00000001 ffff")),
            (Seen{"44@40+8", "=60@48<40"}));
  // the first fragment goes on
  EXPECT_EQ(Walk(Packet(44, "3c00 0001 00000001 1100" + std::string(kPad))),
            (Seen{"44@40+8", "60@48+8", "=17@56<48"}));
}

TEST(Ipv6Extensions, IgnoresTheReservedLengthOfAFragmentHeader) {
  EXPECT_EQ(Walk(Packet(44, "11ff 0000 00000001")),
            (Seen{"44@40+8", "=17@48<40"}));
}

// DEF-14
TEST(Ipv6Extensions, RefusesHeadersThatReachPastTheEnd) {
  EXPECT_EQ(Walk(Packet(0, "")), Seen{"!bad_extension_header"});
  EXPECT_EQ(Walk(Packet(60, "1100 0104 000000")),
            Seen{"!bad_extension_header"});
  EXPECT_EQ(Walk(Packet(60, "1101 0104 00000000")),
            Seen{"!bad_extension_header"});
  EXPECT_EQ(Walk(Packet(43, "11ff 0000 00000000 0000")),
            Seen{"!bad_extension_header"});
  EXPECT_EQ(Walk(Packet(44, "1100 0000 000000")),
            Seen{"!bad_extension_header"});
}

// DEF-14; RFC 8200 4.1
TEST(Ipv6Extensions, RefusesAHopByHopHeaderThatDoesNotStandFirst) {
  EXPECT_EQ(
      Walk(Packet(60, "0000" + std::string(kPad) + "1100" + std::string(kPad))),
      (Seen{"60@40+8", "!bad_extension_header"}));
}

TEST(Ipv6Extensions, FollowsSixteenHeadersAndNoMore) {
  const std::string more = "3c00" + std::string(kPad);
  const std::string last = "1100" + std::string(kPad);
  std::string chain;
  for (int i = 0; i < 15; ++i) {
    chain += more;
  }
  EXPECT_EQ(Walk(Packet(60, chain + last)).back(), "=17@168<160");
  EXPECT_EQ(Walk(Packet(60, chain + more + last)).back(), "!too_many_headers");
}

TEST(Ipv6Options, YieldsWholeOptions) {
  // router alert, Pad1, PadN of 2, an unknown one that may change, of 0 data
  const std::vector<std::uint8_t> header =
      Hex("3a01 05020000 00 0100 3e00 01030000 00");
  Ipv6Options options(header);
  Seen seen;
  for (;;) {
    const auto next = options.Next();
    ASSERT_TRUE(next.ok());
    if (!next->has_value()) {
      break;
    }
    seen.push_back(std::to_string((*next)->type) + "@" +
                   std::to_string((*next)->offset) + ":" +
                   ToHex((*next)->octets) + ((*next)->may_change() ? "*" : ""));
  }
  EXPECT_EQ(seen, (Seen{"5@2:05020000", "0@6:00", "1@7:0100", "62@9:3e00*",
                        "1@11:0103000000"}));
}

TEST(Ipv6Options, RefusesLengthsPastTheHeadersEnd) {
  for (const char* octets : {"3a00 05050000 0000", "3a00 01ff 00000000",
                             "3a00 0000000000 05", "3a00 0103000000 01"}) {
    EXPECT_EQ(CheckIpv6Options(Hex(octets)).error(),
              DropReason::kBadExtensionHeader)
        << octets;
  }
  EXPECT_TRUE(CheckIpv6Options(Hex("3a00 000000000000")).ok());
}

TEST(Ipv6Options, HasDataBehindTypeAndLength) {
  const std::vector<std::uint8_t> header = Hex("3a00 00 0503aabbcc");
  Ipv6Options options(header);
  EXPECT_TRUE((*options.Next())->data().empty());
  EXPECT_EQ(ToHex((*options.Next())->data()), "aabbcc");
}

// DEF-14: every type with every length ends, within or at the end.
TEST(Ipv6Options, JudgesEveryTypeWithEveryLength) {
  for (unsigned type = 1; type < 256; ++type) {
    for (unsigned length = 0; length < 256; ++length) {
      std::vector<std::uint8_t> header(64);  // the rest is Pad1
      header[2] = static_cast<std::uint8_t>(type);
      header[3] = static_cast<std::uint8_t>(length);
      EXPECT_EQ(CheckIpv6Options(header).ok(), length <= 60)
          << type << ": " << length;
    }
  }
}

}  // namespace
}  // namespace postern
