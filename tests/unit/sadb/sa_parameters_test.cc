// SPDX-License-Identifier: Apache-2.0

#include "sadb/sa_parameters.h"

#include <algorithm>

#include "gtest/gtest.h"

#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

// This host is 10.9.0.1; it talks from port 4711 to 10.9.0.2, port 80.
FlowKey Web() {
  return {.local = Address("10.9.0.1"),
          .remote = Address("10.9.0.2"),
          .local_port = 4711,
          .remote_port = 80,
          .protocol = 6};
}

TEST(Selector, EmptyMatchesEverything) {
  EXPECT_TRUE(Selector{}.Matches(Web(), Direction::kOutbound));
  EXPECT_TRUE(Selector{}.Matches(FlowKey{}, Direction::kInbound));
}

TEST(Selector, ReadsTheKeyAsThePacketGoes) {
  Selector to_server;
  to_server.source = Prefix("10.9.0.1");
  to_server.destination = Prefix("10.9.0.0/30");
  to_server.protocol = 6;
  to_server.source_port = 4711;
  to_server.destination_port = 80;
  EXPECT_TRUE(to_server.Matches(Web(), Direction::kOutbound));
  EXPECT_FALSE(to_server.Matches(Web(), Direction::kInbound));

  Selector answer;
  answer.source = Prefix("10.9.0.2");
  answer.destination = Prefix("10.9.0.1");
  answer.protocol = 6;
  answer.source_port = 80;
  answer.destination_port = 4711;
  EXPECT_TRUE(answer.Matches(Web(), Direction::kInbound));
  EXPECT_FALSE(answer.Matches(Web(), Direction::kOutbound));
}

TEST(Selector, EachFieldBinds) {
  const auto matches = [](const Selector& selector) {
    return selector.Matches(Web(), Direction::kOutbound);
  };
  EXPECT_FALSE(matches({.source = Prefix("10.9.0.2")}));
  EXPECT_FALSE(matches({.destination = Prefix("10.9.0.4/30")}));
  EXPECT_FALSE(matches({.source = Prefix("::/0")}));
  EXPECT_FALSE(matches({.protocol = 17}));
  EXPECT_FALSE(matches({.protocol = 6, .source_port = 80}));
  EXPECT_FALSE(matches({.protocol = 6, .destination_port = 4711}));
  EXPECT_TRUE(matches({.protocol = 6, .destination_port = 80}));
}

TEST(Selector, PortsDoNotBindProtocolsWithoutPorts) {
  FlowKey ping = Web();
  ping.protocol = 1;
  ping.local_port = ping.remote_port = 0;
  EXPECT_TRUE(
      Selector{.destination_port = 80}.Matches(ping, Direction::kOutbound));
}

// A later fragment has no ports to show: it must not pass as any (DEF-18).
TEST(Selector, PortsRefuseFragmentsWithoutPorts) {
  FlowKey fragment = Web();
  fragment.local_port = fragment.remote_port = 0;
  const Selector web{.protocol = 6, .destination_port = 80};
  EXPECT_FALSE(web.Matches(fragment, Direction::kOutbound));
}

TEST(Selector, OnlyAFullOneHasAnOnlyFlow) {
  Selector full;
  full.source = Prefix("10.9.0.1");
  full.destination = Prefix("10.9.0.2");
  full.protocol = 6;
  full.source_port = 4711;
  full.destination_port = 80;
  EXPECT_EQ(full.OnlyFlow(), Web());

  Selector wide = full;
  wide.source = Prefix("10.9.0.0/31");
  EXPECT_EQ(wide.OnlyFlow(), std::nullopt);
  Selector any_port = full;
  any_port.source_port = PortSelector();
  EXPECT_EQ(any_port.OnlyFlow(), std::nullopt);
  Selector icmp = full;
  icmp.protocol = 1;
  EXPECT_EQ(icmp.OnlyFlow(), std::nullopt);
  EXPECT_EQ(Selector{}.OnlyFlow(), std::nullopt);
}

TEST(SaIdentity, ReadsAsASentenceNamesIt) {
  EXPECT_EQ(ToString(GcmSa(0x1011).identity()), "esp 0x00001011 to 10.9.0.2");
  EXPECT_EQ(ToString(AhSa(0x1011).identity()), "ah 0x00001011 to 10.9.0.2");
}

TEST(SaParameters, SplitsTheSaltOffTheKey) {  // SAD-22, RFC 4106 8.1
  SaParameters sa = GcmSa();
  sa.encryption_key =
      SecretBytes::FromHex("000102030405060708090a0b0c0d0e0fa0a1a2a3").value();
  const esp::Parameters esp = sa.ForEsp();
  EXPECT_TRUE(ConstantTimeEqual(
      esp.encryption_key.octets(),
      SecretBytes::FromHex("000102030405060708090a0b0c0d0e0f")->octets()));
  EXPECT_TRUE(ConstantTimeEqual(esp.salt.octets(),
                                SecretBytes::FromHex("a0a1a2a3")->octets()));
  EXPECT_FALSE(esp.tunnel.has_value());
}

TEST(SaParameters, GivesATunnelItsHeader) {  // SAD-16
  SaParameters sa = AhSa();
  sa.mode = IpsecMode::kTunnel;
  sa.dont_fragment = TunnelHeader::DontFragment::kSet;
  sa.dscp = TunnelHeader::Dscp::kMap0;
  const ah::Parameters ah = sa.ForAh();
  ASSERT_TRUE(ah.tunnel.has_value());
  EXPECT_EQ(ah.tunnel->endpoints.source, sa.source);
  EXPECT_EQ(ah.tunnel->endpoints.destination, sa.destination);
  EXPECT_EQ(ah.tunnel->dont_fragment, TunnelHeader::DontFragment::kSet);
  EXPECT_EQ(ah.tunnel->dscp, TunnelHeader::Dscp::kMap0);
}

}  // namespace
}  // namespace postern
