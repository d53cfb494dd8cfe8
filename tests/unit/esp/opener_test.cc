// SPDX-License-Identifier: Apache-2.0

#include "esp/opener.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "tests/support/auth_proof_test_peer.h"
#include "tests/unit/esp/esp_sas.h"

namespace postern::esp {
namespace {

constexpr std::uint32_t kSeq = 77;

class EspOpener : public testing::Test {
 protected:
  // Opens and finishes; what is left is in left_.
  Passage Receive(const Parameters& sa, const Octets& wire,
                  std::uint64_t seq = kSeq) {
    Result<Opener> opener = Opener::Create(sa);
    Packet packet = pool_.Copy(wire);
    Passage passage = Pass();
    {
      Opinion<Opener::Opened> opened = opener->Open(packet, seq);
      passage = opened.ok() ? opener->Finish(packet, *opened)
                            : Passage(opened.error());
    }
    left_ = Copied(packet);
    packet.Release();
    return passage;
  }

  Octets Sealed(const Parameters& sa, const Octets& clear,
                std::uint64_t seq = kSeq) {
    Result<Sealer> sealer = Sealer::Create(sa);
    Packet packet = pool_.Copy(clear);
    EXPECT_TRUE(sealer->Seal(packet, seq).ok());
    Octets sealed = Copied(packet);
    packet.Release();
    return sealed;
  }

  // An authentic packet of NullSa() with this plaintext.
  Octets Forged(const Octets& plaintext) {
    return HostsV4().Raw(50, ForgeEsp(NullSa(), kSeq, plaintext));
  }

  // The same for an SA in tunnel mode.
  Parameters tunnel_ = InTunnel(NullSa(), IpFamily::kV4);

  PacketPool pool_{{.packets = 2, .payload = 66000}};
  Octets left_;
};

Octets WithTrailer(Octets payload, std::uint8_t next_header) {
  const std::size_t padding = (4 - (payload.size() + 2) % 4) % 4;
  for (std::size_t i = 1; i <= padding; ++i) {
    payload.push_back(static_cast<std::uint8_t>(i));
  }
  payload.push_back(static_cast<std::uint8_t>(padding));
  payload.push_back(next_header);
  return payload;
}

TEST_F(EspOpener, PeeksAtSpiAndSequenceNumber) {
  const Octets packet = HostsV4().Raw(50, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Opinion<EspHeader> header = PeekEspHeader(*IpView::Parse(packet));
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->spi, Spi{0x01020304});
  EXPECT_EQ(header->seq, 0x05060708u);
  for (std::size_t size = 0; size < 8; ++size) {
    const Octets cut = HostsV4().Raw(50, Octets(size));
    EXPECT_EQ(PeekEspHeader(*IpView::Parse(cut)).error(),
              DropReason::kTruncated);
  }
}

// IN-16, ESP-35
TEST_F(EspOpener, GivesBackThePacketThatWasProtected) {
  const Octets clear =
      HostsV4().TrafficClass(0x28).DontFragment().Udp(1, 2, {1, 2, 3});
  for (const Parameters& sa : AllTransportSas()) {
    ASSERT_TRUE(Receive(sa, Sealed(sa, clear)).ok());
    EXPECT_EQ(left_, clear);
    for (const IpFamily outer : {IpFamily::kV4, IpFamily::kV6}) {
      const Parameters tunnel = InTunnel(sa, outer);
      ASSERT_TRUE(Receive(tunnel, Sealed(tunnel, clear)).ok());
      EXPECT_EQ(left_, clear);
    }
  }
}

// DEF-18
// FRAG-10, ESP-30
TEST_F(EspOpener, RefusesFragments) {
  const Octets esp = ForgeEsp(NullSa(), kSeq, WithTrailer({1, 2}, 253));
  EXPECT_EQ(Receive(NullSa(), HostsV4().MoreFragments().Raw(50, esp)).error(),
            DropReason::kFragment);
  EXPECT_EQ(Receive(NullSa(), HostsV4().FragmentOffset(1).Raw(50, esp)).error(),
            DropReason::kFragment);
}

TEST_F(EspOpener, RefusesWhatIsNoIpPacketOrNoEsp) {
  EXPECT_EQ(Receive(NullSa(), Octets(28)).error(), DropReason::kBadIpVersion);
  EXPECT_EQ(Receive(NullSa(), HostsV4().Udp(1, 2, Octets(64))).error(),
            DropReason::kBadLength);
}

// DEF-15, IN-14, ESP-40: every length that a packet can have, with garbage
// and (where that can be) with a right ICV.
TEST_F(EspOpener, RefusesEveryShortPacket) {
  std::mt19937 random(15);
  for (std::size_t length = 0; length <= 128; ++length) {
    Octets garbage(length);
    std::generate(garbage.begin(), garbage.end(),
                  [&random] { return static_cast<std::uint8_t>(random()); });
    for (const Parameters& transport : AllTransportSas()) {
      for (const Parameters& sa :
           {transport, InTunnel(transport, IpFamily::kV6)}) {
        EXPECT_FALSE(Receive(sa, HostsV4().Raw(50, garbage)).ok());
        EXPECT_FALSE(Receive(sa, HostsV6().Raw(50, garbage)).ok());
      }
    }
    const bool fits = length >= 2 && length % 4 == 0;
    EXPECT_EQ(Receive(NullSa(), Forged(Octets(length, 0xee))).error(),
              fits ? DropReason::kBadPadding : DropReason::kBadLength);
  }
}

// DEF-25
// ESP-40: authentic, but nothing that a block cipher could decrypt.
TEST_F(EspOpener, NeverFeedsPartOfABlockToTheCipher) {
  const Parameters sa = CbcSa();
  for (std::size_t length = 0; length <= 64; ++length) {
    Octets iv_and_ciphertext(16 + length, 0x5a);
    const Passage received =
        Receive(sa, HostsV4().Raw(50, ForgeEsp(sa, kSeq, iv_and_ciphertext)));
    const bool whole = length > 0 && length % 16 == 0;
    EXPECT_EQ(received.error(),
              whole ? DropReason::kBadPadding : DropReason::kBadLength);
  }
}

// IN-10
// DEF-01, DEF-25, ESP-32, ESP-33: no bit of the ESP packet may change, and a refused
// packet holds no plaintext.
TEST_F(EspOpener, RefusesEveryChangedBitAndShowsNoPlaintext) {
  const Octets secret(48, 0x42);
  const Octets clear = HostsV4().Raw(253, secret);
  for (const Parameters& sa : {GcmSa(), CbcSa()}) {
    const Octets sealed = Sealed(sa, clear);
    for (std::size_t bit = 20 * 8; bit < sealed.size() * 8; ++bit) {
      Octets changed = sealed;
      changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      // The wire's number is not Open()'s: the window has passed it on.
      const std::uint64_t seq =
          LoadBe<std::uint32_t>(ConstBytes(changed).subspan(24));
      ASSERT_EQ(Receive(sa, changed, seq).error(), DropReason::kBadIcv) << bit;
      const auto shown = std::search_n(left_.begin(), left_.end(), 16, 0x42);
      ASSERT_EQ(shown, left_.end()) << bit;
    }
  }
}

// ESP-39: the number that the window is asked about is the packet's own.
TEST_F(EspOpener, RefusesAnotherSequenceNumberThanThePackets) {
  for (const Parameters& sa : AllTransportSas()) {
    const Octets sealed = Sealed(sa, HostsV4().Udp(1, 2));
    EXPECT_EQ(Receive(sa, sealed, kSeq + 1).error(), DropReason::kBadIcv);
  }
}

// DEF-08b, GCM-03: the high half comes from the window, and must be right.
TEST_F(EspOpener, RefusesAWrongHighHalf) {
  const Octets clear = HostsV4().Udp(1, 2);
  for (Parameters sa : AllTransportSas()) {
    sa.numbers = SequenceNumbers::kExtended;
    const Octets sealed = Sealed(sa, clear, 0x300000007u);
    EXPECT_TRUE(Receive(sa, sealed, 0x300000007u).ok());
    EXPECT_EQ(Receive(sa, sealed, 0x200000007u).error(), DropReason::kBadIcv);
    EXPECT_EQ(Receive(sa, sealed, 7).error(), DropReason::kBadIcv);
    sa.numbers = SequenceNumbers::k32Bit;
    EXPECT_EQ(Receive(sa, sealed, 7).error(), DropReason::kBadIcv);
  }
}

// ESP-11, ESP-13
TEST_F(EspOpener, RefusesPaddingThatIsNotTheDefault) {
  EXPECT_EQ(Receive(NullSa(), Forged({9, 9, 0, 0, 0, 0, 4, 253})).error(),
            DropReason::kBadPadding);
  EXPECT_EQ(Receive(NullSa(), Forged({1, 2, 3, 4, 5, 6, 255, 253})).error(),
            DropReason::kBadPadding);
}

// ESP-07
TEST_F(EspOpener, AcceptsMorePaddingThanNeeded) {
  Octets plaintext = {0xa1, 0xa2};
  for (int i = 1; i <= 252; ++i) {
    plaintext.push_back(static_cast<std::uint8_t>(i));
  }
  plaintext.insert(plaintext.end(), {252, 253});
  ASSERT_TRUE(Receive(NullSa(), Forged(plaintext)).ok());
  EXPECT_EQ(left_, HostsV4().Raw(253, {0xa1, 0xa2}));
}

// ESP-38, ESP-15, ESP-41
TEST_F(EspOpener, ConsumesDummiesInBothModes) {
  for (const Parameters& sa : {NullSa(), tunnel_}) {
    EXPECT_EQ(Receive(sa, Forged(WithTrailer({}, 59))).error(),
              DropReason::kDummyPacket);
    EXPECT_EQ(Receive(sa, Forged(WithTrailer(Octets(100, 7), 59))).error(),
              DropReason::kDummyPacket);
  }
}

// SAD-20, TUN-17
TEST_F(EspOpener, RefusesTunnelContentThatIsNoIpPacket) {
  const Octets v4 = HostsV4().Udp(1, 2);
  EXPECT_EQ(Receive(tunnel_, Forged(WithTrailer(v4, 17))).error(),
            DropReason::kModeMismatch);
  EXPECT_EQ(Receive(tunnel_, Forged(WithTrailer(v4, 41))).error(),
            DropReason::kModeMismatch);
  EXPECT_EQ(Receive(tunnel_, Forged(WithTrailer({}, 4))).error(),
            DropReason::kTruncated);
  EXPECT_EQ(Receive(tunnel_, Forged(WithTrailer({0xff, 1}, 4))).error(),
            DropReason::kBadIpVersion);
}

// ESP-38, ESP-20
TEST_F(EspOpener, CutsTrafficFlowPadding) {
  const Octets inner = HostsV6().Udp(1, 2, {1, 2, 3});
  Octets padded = inner;
  padded.resize(padded.size() + 301, 0xcc);
  ASSERT_TRUE(Receive(tunnel_, Forged(WithTrailer(padded, 41))).ok());
  EXPECT_EQ(left_, inner);
}

// ECN-04
TEST_F(EspOpener, DropsACongestionMarkThatTheSenderCannotRead) {
  const Octets esp =
      ForgeEsp(tunnel_, kSeq, WithTrailer(HostsV4().Udp(1, 2), 4));
  EXPECT_EQ(Receive(tunnel_, HostsV4().TrafficClass(3).Raw(50, esp)).error(),
            DropReason::kEcnViolation);
}

// Octets behind the packet's own length are not the packet.
TEST_F(EspOpener, LeavesLinkPaddingOut) {
  const Octets clear = HostsV4().Udp(1, 2, {1, 2, 3});
  Octets padded = Sealed(GcmSa(), clear);
  padded.resize(padded.size() + 9, 0xff);
  ASSERT_TRUE(Receive(GcmSa(), padded).ok());
  EXPECT_EQ(left_, clear);
}

// IN-16
// DEF-22: what stood in front of ESP stays, and names what ESP replaced.
TEST_F(EspOpener, MendsIpv6ExtensionHeaders) {
  const Octets options = {0, 0, 0x1e, 4, 9, 8, 7, 6};
  const Octets clear = HostsV6()
                           .Extension(0, options)
                           .Extension(60, options)
                           .Extension(43, Octets(8))
                           .Extension(60, options)
                           .Udp(1, 2, {1, 2, 3});
  for (const Parameters& sa : AllTransportSas()) {
    ASSERT_TRUE(Receive(sa, Sealed(sa, clear)).ok());
    EXPECT_EQ(left_, clear);
  }
}

class EspOpenerWithoutIntegrity : public EspOpener {
 protected:
  EspOpenerWithoutIntegrity() {
    sa_.integrity = Integrity::kNone;
    sa_.integrity_key = SecretBytes();
  }

  Parameters sa_ = CbcSa();
};

// DEF-25: nothing can be proven, so nothing is decrypted on its own.
TEST_F(EspOpenerWithoutIntegrity, RefusesToOpen) {
  EXPECT_EQ(Receive(sa_, Sealed(sa_, HostsV4().Udp(1, 2))).error(),
            DropReason::kBadIcv);
}

TEST_F(EspOpenerWithoutIntegrity, DecryptsUnderAnotherProof) {
  const Octets clear = HostsV4().Udp(1, 2, {1, 2, 3});
  Result<Opener> opener = Opener::Create(sa_);
  Packet packet = pool_.Copy(Sealed(sa_, clear));
  {
    const Opinion<Opener::Opened> opened =
        opener->OpenCovered(packet, AuthProofTestPeer::Make());
    ASSERT_TRUE(opened.ok());
    ASSERT_TRUE(opener->Finish(packet, *opened).ok());
  }
  EXPECT_EQ(Copied(packet), clear);
  packet.Release();
}

// No proof of another SA stands in for an ICV that this one has.
TEST_F(EspOpenerWithoutIntegrity, IsTheOnlyOneThatDoes) {
  for (const Parameters& sa : AllTransportSas()) {
    Result<Opener> opener = Opener::Create(sa);
    Packet packet = pool_.Copy(Sealed(sa, HostsV4().Udp(1, 2)));
    EXPECT_EQ(opener->OpenCovered(packet, AuthProofTestPeer::Make()).error(),
              DropReason::kBadIcv);
    packet.Release();
  }
}

TEST_F(EspOpenerWithoutIntegrity, RefusesAFragmentAndHalfABlock) {
  Result<Opener> opener = Opener::Create(sa_);
  for (const Octets& wire : {HostsV4().MoreFragments().Raw(50, Octets(64)),
                             HostsV4().Raw(50, Octets(41))}) {
    Packet packet = pool_.Copy(wire);
    EXPECT_FALSE(opener->OpenCovered(packet, AuthProofTestPeer::Make()).ok());
    packet.Release();
  }
}

}  // namespace
}  // namespace postern::esp
