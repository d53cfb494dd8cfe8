// SPDX-License-Identifier: Apache-2.0
//
// What comes in beside sound packets of one SA fares as it does where it is looked
// at in full, and what comes out of an SA of transport mode is looked at as far as
// it may be new.

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "ah/signer.h"
#include "core/packet/packet_pool.h"
#include "esp/suite.h"
#include "tests/sim/sim_host.h"

namespace postern {
namespace {

struct Ends {
  const char* alice;
  const char* bob;
};

class ShortLooks : public testing::TestWithParam<Ends> {
 protected:
  ShortLooks() {
    AddSaPair(alice_, bob_, Category::kEspTransport);
    AddInbound(twin_, Sa());
    AddInbound(twin_, Sa(Category::kEspNetwork));
    AddInbound(twin_, InUdp());
    for (SimHost* host : {&alice_, &bob_, &twin_}) {
      host->SetSystemLevel(Category::kEspTransport, Level::kRequire);
    }
  }

  SaParameters Sa(Category category = Category::kEspTransport) const {
    return SaFor(alice_.address(), bob_.address(), category);
  }

  SaParameters InUdp() const {
    SaParameters sa = Sa();
    sa.spi = Spi{0x4500};
    sa.encryption_key = SecretBytes(Octets(20, 0x45));
    sa.encapsulation = UdpPorts{.source = 4500, .destination = 4500};
    return sa;
  }

  static void AddInbound(SimHost& host, SaParameters sa) {
    sa.direction = Direction::kInbound;
    EXPECT_TRUE(host.sadb().Add(sa, {}, host.now()).ok());
  }

  static bool IsV4() { return GetParam().bob[0] == '1'; }

  static Octets BehindIpHeader(const Octets& packet) {
    return {packet.begin() + (IsV4() ? 20 : 40), packet.end()};
  }

  static PacketBuilder Builder() { return {GetParam().alice, GetParam().bob}; }

  std::vector<Octets> SendThree() {
    std::vector<Octets> packets;
    for (std::size_t size = 41; size <= 43; ++size) {
      packets.push_back(Builder().Udp(1000, 2000, Octets(size)));
    }
    return alice_.SendAll(packets);
  }

  // Whatever this is in ESP of alice's SA.
  Octets Sealed(std::uint8_t next_header, const Octets& payload,
                Category category = Category::kEspTransport) {
    esp::SealingSuite suite =
        esp::SealingSuite::Create(Sa(category).ForEsp()).value();
    Octets esp(suite.SealedSize(payload.size()));
    esp::SealingSuite::Job job{.payload = payload,
                               .next_header = next_header,
                               .seq = next_seq_++,
                               .iv = {},
                               .esp = esp};
    suite.Seal(std::span(&job, 1));
    EXPECT_TRUE(job.outcome.ok());
    return Builder().Raw(50, esp);
  }

  // A tunnel announces what version the packet says that it has.
  Octets Tunnelled(const Octets& packet) {
    return Sealed(packet[0] >> 4 == 6 ? 41 : 4, packet, Category::kEspNetwork);
  }

  // In AH of transport mode, behind the extension headers that AH goes behind.
  Octets Signed(const Octets& clear) {
    PacketPool pool({.packets = 1});
    ah::Signer signer = ah::Signer::Create(Sa(Category::kAh).ForAh()).value();
    Packet packet = pool.Copy(clear);
    EXPECT_TRUE(signer.Sign(packet, next_seq_++).ok());
    const ConstBytes octets = std::as_const(packet).bytes();
    const Octets result(octets.begin(), octets.end());
    packet.Release();
    return result;
  }

  // Bob refuses it for this reason, between packets that he takes.
  void ExpectRefused(const Octets& packet, DropReason reason) {
    std::vector<Octets> packets = SendThree();
    packets[1] = packet;
    const std::uint64_t before = bob_.drops(reason);
    EXPECT_EQ(bob_.ReceiveAll(packets).size(), 2U) << NameOf(reason);
    EXPECT_EQ(bob_.drops(reason), before + 1) << NameOf(reason);
  }

  // Bob takes all of them at once and as they are. His twin cannot look at them
  // in short: they come one by one out of a tunnel, and since there is ESP in UDP
  // he looks into what they hold, too.
  void ExpectSameInFull(const std::vector<Octets>& packets,
                        const std::string& what) {
    std::vector<Octets> expected;
    for (const Octets& packet : packets) {
      for (Octets& taken : twin_.Receive(Tunnelled(packet))) {
        expected.push_back(std::move(taken));
      }
    }
    EXPECT_GE(expected.size(), 2U) << what;
    EXPECT_EQ(bob_.ReceiveAll(packets), expected) << what;
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      EXPECT_EQ(bob_.drops(reason), twin_.drops(reason))
          << NameOf(reason) << ", " << what;
    }
  }

  SimHost alice_{GetParam().alice};
  SimHost bob_{GetParam().bob};
  SimHost twin_{GetParam().bob};
  std::uint64_t next_seq_ = 40;
};

// The middle one of three differs in one octet of its IP header or its SPI, with
// the IPv4 checksum as it was or mended. (Of its number Check() alone tells more
// when it knows of those before.)
TEST_P(ShortLooks, TreatWhatDiffersAsFullOnesDo) {
  for (std::size_t at = 0; at < (IsV4() ? 24U : 44U); ++at) {
    for (const unsigned flip : {0x01U, 0x03U, 0x10U, 0x20U, 0x40U, 0x80U}) {
      std::vector<Octets> packets = SendThree();
      Octets& odd = packets[1];
      odd[at] = static_cast<std::uint8_t>(odd[at] ^ flip);
      const std::string what =
          std::to_string(at) + " ^ " + std::to_string(flip);
      ExpectSameInFull(packets, what);
      if (IpView::Parse(odd).ok()) {
        packets = SendThree();
        packets[1][at] = static_cast<std::uint8_t>(packets[1][at] ^ flip);
        MendIpv4Checksum(packets[1]);
        ExpectSameInFull(packets, what + ", mended");
      }
    }
  }
  EXPECT_GT(bob_.drops(DropReason::kBadIpVersion), 0U);
  EXPECT_GT(bob_.drops(DropReason::kTruncated), 0U);
  EXPECT_GT(bob_.drops(DropReason::kNoSaForSpi), 0U);
}

TEST_P(ShortLooks, RefuseADamagedHeaderBesideSoundOnes) {
  Octets odd = SendThree()[1];
  if (IsV4()) {
    odd[8] ^= 1;  // and the checksum stays
    ExpectRefused(odd, DropReason::kBadIpHeader);
  } else {
    odd[4] ^= 0x80;
    ExpectRefused(odd, DropReason::kTruncated);
  }
}

TEST_P(ShortLooks, FindEspAndAhWithinTransportMode) {
  Octets unknown(64, 1);
  ExpectRefused(Sealed(50, unknown), DropReason::kNoSaForSpi);
  unknown[1] = 4;  // of the whole AH: 24 octets
  ExpectRefused(Sealed(51, unknown), DropReason::kNoSaForSpi);
}

TEST_P(ShortLooks, FindEspThatIsTooShortWithinTransportMode) {
  ExpectRefused(Sealed(50, Octets(7)), DropReason::kTruncated);
}

// In IPv6 more headers may follow; in IPv4 the same numbers are protocols.
TEST_P(ShortLooks, FindBadExtensionHeadersWithinTransportMode) {
  const Octets beyond = {17, 9, 0, 0, 0, 0, 0, 0};
  for (const std::uint8_t extension : Octets{0, 43, 60}) {
    const Octets clear = Builder().Raw(extension, beyond);
    if (IsV4()) {
      EXPECT_EQ(bob_.Receive(Sealed(extension, beyond)),
                std::vector<Octets>{clear});
    } else {
      ExpectRefused(Sealed(extension, beyond), IpView::Parse(clear).error());
    }
  }
}

// ESP in UDP is found where an SA expects it, and only there.
TEST_P(ShortLooks, FindEspInUdpWithinTransportMode) {
  const Octets datagram = Builder().Udp(4500, 4500, Octets(64, 1));
  const Octets udp = BehindIpHeader(datagram);
  EXPECT_EQ(bob_.Receive(Sealed(17, udp)), std::vector<Octets>{datagram});
  AddInbound(bob_, InUdp());
  ExpectRefused(Sealed(17, udp), DropReason::kNoSaForSpi);
}

// AH of transport mode below ESP of either mode.
class ShortLooksBelowAh : public ShortLooks {
 protected:
  static constexpr std::array kOuter = {Category::kEspTransport,
                                        Category::kEspNetwork};

  ShortLooksBelowAh() {
    AddInbound(bob_, Sa(Category::kAh));
    AddInbound(bob_, Sa(Category::kEspNetwork));
    // By ESP of transport mode in front of AH a packet satisfies no level.
    bob_.SetSystemLevel(Category::kEspTransport, Level::kNone);
  }

  Octets BelowEsp(Category outer, const Octets& packet) {
    return outer == Category::kEspNetwork
               ? Tunnelled(packet)
               : Sealed(packet[IsV4() ? 9 : 6], BehindIpHeader(packet));
  }

  void ExpectTaken(const Octets& clear) {
    for (const Category outer : kOuter) {
      EXPECT_EQ(bob_.Receive(BelowEsp(outer, Signed(clear))),
                std::vector<Octets>{clear});
    }
  }

  void ExpectRefusedBelow(const Octets& clear, DropReason reason) {
    for (const Category outer : kOuter) {
      ExpectRefused(BelowEsp(outer, Signed(clear)), reason);
    }
  }

  // What AH holds is named in the IP header, or in one behind it.
  static std::vector<PacketBuilder> Builders() {
    return IsV4() ? std::vector{Builder()}
                  : std::vector{Builder(), Builder().Extension(43, Octets(8))};
  }
};

TEST_P(ShortLooksBelowAh, TakeWhatItHolds) {
  for (const PacketBuilder& builder : Builders()) {
    ExpectTaken(builder.Udp(1000, 2000, Octets(42)));
    ExpectTaken(builder.Tcp(1000, 2000, kAck));
  }
  EXPECT_EQ(bob_.count(Count::kAhVerified), 4 * Builders().size());
  if (!IsV4()) {
    ExpectTaken(Builder().Extension(60, Octets(8)).Udp(1000, 2000));
  }
}

TEST_P(ShortLooksBelowAh, RefuseWhatIsForged) {
  for (const Category outer : kOuter) {
    Octets forged = Signed(Builder().Udp(1000, 2000, Octets(42)));
    forged.back() ^= 1;
    ExpectRefused(BelowEsp(outer, forged), DropReason::kBadIcv);
  }
}

TEST_P(ShortLooksBelowAh, FindEspAndAh) {
  Octets unknown(64, 1);
  unknown[1] = 4;  // of the whole AH: 24 octets
  for (const PacketBuilder& builder : Builders()) {
    ExpectRefusedBelow(builder.Raw(50, unknown), DropReason::kNoSaForSpi);
    ExpectRefusedBelow(builder.Raw(51, unknown), DropReason::kNoSaForSpi);
    ExpectRefusedBelow(builder.Raw(50, Octets(7)), DropReason::kTruncated);
  }
}

TEST_P(ShortLooksBelowAh, RemoveEsp) {
  const Octets clear = Builder().Udp(1000, 2000, Octets(42));
  for (const Category outer : kOuter) {
    const Octets below = Signed(Sealed(17, BehindIpHeader(clear)));
    EXPECT_EQ(bob_.Receive(BelowEsp(outer, below)), std::vector<Octets>{clear});
  }
}

TEST_P(ShortLooksBelowAh, FindEspInUdp) {
  const Octets datagram = Builder().Udp(4500, 4500, Octets(64, 1));
  ExpectTaken(datagram);
  AddInbound(bob_, InUdp());
  ExpectRefusedBelow(datagram, DropReason::kNoSaForSpi);
}

const auto kFamilies = testing::Values(Ends{"10.9.1.1", "10.9.2.1"},
                                       Ends{"2001:db8::1", "2001:db8::2"});

std::string NameOfFamily(const testing::TestParamInfo<Ends>& of) {
  return of.index == 0 ? "IPv4" : "IPv6";
}

INSTANTIATE_TEST_SUITE_P(Families, ShortLooks, kFamilies, NameOfFamily);
INSTANTIATE_TEST_SUITE_P(Families, ShortLooksBelowAh, kFamilies, NameOfFamily);

}  // namespace
}  // namespace postern
