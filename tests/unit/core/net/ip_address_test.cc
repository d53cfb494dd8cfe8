// SPDX-License-Identifier: Apache-2.0

#include "core/net/ip_address.h"

#include <set>
#include <string>
#include <string_view>
#include <unordered_set>

#include "gtest/gtest.h"

#include "tests/support/hex.h"

namespace postern {
namespace {

IpAddress Address(std::string_view text) {
  return IpAddress::Parse(text).value();
}

IpPrefix Prefix(std::string_view text) {
  return IpPrefix::Parse(text).value();
}

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  for (const std::string_view text :
       {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1",
        "fe80::1:2:3:4", "::ffff:192.0.2.1"}) {
    EXPECT_EQ(Address(text).ToString(), text);
  }
  EXPECT_EQ(Address("2001:DB8:0:0:0:0:0:1").ToString(), "2001:db8::1");
}

TEST(IpAddress, HasItsOctetsInNetworkOrder) {
  EXPECT_EQ(ToHex(Address("192.0.2.1").octets()), "c0000201");
  EXPECT_EQ(ToHex(Address("2001:db8::1").octets()),
            "20010db8000000000000000000000001");
  EXPECT_EQ(IpAddress::FromOctets(Hex("c0000201")), Address("192.0.2.1"));
  EXPECT_EQ(
      IpAddress::FromOctets(Hex("20010db8000000000000000000000001")).family(),
      IpFamily::kV6);
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  using std::string_view_literals::operator""sv;
  for (const std::string_view text :
       {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "256.1.1.1"sv, "1.2.3.4 "sv,
        "1.2.3.4\0"sv, "01.2.3.4x"sv, ":::"sv, "2001:db8::g"sv,
        "fe80::1%tun0"sv, "localhost"sv, "10.0.0.0/8"sv,
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"sv}) {
    const auto address = IpAddress::Parse(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.error().code, ErrorCode::kInvalid);
    EXPECT_NE(address.error().message.find("192.0.2.1"), std::string::npos);
  }
}

TEST(IpAddress, NeverEqualsOneOfTheOtherFamily) {
  EXPECT_NE(Address("0.0.0.0"), Address("::"));
  EXPECT_NE(Address("192.0.2.1"), Address("::ffff:192.0.2.1"));
  EXPECT_NE(Address("192.0.2.1"), Address("c000:201::"));
  EXPECT_EQ(IpAddress(), Address("0.0.0.0"));
}

TEST(IpAddress, KnowsItsKind) {
  EXPECT_TRUE(Address("::").is_unspecified());
  EXPECT_TRUE(Address("0.0.0.0").is_unspecified());
  EXPECT_FALSE(Address("::1").is_unspecified());

  EXPECT_TRUE(Address("224.0.0.1").is_multicast());
  EXPECT_TRUE(Address("239.255.255.255").is_multicast());
  EXPECT_FALSE(Address("223.255.255.255").is_multicast());
  EXPECT_FALSE(Address("240.0.0.1").is_multicast());
  EXPECT_TRUE(Address("ff02::1").is_multicast());
  EXPECT_FALSE(Address("fe80::1").is_multicast());

  EXPECT_TRUE(Address("169.254.1.1").is_link_local());
  EXPECT_FALSE(Address("169.253.1.1").is_link_local());
  EXPECT_TRUE(Address("fe80::1").is_link_local());
  EXPECT_TRUE(Address("febf::1").is_link_local());
  EXPECT_FALSE(Address("fec0::1").is_link_local());
}

TEST(IpAddress, UnmapsOnlyMappedAddresses) {
  EXPECT_EQ(Address("::ffff:192.0.2.1").Unmapped(), Address("192.0.2.1"));
  for (const std::string_view text :
       {"192.0.2.1", "::192.0.2.1", "2001:db8::ffff:c000:201", "::"}) {
    EXPECT_EQ(Address(text).Unmapped(), Address(text)) << text;
  }
}

TEST(IpAddress, ServesAsAKey) {
  std::unordered_set<IpAddress> set;
  set.insert(Address("192.0.2.1"));
  set.insert(Address("2001:db8::1"));
  EXPECT_TRUE(set.contains(Address("192.0.2.1")));
  EXPECT_FALSE(set.contains(Address("192.0.2.2")));
  const std::set<IpAddress> ordered = {Address("10.0.0.2"),
                                       Address("10.0.0.1")};
  EXPECT_EQ(*ordered.begin(), Address("10.0.0.1"));
}

TEST(IpAddressDeathTest, EndsTheProcessOnOctetsOfAnotherSize) {
  EXPECT_DEATH(IpAddress::FromOctets(Hex("c00002")), "");
}

TEST(IpPrefix, ReadsAndWritesBothFamilies) {
  for (const std::string_view text :
       {"0.0.0.0/0", "10.0.0.0/8", "10.128.0.0/9", "192.0.2.1/32", "::/0",
        "2001:db8::/32", "2001:db8::8000/113", "2001:db8::1/128"}) {
    EXPECT_EQ(Prefix(text).ToString(), text);
  }
}

TEST(IpPrefix, TakesAnAddressAloneAsAWholeOne) {
  EXPECT_EQ(Prefix("192.0.2.1").length(), 32U);
  EXPECT_EQ(Prefix("2001:db8::1").length(), 128U);
}

TEST(IpPrefix, RefusesBitsBehindItsLengthAndTellsWhatWasMeant) {
  const auto prefix = IpPrefix::Parse("10.1.2.3/9");
  ASSERT_FALSE(prefix.ok());
  EXPECT_EQ(prefix.error().code, ErrorCode::kInvalid);
  EXPECT_NE(prefix.error().message.find("10.0.0.0/9"), std::string::npos);
  EXPECT_NE(
      IpPrefix::Parse("2001:db8::1/32").error().message.find("2001:db8::/32"),
      std::string::npos);
}

TEST(IpPrefix, RefusesLengthsThatCannotBe) {
  for (const std::string_view text :
       {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/ 8",
        "10.0.0.0/8x", "10.0.0.0/8/8", "10.0.0.0/4294967304", "/8", "",
        "x/8"}) {
    const auto prefix = IpPrefix::Parse(text);
    ASSERT_FALSE(prefix.ok()) << text;
    EXPECT_EQ(prefix.error().code, ErrorCode::kInvalid);
  }
}

TEST(IpPrefix, CutsAnAddressToItsLength) {
  const IpAddress v4 = Address("255.255.255.255");
  EXPECT_EQ(IpPrefix(v4, 0).ToString(), "0.0.0.0/0");
  EXPECT_EQ(IpPrefix(v4, 1).ToString(), "128.0.0.0/1");
  EXPECT_EQ(IpPrefix(v4, 15).ToString(), "255.254.0.0/15");
  EXPECT_EQ(IpPrefix(v4, 32).ToString(), "255.255.255.255/32");
  EXPECT_EQ(IpPrefix(Address("2001:db8:ffff::1"), 33).ToString(),
            "2001:db8:8000::/33");
}

// Every length, against the address's bits taken one by one.
TEST(IpPrefix, ContainsExactlyWhatSharesItsBits) {
  const IpAddress base = Address("2001:db8:a5a5:5a5a:1234:5678:9abc:def0");
  for (unsigned length = 0; length <= 128; ++length) {
    const IpPrefix prefix(base, length);
    for (unsigned flipped = 0; flipped < 128; ++flipped) {
      std::vector<std::uint8_t> octets(base.octets().begin(),
                                       base.octets().end());
      octets[flipped / 8] ^= static_cast<std::uint8_t>(0x80 >> (flipped % 8));
      EXPECT_EQ(prefix.Contains(IpAddress::FromOctets(octets)),
                flipped >= length)
          << length << ", bit " << flipped;
    }
  }
}

TEST(IpPrefix, ContainsNothingOfTheOtherFamily) {
  EXPECT_FALSE(Prefix("0.0.0.0/0").Contains(Address("::")));
  EXPECT_FALSE(Prefix("::/0").Contains(Address("10.0.0.1")));
  EXPECT_TRUE(Prefix("0.0.0.0/0").Contains(Address("10.0.0.1")));
}

TEST(IpPrefixDeathTest, EndsTheProcessOnALengthThatCannotBe) {
  EXPECT_DEATH(IpPrefix(Address("10.0.0.0"), 33), "");
}

}  // namespace
}  // namespace postern
