// SPDX-License-Identifier: Apache-2.0

#include "wire/wire.h"

#include "gtest/gtest.h"

namespace postern {
namespace {

TEST(WireKind, HasTheNamesOfTheConfiguration) {
  EXPECT_EQ(NameOf(WireKind::kTun), "tun");
  EXPECT_EQ(NameOf(WireKind::kUdp), "udp");
  EXPECT_EQ(NameOf(WireKind::kTap), "tap");
  EXPECT_EQ(NameOf(WireKind::kPacket), "packet");
}

TEST(WireKind, OnlyUdpCannotCarryEveryIpPacket) {
  EXPECT_TRUE(CarriesAnyIpPacket(WireKind::kTun));
  EXPECT_FALSE(CarriesAnyIpPacket(WireKind::kUdp));
  EXPECT_TRUE(CarriesAnyIpPacket(WireKind::kTap));
  EXPECT_TRUE(CarriesAnyIpPacket(WireKind::kPacket));
}

TEST(WireKind, TwoMakeTheHostAStationOfAnEthernet) {
  EXPECT_FALSE(IsEthernet(WireKind::kTun));
  EXPECT_FALSE(IsEthernet(WireKind::kUdp));
  EXPECT_TRUE(IsEthernet(WireKind::kTap));
  EXPECT_TRUE(IsEthernet(WireKind::kPacket));
}

}  // namespace
}  // namespace postern
