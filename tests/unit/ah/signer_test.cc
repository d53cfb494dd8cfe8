// SPDX-License-Identifier: Apache-2.0

#include "ah/signer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "ah/verifier.h"
#include "core/net/ip_view.h"
#include "core/packet/packet_pool.h"
#include "tests/unit/ah/ah_sas.h"

namespace postern::ah {
namespace {

constexpr std::uint32_t kSeq = 0x01020304;

class AhSigner : public testing::Test {
 protected:
  Octets Sign(const Parameters& sa, const Octets& clear,
              std::uint64_t seq = kSeq) {
    Result<Signer> signer = Signer::Create(sa);
    Packet packet = pool_.Copy(clear);
    const Passage passage = signer->Sign(packet, seq);
    Octets octets;
    if (passage.ok()) {
      octets = Copied(packet);
    } else {
      error_ = passage.error();
    }
    packet.Release();
    return octets;
  }

  DropReason Refusal(const Parameters& sa, const Octets& clear) {
    EXPECT_TRUE(Sign(sa, clear).empty());
    return error_;
  }

  PacketPool pool_{{.packets = 2, .payload = 66000}};
  DropReason error_{};
};

// AH-01 to AH-04, AH-12, AH-13, AH-17, AH-20
TEST_F(AhSigner, PutsAhBehindTheIpv4Header) {
  for (const Parameters& sa : {Sha1Sa(), Sha256Sa()}) {
    const AhShape shape{253, 0, Octets(InfoOf(sa.integrity).icv)};
    EXPECT_EQ(Sign(sa, HostsV4().Raw(253, {1, 2, 3})),
              ForgeAhV4(sa, kSeq, shape, {1, 2, 3}));
  }
}

// AH-03, AH-12: words of 32 bits less two, in IPv6 too, but units of 64 bits.
TEST_F(AhSigner, PadsToTheAlignmentOfTheHeaderInFront) {
  const Octets v4 = HostsV4().Raw(253, {1});
  const Octets v6 = HostsV6().Raw(253, {1});
  EXPECT_EQ(Sign(Sha1Sa(), v4)[21], 4);
  EXPECT_EQ(Sign(Sha1Sa(), v6)[41], 4);
  EXPECT_EQ(Sign(Sha256Sa(), v4)[21], 5);
  EXPECT_EQ(Sign(Sha256Sa(), v6)[41], 6);
  EXPECT_EQ(Sign(Sha256Sa(), v4).size(), v4.size() + 28);
  EXPECT_EQ(Sign(Sha256Sa(), v6).size(), v6.size() + 32);
  EXPECT_EQ(Sign(InTunnel(Sha256Sa(), IpFamily::kV4), v6).size(),
            v6.size() + 20 + 28);
  EXPECT_EQ(Sign(InTunnel(Sha256Sa(), IpFamily::kV6), v4).size(),
            v4.size() + 40 + 32);
}

// AH-19, TUN-17
TEST_F(AhSigner, PutsTheWholePacketIntoATunnel) {
  const Octets clear = HostsV6().Udp(1, 2, {1, 2, 3});
  for (const IpFamily outer : {IpFamily::kV4, IpFamily::kV6}) {
    const Octets packet = Sign(InTunnel(Sha1Sa(), outer), clear);
    const Opinion<IpView> view = IpView::Parse(packet);
    ASSERT_TRUE(view.ok());
    EXPECT_EQ(view->family(), outer);
    EXPECT_EQ(view->protocol(), 51);
    EXPECT_EQ(view->payload()[0], 41);
    EXPECT_EQ(
        Octets(packet.end() - static_cast<int>(clear.size()), packet.end()),
        clear);
  }
}

// TUN-19: 10,000 packets without DF, and what an SA with the next SPI sends.
TEST_F(AhSigner, GivesOuterHeadersIdentificationsOfTheSasOwn) {
  std::array<std::set<unsigned>, 2> ids;
  for (std::uint32_t i = 0; i < 2; ++i) {
    Parameters sa = InTunnel(Sha1Sa(), IpFamily::kV4);
    sa.spi = Spi{0x1000 + i};
    for (std::uint64_t seq = 1; seq <= 10'000; ++seq) {
      const Octets packet = Sign(sa, HostsV4().Raw(253, {1}), seq);
      ASSERT_EQ(packet[6] & 0x40, 0);
      ids[i].insert(packet[4] * 256u + packet[5]);
    }
    EXPECT_EQ(ids[i].size(), 10'000u);
  }
  // 1526 of numbers at random.
  const auto common = std::ranges::count_if(
      ids[0], [&](unsigned id) { return ids[1].contains(id); });
  EXPECT_LT(common, 3000);
}

// AH-18, DEF-22
TEST_F(AhSigner, GoesBehindWhatRoutersRead) {
  const Octets options = {0, 0, 0x1e, 4, 9, 8, 7, 6};
  const Octets packet = Sign(Sha1Sa(), HostsV6()
                                           .Extension(0, options)
                                           .Extension(43, Octets(8))
                                           .Extension(60, options)
                                           .Raw(253, {1, 2}));
  EXPECT_EQ(packet[6], 0);
  EXPECT_EQ(packet[40], 43);
  EXPECT_EQ(packet[48], 51);
  EXPECT_EQ(packet[56], 60);
  EXPECT_EQ(packet[56 + 24], 253);
  EXPECT_EQ(packet[5], packet.size() - 40);
}

// AH-15, AH-11
TEST_F(AhSigner, CoversTheHighHalfWithExtendedNumbersOnly) {
  const Octets clear = HostsV4().Udp(1, 2);
  Parameters sa = Sha1Sa();
  EXPECT_EQ(Sign(sa, clear, 5), Sign(sa, clear, 0x100000005u));
  sa.numbers = SequenceNumbers::kExtended;
  Octets low = Sign(sa, clear, 5);
  Octets high = Sign(sa, clear, 0x100000005u);
  EXPECT_NE(low, high);
  std::fill_n(low.begin() + 32, 12, 0);
  std::fill_n(high.begin() + 32, 12, 0);
  EXPECT_EQ(low, high);
}

// FRAG-21, AH-38
TEST_F(AhSigner, RefusesFragmentsInTransportModeOnly) {
  Octets v6_fragment(8);
  v6_fragment[3] = 1;  // more fragments
  const std::vector<Octets> fragments = {
      HostsV4().MoreFragments().Raw(17, Octets(16)),
      HostsV4().FragmentOffset(2).Raw(17, Octets(16)),
      HostsV6().Extension(44, v6_fragment).Raw(17, Octets(16))};
  for (const Octets& fragment : fragments) {
    EXPECT_EQ(Refusal(Sha1Sa(), fragment), DropReason::kFragment);
    EXPECT_FALSE(Sign(InTunnel(Sha1Sa(), IpFamily::kV4), fragment).empty());
  }
}

TEST_F(AhSigner, RefusesWhatIsNoIpPacket) {
  Octets cut = HostsV4().Udp(1, 2, {1, 2, 3});
  cut.pop_back();
  EXPECT_EQ(Refusal(Sha1Sa(), cut), DropReason::kTruncated);
  EXPECT_EQ(Refusal(InTunnel(Sha1Sa(), IpFamily::kV6), Octets(40)),
            DropReason::kBadIpVersion);
}

// What nobody can predict at the receiver is not signed.
TEST_F(AhSigner, RefusesHeadersThatItCannotCover) {
  EXPECT_EQ(
      Refusal(Sha1Sa(),
              HostsV4().Ipv4Options({131, 7, 5, 10, 0, 0, 1}).Raw(253, {1})),
      DropReason::kBadIpOption);
  EXPECT_EQ(
      Refusal(Sha1Sa(),
              HostsV6().Extension(43, {0, 0, 4, 1, 0, 0, 0, 0}).Raw(253, {1})),
      DropReason::kBadExtensionHeader);
  Octets options(2048);
  options[1] = 255;
  EXPECT_EQ(Refusal(Sha1Sa(), HostsV6()
                                  .Extension(0, options)
                                  .Extension(60, options)
                                  .Extension(43, Octets(8))
                                  .Raw(253, {1})),
            DropReason::kTooManyHeaders);
}

// DEF-03
TEST_F(AhSigner, RefusesWhatTheLengthFieldCannotSay) {
  EXPECT_FALSE(
      Sign(Sha1Sa(), HostsV4().Raw(253, Octets(65535 - 20 - 24))).empty());
  EXPECT_EQ(Refusal(Sha1Sa(), HostsV4().Raw(253, Octets(65535 - 20 - 23))),
            DropReason::kTooBig);
  EXPECT_EQ(Refusal(InTunnel(Sha1Sa(), IpFamily::kV4),
                    HostsV4().Raw(253, Octets(65500))),
            DropReason::kTooBig);
}

// DEF-05: headroom from none to ample, at the start of the buffer.
TEST_F(AhSigner, NeverLeavesItsBuffer) {
  const Octets clear = HostsV6().Udp(1, 2, Octets(61));
  for (const Parameters& sa :
       {Sha1Sa(), Sha256Sa(), InTunnel(Sha256Sa(), IpFamily::kV6)}) {
    Result<Signer> signer = Signer::Create(sa);
    for (std::size_t spare = 0; spare <= 80; ++spare) {
      PacketPool tight({.packets = 1,
                        .payload = clear.size(),
                        .headroom = spare,
                        .tailroom = 0});
      Packet packet = tight.Copy(clear);
      const Passage passage = signer->Sign(packet, kSeq);
      EXPECT_EQ(passage.ok(), spare >= signer->front());
      if (!passage.ok()) {
        EXPECT_EQ(passage.error(), DropReason::kNoHeadroom);
      }
      packet.Release();
    }
  }
}

TEST_F(AhSigner, LeavesLinkPaddingOut) {
  const Octets clear = HostsV4().Udp(1, 2, {1, 2, 3});
  Octets padded = clear;
  padded.resize(padded.size() + 17, 0xff);
  for (const Parameters& sa : {Sha1Sa(), InTunnel(Sha1Sa(), IpFamily::kV4)}) {
    EXPECT_EQ(Sign(sa, padded), Sign(sa, clear));
  }
}

struct Refused {
  std::function<void(Parameters&)> spoil;
  std::string says;
};

// AUT-01, AUT-02
TEST(AhParameters, ThatDoNotFitAreRefusedWithASentence) {
  const std::vector<Refused> refusals = {
      {[](Parameters& sa) { sa.integrity_key = SecretBytes(Octets(16)); },
       "an integrity key of 16 octets does not fit hmac-sha1-96: give 20"},
      {[](Parameters& sa) {
         sa.integrity = Integrity::kNone;
         sa.integrity_key = SecretBytes();
       },
       "choose an integrity algorithm"},
      {[](Parameters& sa) { sa.mode = IpsecMode::kTunnel; },
       "give both endpoints"},
      {[](Parameters& sa) {
         sa = InTunnel(sa, IpFamily::kV4);
         sa.mode = IpsecMode::kTransport;
       },
       "leave the tunnel endpoints out"},
      {[](Parameters& sa) {
         sa = InTunnel(sa, IpFamily::kV4);
         sa.tunnel->endpoints.source = IpAddress::Parse("::1").value();
       },
       "different families"},
  };
  for (const Refused& refusal : refusals) {
    Parameters sa = Sha1Sa();
    refusal.spoil(sa);
    const Result<Signer> signer = Signer::Create(sa);
    ASSERT_FALSE(signer.ok());
    EXPECT_EQ(signer.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(signer.error().message, testing::HasSubstr(refusal.says));
    EXPECT_FALSE(Verifier::Create(sa).ok());
  }
}

}  // namespace
}  // namespace postern::ah
