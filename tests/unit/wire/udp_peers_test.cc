// SPDX-License-Identifier: Apache-2.0

#include "wire/udp_peers.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/unit/wire/udp_fixture.h"

namespace postern {
namespace {

using testing::HasSubstr;

UdpPeer Peer(const char* host, const char* at) {
  return {.host = Address(host), .at = UdpEndpoint::Parse(at).value()};
}

const std::vector<IpAddress> kOwn = {Address("10.9.1.1"), Address("10.9.1.7"),
                                     Address("fd00:9:1::1")};

TEST(UdpPeers, AreFoundByHostAndByEndpoint) {
  const auto peers =
      UdpPeers::Create(std::vector{Peer("10.9.2.1", "192.0.2.2:4500"),
                                   Peer("fd00:9:2::1", "[2001:db8::2]:4500")},
                       kOwn);
  ASSERT_TRUE(peers.ok());
  const auto* found = peers->FindHost(Address("10.9.2.1"));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(peers->FindAt(found->peer.at), found);
  EXPECT_EQ(peers->FindHost(Address("10.9.2.2")), nullptr);
  // The port counts.
  EXPECT_EQ(peers->FindAt(UdpEndpoint::Parse("192.0.2.2:4501").value()),
            nullptr);
}

TEST(UdpPeers, StayFoundWhenTheTableMoves) {
  auto peers =
      UdpPeers::Create(std::vector{Peer("10.9.2.1", "192.0.2.2:4500")}, kOwn);
  ASSERT_TRUE(peers.ok());
  const UdpPeers moved = std::move(*peers);
  ASSERT_NE(moved.FindHost(Address("10.9.2.1")), nullptr);
  EXPECT_EQ(moved.FindHost(Address("10.9.2.1"))->peer.host,
            Address("10.9.2.1"));
}

TEST(UdpPeers, AreRefusedWhenTheyAreAmbiguous) {
  const auto refusal = [](const std::vector<UdpPeer>& peers) {
    const auto made = UdpPeers::Create(peers, kOwn);
    EXPECT_FALSE(made.ok());
    return made.ok() ? "" : made.error().message;
  };
  EXPECT_THAT(refusal({}), HasSubstr("needs a peer"));
  EXPECT_THAT(refusal({Peer("10.9.2.1", "192.0.2.2:4500"),
                       Peer("10.9.2.1", "192.0.2.3:4500")}),
              HasSubstr("there twice"));
  EXPECT_THAT(refusal({Peer("10.9.2.1", "192.0.2.2:4500"),
                       Peer("fd00:9:2::1", "192.0.2.2:4500")}),
              HasSubstr("endpoint of its own"));
}

TEST(UdpPeers, NeedAnAddressOfTheirFamilyHere) {
  const auto made =
      UdpPeers::Create(std::vector{Peer("fd00:9:2::1", "192.0.2.2:4500")},
                       std::vector{Address("10.9.1.1")});
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message, HasSubstr("no address of the family"));
}

// RFC 791, RFC 8200, RFC 768: 20, 40 and 8 octets.
TEST(UdpPeers, SayByHowMuchAPacketGrows) {
  EXPECT_EQ(UdpOverhead(std::vector{Peer("10.9.2.1", "192.0.2.2:1")}), 8U);
  EXPECT_EQ(UdpOverhead(std::vector{Peer("fd00::1", "[2001:db8::2]:1")}), 8U);
  EXPECT_EQ(UdpOverhead(std::vector{Peer("10.9.2.1", "[2001:db8::2]:1")}), 28U);
  // The IPv6 header gives back more than is added.
  EXPECT_EQ(UdpOverhead(std::vector{Peer("fd00::1", "192.0.2.2:1")}), 0U);
  // The worst of all counts.
  EXPECT_EQ(UdpOverhead(std::vector{Peer("fd00::1", "192.0.2.2:1"),
                                    Peer("10.9.2.1", "[2001:db8::2]:1")}),
            28U);
}

}  // namespace
}  // namespace postern
