// SPDX-License-Identifier: Apache-2.0
//
// [[sa]] of the configuration.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/daemon/host_text.h"

namespace postern {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// SPD-26
TEST(HostConfig, ReadsAssociationsAndTellsTheirDirection) {
  const HostConfig config =
      Read(std::string(kLeast) +
           Gcm("esn = true\nreplay_window = 1024\n"
               "soft_octets = 1000\nhard_octets = 2000\n"
               "hard_packets = 10\nhard_seconds = 3600\n"
               "dont_fragment = \"clear\"\ndscp = \"zero\"\n"
               "selector = { protocol = \"tcp\", "
               "destination = \"10.9.0.2/32\", "
               "destination_port = 80 }\n") +
           "[[sa]]\nprotocol = \"ah\"\nmode = \"transport\"\nspi = \"0x2002\"\n"
           "source = \"fd00:9::2\"\ndestination = \"fd00:9::1\"\n"
           "integrity = \"hmac-sha1-96\"\nintegrity_key = \"" +
           Key(20) + "\"\n");
  ASSERT_EQ(config.associations.size(), 2u);
  const SaParameters& out = config.associations[0];
  EXPECT_EQ(out.direction, Direction::kOutbound);
  EXPECT_EQ(out.encryption, Encryption::kAesGcm16);
  EXPECT_EQ(out.encryption_key.size(), 20u);
  EXPECT_EQ(out.numbers, SequenceNumbers::kExtended);
  EXPECT_EQ(out.replay_window, 1024u);
  EXPECT_EQ(out.soft.octets, 1000u);
  EXPECT_EQ(out.hard.packets, 10u);
  EXPECT_EQ(out.hard.time, std::chrono::hours(1));
  EXPECT_EQ(out.dont_fragment, TunnelHeader::DontFragment::kClear);
  EXPECT_EQ(out.dscp, TunnelHeader::Dscp::kMap0);
  EXPECT_EQ(out.selector.protocol, std::uint8_t{6});
  EXPECT_EQ(out.selector.destination_port, std::uint16_t{80});
  const SaParameters& in = config.associations[1];
  EXPECT_EQ(in.direction, Direction::kInbound);
  EXPECT_EQ(ToString(in.spi), "0x00002002");
}

TEST(HostConfig, ReadsEspInUdp) {  // UDP-01
  const auto ports_of = [](const std::string& keys) {
    const HostConfig config = Read(std::string(kLeast) + Gcm(keys));
    return config.associations.at(0).encapsulation;
  };
  EXPECT_EQ(ports_of(""), std::nullopt);
  EXPECT_EQ(ports_of("udp = {}\n"),
            (UdpPorts{.source = 4500, .destination = 4500}));
  EXPECT_EQ(ports_of("udp = { destination_port = 61234 }\n"),
            (UdpPorts{.source = 4500, .destination = 61234}));
  const HostConfig kept =
      Read(std::string(kLeast) + Gcm("udp = { keepalive_seconds = 20 }\n"));
  EXPECT_EQ(kept.associations.at(0).keepalive, std::chrono::seconds(20));
  EXPECT_THAT(
      Refused(std::string(kLeast) + Gcm("udp = { source_port = 65536 }\n")),
      ElementsAre(HasSubstr("source_port")));
}

TEST(HostConfig, ReadsBeetAndTheAddressesThatItBinds) {
  const auto with = [](const std::string& keys) {
    std::string text = Gcm(keys);
    text.replace(text.find("transport"), 9, "beet");
    return std::string(kLeast) + text;
  };
  const HostConfig config = Read(with(
      "selector = { source = \"10.0.0.1\", destination = \"10.0.0.2\" }\n"));
  ASSERT_EQ(config.associations.size(), 1u);
  EXPECT_EQ(config.associations[0].mode, IpsecMode::kBeet);
  EXPECT_EQ(config.associations[0].direction, Direction::kOutbound);
  EXPECT_EQ(config.associations[0].inner_ends().destination.ToString(),
            "10.0.0.2");
  EXPECT_THAT(Refused(with("")), ElementsAre(HasSubstr("selector.source")));
  EXPECT_THAT(Refused(with("selector = { source = \"10.0.0.1\", "
                           "destination = \"10.0.0.2\" }\nhop_limit = 9\n")),
              ElementsAre(HasSubstr("mode is beet")));
}

// TUN-05 TUN-09 TUN-14 ESP-17
TEST(HostConfig, ReadsWhatATunnelLooksLike) {
  std::string text =
      Gcm("dscp = \"46\"\nhop_limit = 9\nflow_label = \"copy\"\n"
          "tfc_pad_to = 1400\n");
  text.replace(text.find("transport"), 9, "tunnel");
  const HostConfig config = Read(std::string(kLeast) + text);
  ASSERT_EQ(config.associations.size(), 1u);
  const SaParameters& sa = config.associations[0];
  EXPECT_EQ(sa.dscp, TunnelHeader::Dscp::kSet);
  EXPECT_EQ(sa.dscp_value, 46);
  EXPECT_EQ(sa.hop_limit, 9);
  EXPECT_EQ(sa.flow_label, TunnelHeader::FlowLabel::kCopy);
  EXPECT_EQ(sa.tfc_pad_to, 1400u);
  EXPECT_THAT(Refused(std::string(kLeast) + Gcm("tfc_pad_to = 1400\n")),
              ElementsAre(HasSubstr("tfc_pad_to")));
  EXPECT_THAT(Refused(std::string(kLeast) + Gcm("dscp = \"64\"\n")),
              ElementsAre(HasSubstr("up to 63")));
}

// ESP-16
TEST(HostConfig, ReadsHowDummyPacketsAreWished) {
  const auto wish_of = [](const std::string& more) {
    return Read(std::string(kLeast) + Gcm(more)).associations.at(0).dummies;
  };
  EXPECT_EQ(wish_of(""), std::nullopt);
  EXPECT_EQ(wish_of("dummy_interval_ms = 250\n"),
            (DummyWish{std::chrono::milliseconds(250), 0}));
  EXPECT_EQ(wish_of("dummy_interval_ms = 10\ndummy_octets = 40\n"),
            (DummyWish{std::chrono::milliseconds(10), 40}));
  EXPECT_THAT(Refused(std::string(kLeast) + Gcm("dummy_interval_ms = 9\n")),
              ElementsAre(HasSubstr("dummy_interval_ms")));
  EXPECT_THAT(Refused(std::string(kLeast) + Gcm("dummy_octets = 100\n")),
              ElementsAre(HasSubstr("write dummy_interval_ms, too")));
}

TEST(HostConfig, RefusesAssociationsThatCouldNotProtect) {
  const std::string no_key =
      "[[sa]]\nprotocol = \"esp\"\nmode = \"transport\"\nspi = 255\nsource = "
      "\"10.9.0.1\"\ndestination = \"10.9.0.2\"\nencryption = \"null\"\n";
  EXPECT_THAT(Refused(std::string(kLeast) + no_key),
              ElementsAre(StartsWith("host.toml:7:")));
  EXPECT_THAT(Refused(std::string(kLeast) + Gcm("integrity = \"md5\"\n")),
              ElementsAre(HasSubstr("hmac-sha2-256-128")));
  EXPECT_THAT(Refused(std::string(kLeast) + Gcm("") + Gcm("")),
              ElementsAre(HasSubstr("there are two SAs")));
}

TEST(HostConfig, RefusesAssociationsOfOthers) {
  std::string text = std::string(kLeast) + Gcm("");
  text.replace(text.find("\"10.9.0.1\"\ndestination"), 10, "\"10.9.9.9\"");
  EXPECT_THAT(Refused(text),
              ElementsAre(HasSubstr("neither source nor destination")));
}

}  // namespace
}  // namespace postern
