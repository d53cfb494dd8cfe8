// SPDX-License-Identifier: Apache-2.0

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "sadb/sa_parameters.h"
#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

using ::testing::HasSubstr;

// The refusal names the field, what it has and what it must have: `parts`.
void ExpectRefused(const SaParameters& sa, ErrorCode code,
                   std::initializer_list<std::string_view> parts) {
  const Status judged = Validate(sa);
  ASSERT_FALSE(judged.ok());
  EXPECT_EQ(judged.error().code, code) << judged.error().message;
  for (const std::string_view part : parts) {
    EXPECT_THAT(judged.error().message, HasSubstr(std::string(part)));
  }
}

void ExpectAccepted(const SaParameters& sa) {
  const Status judged = Validate(sa);
  EXPECT_TRUE(judged.ok()) << judged.error().message;
}

TEST(SaValidation, AcceptsBothProtocolsInBothModes) {  // SAD-02
  for (SaParameters sa : {GcmSa(), CbcSa(), AhSa()}) {
    ExpectAccepted(sa);
    sa.mode = IpsecMode::kTunnel;
    ExpectAccepted(sa);
  }
}

// 10.9.0.1 to 10.9.0.2 outside.
SaParameters BeetSa() {
  SaParameters sa = GcmSa();
  sa.mode = IpsecMode::kBeet;
  sa.selector.source = Address("2001:10::1");
  sa.selector.destination = Address("2001:10::2");
  return sa;
}

// RFC 7402 appendix B
TEST(SaValidation, AcceptsBeetThatBindsOnePairOfAddresses) {
  SaParameters sa = BeetSa();
  ExpectAccepted(sa);
  EXPECT_EQ(sa.found_as(), IpsecMode::kTunnel);
  EXPECT_EQ(sa.inner_ends().source, Address("2001:10::1"));
  EXPECT_EQ(sa.ForEsp().inner, sa.inner_ends());
  EXPECT_EQ(sa.ForEsp().tunnel->endpoints.source, Address("10.9.0.1"));
  sa.selector.protocol = std::uint8_t{6};
  sa.encapsulation = UdpPorts{4500, 4500};
  ExpectAccepted(sa);
}

// BEET-06
TEST(SaValidation, RefusesBeetThatBindsNoPairOfAddresses) {
  SaParameters sa = BeetSa();
  sa.selector = {};
  ExpectRefused(sa, ErrorCode::kInvalid,
                {"selector.source is any", "one address"});
  sa = BeetSa();
  sa.selector.destination = Prefix("2001:10::/64");
  ExpectRefused(sa, ErrorCode::kInvalid,
                {"selector.destination is 2001:10::/64", "one address"});
  sa = BeetSa();
  sa.selector.destination = Address("ff02::1");
  ExpectRefused(sa, ErrorCode::kUnsupported, {"selector.destination is"});
}

// BEET-06
TEST(SaValidation, RefusesBeetOfAhAndWithOptionsOfAnOuterHeader) {
  SaParameters sa = BeetSa();
  sa.protocol = IpsecProtocol::kAh;
  sa.encryption = Encryption::kNull;
  sa.encryption_key = SecretBytes();
  sa.integrity = AhSa().integrity;
  sa.integrity_key = AhSa().integrity_key;
  ExpectRefused(sa, ErrorCode::kUnsupported,
                {"mode is beet", "protocol is ah"});

  std::array<SaParameters, 4> sas = {BeetSa(), BeetSa(), BeetSa(), BeetSa()};
  sas[0].dont_fragment = TunnelHeader::DontFragment::kSet;
  sas[1].dscp = TunnelHeader::Dscp::kMap0;
  sas[2].hop_limit = 63;
  sas[3].flow_label = TunnelHeader::FlowLabel::kCopy;
  for (const SaParameters& one : sas) {
    ExpectRefused(one, ErrorCode::kInvalid, {"mode is beet", "leave"});
  }
  sa = BeetSa();
  sa.tfc_pad_to = 1000;
  ExpectRefused(sa, ErrorCode::kInvalid, {"tfc_pad_to"});
}

TEST(SaValidation, AcceptsIpv6) {
  SaParameters sa = GcmSa();
  sa.source = Address("2001:db8::1");
  sa.destination = Address("2001:db8::2");
  ExpectAccepted(sa);
}

TEST(SaValidation, RefusesSpiZero) {  // UDP-04, SAD-06
  ExpectRefused(GcmSa(0), ErrorCode::kInvalid, {"spi is 0", "256 or more"});
}

TEST(SaValidation, RefusesReservedSpis) {  // SAD-07
  ExpectRefused(GcmSa(1), ErrorCode::kInvalid, {"spi is 1;", "256 or more"});
  ExpectRefused(GcmSa(255), ErrorCode::kInvalid, {"spi is 255"});
  ExpectAccepted(GcmSa(256));
  ExpectAccepted(GcmSa(0xffffffff));
}

TEST(SaValidation, RefusesUnknownKinds) {
  SaParameters protocol = GcmSa();
  protocol.protocol = IpsecProtocol{17};
  ExpectRefused(protocol, ErrorCode::kUnsupported,
                {"protocol is 17", "50 (ESP) or 51 (AH)"});

  SaParameters mode = GcmSa();
  mode.mode = IpsecMode{9};
  ExpectRefused(mode, ErrorCode::kUnsupported, {"mode is number 9"});

  SaParameters encryption = GcmSa();
  encryption.encryption = Encryption{200};
  ExpectRefused(encryption, ErrorCode::kUnsupported,
                {"encryption is number 200"});

  SaParameters integrity = AhSa();
  integrity.integrity = Integrity{200};
  ExpectRefused(integrity, ErrorCode::kUnsupported,
                {"integrity is number 200"});
}

TEST(SaValidation, AllowsDummyPacketsOfOutboundEspOnly) {  // ESP-16
  constexpr DummyWish kWish{std::chrono::milliseconds(10), 0};
  SaParameters sa = GcmSa();
  sa.dummies = kWish;
  ExpectAccepted(sa);
  sa.dummies->octets = 9000;
  ExpectAccepted(sa);
  sa.dummies->octets = 9001;
  ExpectRefused(sa, ErrorCode::kInvalid, {"9001", "40 to 9000"});
  sa.dummies->octets = 39;
  ExpectRefused(sa, ErrorCode::kInvalid, {"39 octets", "40 to 9000"});
  sa.dummies = DummyWish{std::chrono::milliseconds(9), 0};
  ExpectRefused(sa, ErrorCode::kInvalid, {"every 10 ms"});
  sa = GcmSa(0x1011, Direction::kInbound);
  sa.dummies = kWish;
  ExpectRefused(sa, ErrorCode::kInvalid, {"dummy packets", "inbound"});
  sa = AhSa();
  sa.dummies = kWish;
  ExpectRefused(sa, ErrorCode::kUnsupported, {"dummy packets", "ah"});
}

TEST(SaValidation, AllowsAnOwnerOutboundOnly) {  // API-19
  SaParameters sa = GcmSa();
  sa.owner = SocketCookie{5};
  ExpectAccepted(sa);
  sa.direction = Direction::kInbound;
  ExpectRefused(sa, ErrorCode::kInvalid, {"owner is set", "inbound"});
}

TEST(SaValidation, RefusesAddressesOfTwoFamilies) {  // SAD-16
  SaParameters sa = GcmSa();
  sa.mode = IpsecMode::kTunnel;
  sa.destination = Address("2001:db8::2");
  ExpectRefused(sa, ErrorCode::kInvalid,
                {"source is 10.9.0.1", "destination is 2001:db8::2",
                 "both must be IPv4 or both IPv6"});
}

TEST(SaValidation, RefusesAddressesOfNoHost) {
  SaParameters source = GcmSa();
  source.source = IpAddress();
  ExpectRefused(source, ErrorCode::kInvalid, {"source is 0.0.0.0"});

  SaParameters destination = GcmSa();
  destination.source = Address("2001:db8::1");
  destination.destination = Address("::");
  ExpectRefused(destination, ErrorCode::kInvalid, {"destination is ::"});

  SaParameters mapped = GcmSa();
  mapped.source = Address("2001:db8::1");
  mapped.destination = Address("::ffff:10.9.0.2");
  ExpectRefused(mapped, ErrorCode::kInvalid,
                {"destination is ::ffff:10.9.0.2", "10.9.0.2"});
}

TEST(SaValidation, RefusesMulticast) {
  SaParameters v4 = GcmSa();
  v4.destination = Address("224.0.0.5");
  ExpectRefused(v4, ErrorCode::kUnsupported,
                {"destination is 224.0.0.5", "unicast only"});
  SaParameters v6 = GcmSa();
  v6.source = Address("ff02::1");
  ExpectRefused(v6, ErrorCode::kUnsupported, {"source is ff02::1"});
}

TEST(SaValidation, AllowsEspInUdpAndNothingElse) {  // UDP-18
  SaParameters sa = GcmSa();
  sa.encapsulation = UdpPorts{.source = 4500, .destination = 61234};
  ExpectAccepted(sa);
  sa.keepalive = std::chrono::seconds(20);
  ExpectAccepted(sa);
  sa.encapsulation.reset();
  ExpectRefused(sa, ErrorCode::kInvalid, {"keepalives", "udp is not set"});
  sa.encapsulation = UdpPorts{.source = 0, .destination = 4500};
  ExpectRefused(sa, ErrorCode::kInvalid, {"a port of udp is 0"});
  SaParameters ah = AhSa();
  ah.encapsulation = UdpPorts{.source = 4500, .destination = 4500};
  ExpectRefused(ah, ErrorCode::kUnsupported, {"udp is set", "ah"});
}

// SAD-17, SAD-18, RPL-02, ALG-02, ALG-09: API-06 leaves it to us. DEF-25
TEST(SaValidation, RefusesEspWithoutIntegrity) {
  SaParameters null = GcmSa();
  null.encryption = Encryption::kNull;
  null.encryption_key = SecretBytes();
  ExpectRefused(null, ErrorCode::kInvalid,
                {"integrity is \"none\"", "encryption \"null\""});

  SaParameters cbc = CbcSa();
  cbc.integrity = Integrity::kNone;
  cbc.integrity_key = SecretBytes();
  ExpectRefused(cbc, ErrorCode::kInvalid,
                {"integrity is \"none\"", "aes-cbc", "must name an algorithm"});
}

TEST(SaValidation, RefusesIntegrityBesidesAnAead) {  // GCM-11
  SaParameters sa = GcmSa();
  sa.integrity = Integrity::kHmacSha2_256_128;
  sa.integrity_key = Key(32);
  ExpectRefused(
      sa, ErrorCode::kInvalid,
      {"integrity is \"hmac-sha2-256-128\"", "aes-gcm-16", "must be \"none\""});
}

TEST(SaValidation, RefusesAhWithoutIntegrity) {
  SaParameters sa = AhSa();
  sa.integrity = Integrity::kNone;
  sa.integrity_key = SecretBytes();
  ExpectRefused(sa, ErrorCode::kInvalid, {"integrity is \"none\"", "AH"});
}

TEST(SaValidation, RefusesAhWithEncryption) {  // SAD-01
  SaParameters sa = AhSa();
  sa.encryption = Encryption::kAesCbc;
  sa.encryption_key = Key(16);
  ExpectRefused(sa, ErrorCode::kInvalid,
                {"encryption is \"aes-cbc\"", "AH does not encrypt"});
}

// The sizes are written here as the RFCs have them, not taken from the table.
TEST(SaValidation, TakesExactlyTheGcmKeySizesOfRfc4106) {  // SAD-22, GCM-08
  SaParameters sa = GcmSa();
  for (std::size_t size = 0; size <= 64; ++size) {
    sa.encryption_key = Key(size);
    if (size == 20 || size == 28 || size == 36) {
      ExpectAccepted(sa);
    } else {
      ExpectRefused(sa, ErrorCode::kInvalid,
                    {"encryption_key has " + std::to_string(size) + " octet",
                     "20, 28 or 36 octets", "the last 4 of them the salt"});
    }
  }
}

TEST(SaValidation, TakesExactlyTheCbcKeySizesOfRfc3602) {
  SaParameters sa = CbcSa();
  for (std::size_t size = 0; size <= 64; ++size) {
    sa.encryption_key = Key(size);
    if (size == 16 || size == 24 || size == 32) {
      ExpectAccepted(sa);
    } else {
      ExpectRefused(sa, ErrorCode::kInvalid,
                    {"encryption_key has", "16, 24 or 32 octets"});
    }
  }
}

TEST(SaValidation, TakesExactlyTheHmacKeySizesOfTheirRfcs) {
  struct Row {
    Integrity integrity;
    std::size_t key;
  };

  for (const Row& row : {Row{Integrity::kHmacSha1_96, 20},          // AUT-01
                         Row{Integrity::kHmacSha2_256_128, 32}}) {  // AUT-02
    for (SaParameters sa : {AhSa(), CbcSa()}) {
      sa.integrity = row.integrity;
      for (std::size_t size = 0; size <= 80; ++size) {
        sa.integrity_key = Key(size);
        if (size == row.key) {
          ExpectAccepted(sa);
        } else {
          ExpectRefused(sa, ErrorCode::kInvalid,
                        {"integrity_key has " + std::to_string(size),
                         "exactly " + std::to_string(row.key) + " octets"});
        }
      }
    }
  }
}

TEST(SaValidation, RefusesKeysThatNoAlgorithmTakes) {
  SaParameters null = CbcSa();
  null.encryption = Encryption::kNull;
  ExpectRefused(null, ErrorCode::kInvalid,
                {"encryption_key has 16 octets", "takes no key"});

  SaParameters ah = AhSa();
  ah.encryption_key = Key(1);
  ExpectRefused(ah, ErrorCode::kInvalid, {"encryption_key has 1 octet,"});

  SaParameters aead = GcmSa();
  aead.integrity_key = Key(20);
  ExpectRefused(aead, ErrorCode::kInvalid,
                {"integrity_key has 20 octets", "integrity is \"none\""});
}

TEST(SaValidation, NeverQuotesAKey) {  // SAD-23
  SaParameters sa = GcmSa();
  sa.encryption_key = SecretBytes::FromHex("deadbeefdeadbeef").value();
  const Status judged = Validate(sa);
  ASSERT_FALSE(judged.ok());
  EXPECT_EQ(judged.error().message.find("dead"), std::string::npos);
}

// DEF-16
TEST(SaValidation, BoundsTheWindow) {  // RPL-07, RPL-14
  SaParameters sa = GcmSa();
  EXPECT_EQ(sa.replay_window, 64u);
  for (const std::uint32_t size : {0u, 1u, 32u, 64u, 1024u, 4096u, 65536u}) {
    sa.replay_window = size;
    ExpectAccepted(sa);
  }
  sa.replay_window = 65537;
  ExpectRefused(sa, ErrorCode::kInvalid,
                {"replay_window is 65537", "at most 65536"});
}

// DEF-08, DEF-08b
TEST(SaValidation, RefusesExtendedNumbersWithTheWindowOff) {  // AH-49, RPL-18
  for (SaParameters sa : {AhSa(), GcmSa()}) {
    sa.numbers = SequenceNumbers::kExtended;
    ExpectAccepted(sa);
    sa.replay_window = 0;
    ExpectRefused(sa, ErrorCode::kInvalid,
                  {"replay_window is 0", "at least 1"});
  }
}

TEST(SaValidation, RefusesBoundsOfZero) {
  SaParameters octets = GcmSa();
  octets.hard.octets = 0;
  ExpectRefused(octets, ErrorCode::kInvalid, {"hard.octets is 0"});
  SaParameters packets = GcmSa();
  packets.soft.packets = 0;
  ExpectRefused(packets, ErrorCode::kInvalid, {"soft.packets is 0"});
  SaParameters time = GcmSa();
  time.hard.time = Duration(0);
  ExpectRefused(time, ErrorCode::kInvalid, {"hard.time", "is 0"});
  time.hard.time = Duration(-5);
  ExpectRefused(time, ErrorCode::kInvalid, {"hard.time", "is 0"});
}

TEST(SaValidation, RefusesSoftBoundsBeyondHardOnes) {
  SaParameters octets = GcmSa();
  octets.soft.octets = 10;
  octets.hard.octets = 9;
  ExpectRefused(octets, ErrorCode::kInvalid,
                {"soft.octets is 10", "hard.octets, 9"});
  octets.hard.octets = 10;
  ExpectAccepted(octets);
  SaParameters packets = GcmSa();
  packets.soft.packets = 2;
  packets.hard.packets = 1;
  ExpectRefused(packets, ErrorCode::kInvalid, {"soft.packets is 2"});
  SaParameters time = GcmSa();
  time.soft.time = Duration(2);
  time.hard.time = Duration(1);
  ExpectRefused(time, ErrorCode::kInvalid, {"soft.time"});
}

TEST(SaValidation, RefusesSelectorsOfTwoFamilies) {
  SaParameters sa = GcmSa();
  sa.mode = IpsecMode::kTunnel;
  sa.selector.source = Prefix("10.0.0.0/8");
  sa.selector.destination = Prefix("2001:db8::/32");
  ExpectRefused(sa, ErrorCode::kInvalid,
                {"selector.source is 10.0.0.0/8",
                 "selector.destination is 2001:db8::/32"});
}

TEST(SaValidation, LetsATunnelCarryTheOtherFamily) {
  SaParameters sa = GcmSa();
  sa.mode = IpsecMode::kTunnel;
  sa.selector.source = Prefix("2001:db8:1::/48");
  sa.selector.destination = Prefix("2001:db8:2::/48");
  ExpectAccepted(sa);
}

TEST(SaValidation, RefusesTransportSelectorsThatLeaveTheSaOut) {
  SaParameters source = GcmSa();
  source.selector.source = Prefix("2001:db8::/32");
  ExpectRefused(source, ErrorCode::kInvalid,
                {"selector.source is 2001:db8::/32", "10.9.0.1"});
  SaParameters destination = GcmSa();
  destination.selector.destination = Prefix("10.9.0.3/32");
  ExpectRefused(destination, ErrorCode::kInvalid,
                {"selector.destination is 10.9.0.3/32", "10.9.0.2"});
  destination.selector.destination = Prefix("10.9.0.0/24");
  ExpectAccepted(destination);
}

TEST(SaValidation, RefusesPortsWithoutAProtocolThatHasPorts) {
  SaParameters any = GcmSa();
  any.selector.destination_port = 80;
  ExpectRefused(any, ErrorCode::kInvalid,
                {"selector.protocol is ANY", "must name"});
  SaParameters icmp = GcmSa();
  icmp.selector.protocol = 1;
  icmp.selector.source_port = 8;
  ExpectRefused(icmp, ErrorCode::kUnsupported, {"selector.protocol is 1"});
  icmp.selector.source_port = PortSelector();
  ExpectAccepted(icmp);
}

}  // namespace
}  // namespace postern
