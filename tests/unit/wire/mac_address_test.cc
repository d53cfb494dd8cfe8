// SPDX-License-Identifier: Apache-2.0

#include "wire/mac_address.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

#include "tests/unit/wire/ethernet_frames.h"
#include "wire/ethernet.h"

namespace postern {
namespace {

Octets OctetsOf(const MacAddress& address) {
  return {address.octets().begin(), address.octets().end()};
}

TEST(MacAddress, ReadsSixPairsOfDigits) {
  EXPECT_EQ(OctetsOf(MacAddress::Parse("02:00:5e:10:00:01").value()),
            Hex("02005e100001"));
  EXPECT_EQ(OctetsOf(MacAddress::Parse("ff:FF:aB:Cd:09:00").value()),
            Hex("ffffabcd0900"));
}

TEST(MacAddress, RefusesWhatIsNotSixPairsOfDigits) {
  for (const char* text :
       {"", "02:00:5e:10:00:0", "02:00:5e:10:00:01 ", "02:00:5e:10:00",
        "02-00-5e-10-00-01", "2:0:5e:10:0:0001:", "02:00:5e:10:00:0g",
        "02:00:5e:10:00:-1", "02:00:5e:10:00:+1", "02:00:5e:10:00: 1",
        "0x:00:5e:10:00:01", "02005e100001", "02:00:5e:10:00.01",
        "02:00:5e:10:00:01:02"}) {
    const Result<MacAddress> read = MacAddress::Parse(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalid);
    EXPECT_NE(read.error().message.find("write six pairs"), std::string::npos);
    EXPECT_NE(read.error().message.find(text), std::string::npos);
  }
}

TEST(MacAddress, IsWrittenAsItIsRead) {
  EXPECT_EQ(MacAddress().ToString(), "00:00:00:00:00:00");
  EXPECT_EQ(MacAddress::Broadcast().ToString(), "ff:ff:ff:ff:ff:ff");
  EXPECT_EQ(Mac("02:00:5E:0a:A0:01").ToString(), "02:00:5e:0a:a0:01");
}

// RFC 1112 6.4: the low 23 bits of the group behind 01-00-5E.
TEST(MacAddress, OfAnIpv4GroupHas23BitsOfIt) {
  EXPECT_EQ(MacAddress::OfGroup(Ip("224.0.0.251")), Mac("01:00:5e:00:00:fb"));
  EXPECT_EQ(MacAddress::OfGroup(Ip("224.255.1.2")), Mac("01:00:5e:7f:01:02"));
  EXPECT_EQ(MacAddress::OfGroup(Ip("239.127.1.2")), Mac("01:00:5e:7f:01:02"));
}

// RFC 2464 7: the last four octets behind 33-33.
TEST(MacAddress, OfAnIpv6GroupHasItsLastFourOctets) {
  EXPECT_EQ(MacAddress::OfGroup(Ip("ff02::1")), Mac("33:33:00:00:00:01"));
  EXPECT_EQ(MacAddress::OfGroup(Ip("ff02::1:ffab:cdef")),
            Mac("33:33:ff:ab:cd:ef"));
  EXPECT_EQ(MacAddress::OfGroup(Ip("ff0e:1:2:3:4:5:dead:beef")),
            Mac("33:33:de:ad:be:ef"));
}

// IEEE 802 8.2: the two low bits of the first octet.
TEST(MacAddress, ByChanceIsAStationsAndLocallyAdministered) {
  std::set<MacAddress> drawn;
  for (int i = 0; i < 200; ++i) {
    const MacAddress address = MacAddress::Random().value();
    EXPECT_EQ(address.octets()[0] & 3U, 2U) << address.ToString();
    EXPECT_TRUE(address.is_station());
    drawn.insert(address);
  }
  EXPECT_GT(drawn.size(), 195U);  // 46 bits are drawn
}

TEST(MacAddress, AStationHasNeitherAGroupsNorZero) {
  EXPECT_TRUE(kHost.is_station());
  EXPECT_TRUE(Mac("00:00:00:00:00:01").is_station());
  EXPECT_FALSE(MacAddress().is_station());
  EXPECT_FALSE(MacAddress().is_group());
  EXPECT_FALSE(MacAddress::Broadcast().is_station());
  EXPECT_FALSE(Mac("01:00:5e:00:00:01").is_station());
  EXPECT_TRUE(Mac("01:00:5e:00:00:01").is_group());
  EXPECT_TRUE(Mac("33:33:00:00:00:01").is_group());
}

TEST(EthernetHeader, IsReadAndWrittenAsScapyWritesIt) {
  const Octets frame = Hex(frames::kAdvertisement);
  const EthernetHeader header = EthernetHeader::Read(frame);
  EXPECT_EQ(header.destination, kHost);
  EXPECT_EQ(header.source, kNeighbour);
  EXPECT_EQ(header.type, EtherType::kIpv6);
  Octets written(kFrameHeader + 1, 0x5a);
  header.Write(written);
  EXPECT_EQ(ToHex(written), "02005e10000102005e10000786dd5a");
}

}  // namespace
}  // namespace postern
