// SPDX-License-Identifier: Apache-2.0

#include "ah/verifier.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "tests/unit/ah/ah_sas.h"

namespace postern::ah {
namespace {

constexpr std::uint32_t kSeq = 77;

class AhVerifier : public testing::Test {
 protected:
  // Verifies (which must not touch the packet) and finishes.
  Passage Receive(const Parameters& sa, const Octets& wire,
                  std::uint64_t seq = kSeq) {
    Result<Verifier> verifier = Verifier::Create(sa);
    Packet packet = pool_.Copy(wire);
    Passage passage = Pass();
    {
      const Opinion<Verifier::Verified> verified =
          verifier->Verify(packet, seq);
      EXPECT_EQ(Copied(packet), wire);
      passage = verified.ok() ? verifier->Finish(packet, *verified)
                              : Passage(verified.error());
    }
    left_ = Copied(packet);
    packet.Release();
    return passage;
  }

  Octets Signed(const Parameters& sa, const Octets& clear,
                std::uint64_t seq = kSeq) {
    Result<Signer> signer = Signer::Create(sa);
    Packet packet = pool_.Copy(clear);
    EXPECT_TRUE(signer->Sign(packet, seq).ok());
    Octets octets = Copied(packet);
    packet.Release();
    return octets;
  }

  PacketPool pool_{{.packets = 2, .payload = 66000}};
  Octets left_;
};

// DEF-05
// The half of the number that is not sent is hashed behind the packet.
TEST_F(AhVerifier, NeedsRoomBehindThePacketForEsn) {
  Parameters sa = Sha256Sa();
  sa.numbers = SequenceNumbers::kExtended;
  const Octets wire = Signed(sa, HostsV4().Raw(253, Octets(40)));
  Result<Verifier> verifier = Verifier::Create(sa);
  for (const std::size_t room : {3U, 4U}) {
    PacketPool pool({.packets = 1, .payload = wire.size(), .tailroom = room});
    Packet packet = pool.Copy(wire);
    const auto verified = verifier->Verify(packet, kSeq);
    EXPECT_EQ(verified.ok(), room == 4);
    EXPECT_TRUE(verified.ok() || verified.error() == DropReason::kNoHeadroom);
    EXPECT_EQ(Copied(packet), wire);
    packet.Release();
  }
}

// AH-45
TEST_F(AhVerifier, PeeksAtTheHeader) {
  const Octets packet =
      HostsV4().Raw(51, {17, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Opinion<AhHeader> header = PeekAhHeader(*IpView::Parse(packet));
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->next_header, 17);
  EXPECT_EQ(header->size, 12u);
  EXPECT_EQ(header->spi, Spi{0x01020304});
  EXPECT_EQ(header->seq, 0x05060708u);
}

// AH-50, DEF-15: empty, cut, and length fields from 0 to 255.
TEST_F(AhVerifier, PeeksAtNothingThatIsNotThere) {
  for (std::size_t size = 0; size < 12; ++size) {
    EXPECT_EQ(
        PeekAhHeader(*IpView::Parse(HostsV4().Raw(51, Octets(size)))).error(),
        DropReason::kTruncated);
  }
  for (unsigned length = 0; length < 256; ++length) {
    Octets ah(40);
    ah[1] = static_cast<std::uint8_t>(length);
    const bool fits = length >= 1 && (length + 2) * 4 <= ah.size();
    const Octets packet = HostsV4().Raw(51, ah);
    const Opinion<AhHeader> header = PeekAhHeader(*IpView::Parse(packet));
    ASSERT_EQ(header.ok(), fits) << length;
    if (!fits) {
      EXPECT_EQ(header.error(), DropReason::kBadLength);
    }
  }
}

// DEF-01
TEST_F(AhVerifier, GivesBackThePacketThatWasSigned) {
  const Octets options = {0, 0, 0x3e, 4, 9, 8, 7, 6};
  const std::vector<Octets> packets = {
      HostsV4().DontFragment().TrafficClass(0x28).Udp(1, 2, {1, 2, 3}),
      HostsV4().Ipv4Options({7, 7, 4, 0, 0, 0, 0, 1}).Udp(1, 2, {1}),
      HostsV6().Udp(1, 2, {1, 2, 3}),
      HostsV6().Extension(0, options).Extension(60, options).Udp(1, 2)};
  for (Parameters sa : {Sha1Sa(), Sha256Sa()}) {
    for (const SequenceNumbers numbers :
         {SequenceNumbers::k32Bit, SequenceNumbers::kExtended}) {
      sa.numbers = numbers;
      for (const Octets& clear : packets) {
        for (const Parameters& each :
             {sa, InTunnel(sa, IpFamily::kV4), InTunnel(sa, IpFamily::kV6)}) {
          ASSERT_TRUE(Receive(each, Signed(each, clear)).ok());
          EXPECT_EQ(left_, clear);
        }
      }
    }
  }
}

// DEF-18
// FRAG-10, AH-39
TEST_F(AhVerifier, RefusesFragments) {
  EXPECT_EQ(
      Receive(Sha1Sa(), HostsV4().MoreFragments().Raw(51, Octets(64))).error(),
      DropReason::kFragment);
  EXPECT_EQ(Receive(Sha1Sa(), HostsV4().FragmentOffset(1).Raw(51, Octets(64)))
                .error(),
            DropReason::kFragment);
}

TEST_F(AhVerifier, RefusesWhatIsNoIpPacketOrNoAh) {
  EXPECT_EQ(Receive(Sha1Sa(), Octets(64)).error(), DropReason::kBadIpVersion);
  EXPECT_EQ(Receive(Sha1Sa(), HostsV4().Udp(1, 2, Octets(64))).error(),
            DropReason::kBadLength);
}

// AH-50: a length field that is the AH's, but not this SA's.
TEST_F(AhVerifier, RefusesALengthThatIsNotTheSas) {
  for (std::size_t words = 0; words < 20; ++words) {
    const AhShape shape{253, 0, Octets(4 * words)};
    const Octets packet = HostsV4().Raw(51, BareAh(Sha1Sa(), kSeq, shape));
    const DropReason reason = Receive(Sha1Sa(), packet).error();
    EXPECT_EQ(reason, words == 3 ? DropReason::kBadIcv : DropReason::kBadLength)
        << words;
  }
}

// AH-13 binds senders. Linux pads to 64 bits in IPv4 unless told otherwise.
TEST_F(AhVerifier, AcceptsIpv4PaddingTo64Bits) {
  const AhShape padded{253, 0, Joined(Octets(16), {0, 0, 0, 0})};
  ASSERT_TRUE(
      Receive(Sha256Sa(), ForgeAhV4(Sha256Sa(), kSeq, padded, {1, 2})).ok());
  EXPECT_EQ(left_, HostsV4().Raw(253, {1, 2}));
}

// In IPv6 only 64 bits will do.
TEST_F(AhVerifier, RefusesIpv6PaddingTo32Bits) {
  const AhShape short_one{253, 0, Octets(16)};
  EXPECT_EQ(Receive(Sha256Sa(),
                    HostsV6().Raw(51, BareAh(Sha256Sa(), kSeq, short_one)))
                .error(),
            DropReason::kBadLength);
}

// AH-04, AH-14, AH-43: their content is the sender's, but it is covered.
TEST_F(AhVerifier, CoversReservedFieldAndPaddingAsReceived) {
  const AhShape odd{253, 0xbeef, Joined(Octets(16), {9, 8, 7, 6})};
  const Octets packet = ForgeAhV4(Sha256Sa(), kSeq, odd, {1, 2});
  EXPECT_TRUE(Receive(Sha256Sa(), packet).ok());
  for (const std::size_t at : {22U, 23U, 48U, 51U}) {
    Octets changed = packet;
    changed[at] ^= 1;
    EXPECT_EQ(Receive(Sha256Sa(), changed).error(), DropReason::kBadIcv);
  }
}

// AH-15, DEF-08b
TEST_F(AhVerifier, RefusesAWrongSequenceNumber) {
  Parameters sa = Sha1Sa();
  const Octets clear = HostsV4().Udp(1, 2);
  EXPECT_EQ(Receive(sa, Signed(sa, clear), kSeq + 1).error(),
            DropReason::kBadIcv);
  sa.numbers = SequenceNumbers::kExtended;
  const Octets extended = Signed(sa, clear, 0x300000007u);
  EXPECT_TRUE(Receive(sa, extended, 0x300000007u).ok());
  EXPECT_EQ(Receive(sa, extended, 0x200000007u).error(), DropReason::kBadIcv);
}

// DEF-15: every length that a packet can have, with garbage.
TEST_F(AhVerifier, RefusesEveryShortPacket) {
  std::mt19937 random(15);
  for (std::size_t length = 0; length <= 128; ++length) {
    Octets garbage(length);
    std::generate(garbage.begin(), garbage.end(),
                  [&random] { return static_cast<std::uint8_t>(random()); });
    if (length > 1) {
      garbage[1] = static_cast<std::uint8_t>(length / 4);
    }
    for (const Parameters& sa :
         {Sha1Sa(), Sha256Sa(), InTunnel(Sha1Sa(), IpFamily::kV4)}) {
      EXPECT_FALSE(Receive(sa, HostsV4().Raw(51, garbage)).ok());
      EXPECT_FALSE(Receive(sa, HostsV6().Raw(51, garbage)).ok());
    }
  }
}

// DEF-13: options that a router could have mangled.
TEST_F(AhVerifier, RefusesIpv4OptionsThatCannotBe) {
  const Octets packet = Signed(
      Sha1Sa(), HostsV4().Ipv4Options({7, 7, 4, 0, 0, 0, 0}).Raw(253, {1}));
  for (const std::uint8_t length : Octets{0, 1, 9, 41, 255}) {
    Octets changed = packet;
    changed[21] = length;
    EXPECT_EQ(Receive(Sha1Sa(), changed).error(), DropReason::kBadIpOption);
  }
  Octets routed = Signed(
      Sha1Sa(), HostsV4().Ipv4Options({7, 7, 4, 0, 0, 0, 0}).Raw(253, {1}));
  routed[20] = 131;
  routed[22] = 5;
  EXPECT_EQ(Receive(Sha1Sa(), routed).error(), DropReason::kBadIpOption);
}

// DEF-14: chains of extension headers, up to 64 KiB of them.
TEST_F(AhVerifier, RefusesLongChainsOfExtensionHeaders) {
  for (const std::size_t count : {15U, 16U, 17U, 100U, 8000U}) {
    PacketBuilder builder = HostsV6();
    for (std::size_t i = 0; i < count; ++i) {
      builder.Extension(60, {0, 0, 1, 4, 0, 0, 0, 0});
    }
    const Octets packet = builder.Raw(51, Octets(24));
    const DropReason reason = Receive(Sha1Sa(), packet).error();
    EXPECT_EQ(reason,
              count > 16 ? DropReason::kTooManyHeaders : DropReason::kBadLength)
        << count;
  }
}

// DEF-14: the chain ends anywhere.
TEST_F(AhVerifier, RefusesAPacketThatIsCutAnywhere) {
  const Octets options = {0, 0, 0x1e, 4, 9, 8, 7, 6};
  const Octets packet = Signed(Sha256Sa(), HostsV6()
                                               .Extension(0, options)
                                               .Extension(43, Octets(8))
                                               .Extension(60, options)
                                               .Raw(253, Octets(20)));
  for (std::size_t size = 0; size < packet.size(); ++size) {
    Octets cut(packet.begin(), packet.begin() + static_cast<int>(size));
    EXPECT_EQ(Receive(Sha256Sa(), cut).error(), DropReason::kTruncated);
    if (size >= 40) {  // and with a length field that agrees
      StoreBe(Bytes(cut).subspan(4), static_cast<std::uint16_t>(size - 40));
      EXPECT_FALSE(Receive(Sha256Sa(), cut).ok());
    }
  }
}

// DEF-14
TEST_F(AhVerifier, RefusesAHopByHopHeaderThatIsNotFirst) {
  const Octets options = {0, 0, 0x1e, 4, 9, 8, 7, 6};
  EXPECT_EQ(Receive(Sha1Sa(), HostsV6()
                                  .Extension(60, options)
                                  .Extension(0, options)
                                  .Raw(51, Octets(24)))
                .error(),
            DropReason::kBadExtensionHeader);
}

// AH-33
TEST_F(AhVerifier, RefusesARoutingHeaderWhoseArrivalNobodyKnows) {
  const AhShape shape{253, 0, Octets(12)};
  EXPECT_EQ(Receive(Sha1Sa(), HostsV6()
                                  .Extension(43, {0, 0, 4, 1, 0, 0, 0, 0})
                                  .Raw(51, BareAh(Sha1Sa(), kSeq, shape)))
                .error(),
            DropReason::kBadExtensionHeader);
}

// DEF-14
// IN-09, AH-44: of two AHs the outer one is removed, the inner one is data.
TEST_F(AhVerifier, TakesAnInnerAhForData) {
  const Octets clear = HostsV6().Udp(1, 2, {1, 2, 3});
  const Octets inner = Signed(Sha256Sa(), clear);
  const Octets outer = Signed(Sha1Sa(), inner);
  ASSERT_TRUE(Receive(Sha1Sa(), outer).ok());
  ASSERT_EQ(left_, inner);
  ASSERT_TRUE(Receive(Sha256Sa(), left_).ok());
  EXPECT_EQ(left_, clear);
}

// FRAG-20, AH-36: the same ICV with and without an atomic fragment header.
TEST_F(AhVerifier, SkipsAnAtomicFragmentHeader) {
  const Octets fragment = {0, 0, 0, 0, 1, 2, 3, 4};
  const Octets plain = Signed(Sha1Sa(), HostsV6().Raw(253, {1, 2, 3}));
  const Octets atomic = HostsV6()
                            .Extension(44, fragment)
                            .Raw(51, Octets(plain.begin() + 40, plain.end()));
  ASSERT_TRUE(Receive(Sha1Sa(), atomic).ok());
  EXPECT_EQ(left_, HostsV6().Extension(44, fragment).Raw(253, {1, 2, 3}));
  EXPECT_EQ(Signed(Sha1Sa(), left_), atomic);
}

// SAD-20, TUN-17
TEST_F(AhVerifier, RefusesTunnelContentThatIsNoIpPacket) {
  const Parameters tunnel = InTunnel(Sha1Sa(), IpFamily::kV4);
  const Octets inner = HostsV4().Udp(1, 2);
  const auto receive = [&](std::uint8_t next_header, const Octets& content) {
    const AhShape shape{next_header, 0, Octets(12)};
    return Receive(tunnel, ForgeAhV4(tunnel, kSeq, shape, content));
  };
  EXPECT_TRUE(receive(4, inner).ok());
  EXPECT_EQ(receive(17, inner).error(), DropReason::kModeMismatch);
  EXPECT_EQ(receive(41, inner).error(), DropReason::kModeMismatch);
  EXPECT_EQ(receive(4, {}).error(), DropReason::kTruncated);
  EXPECT_EQ(receive(4, {0x75}).error(), DropReason::kBadIpVersion);
}

// ECN-04: the outer mark is mutable, so it can be set in flight.
TEST_F(AhVerifier, DropsACongestionMarkThatTheSenderCannotRead) {
  const Parameters tunnel = InTunnel(Sha1Sa(), IpFamily::kV4);
  Octets packet = Signed(tunnel, HostsV4().Udp(1, 2));
  packet[1] = 3;
  EXPECT_EQ(Receive(tunnel, packet).error(), DropReason::kEcnViolation);
}

TEST_F(AhVerifier, LeavesLinkPaddingOut) {
  const Octets clear = HostsV4().Udp(1, 2, {1, 2, 3});
  for (const Parameters& sa : {Sha1Sa(), InTunnel(Sha1Sa(), IpFamily::kV6)}) {
    Octets padded = Signed(sa, clear);
    padded.resize(padded.size() + 9, 0xff);
    ASSERT_TRUE(Receive(sa, padded).ok());
    EXPECT_EQ(left_, clear);
  }
}

}  // namespace
}  // namespace postern::ah
