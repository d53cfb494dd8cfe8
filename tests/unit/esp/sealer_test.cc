// SPDX-License-Identifier: Apache-2.0

#include "esp/sealer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"

#include "core/net/ip_view.h"
#include "core/packet/packet_pool.h"
#include "tests/unit/esp/esp_sas.h"

namespace postern::esp {
namespace {

constexpr std::uint64_t kSeq = 0x01020304;

class EspSealer : public testing::Test {
 protected:
  // What becomes of `clear`; empty, and the reason in error_, when refused.
  Octets Seal(const Parameters& sa, const Octets& clear,
              std::uint64_t seq = kSeq) {
    Result<Sealer> sealer = Sealer::Create(sa);
    Packet packet = pool_.Copy(clear);
    const Passage sealed = sealer->Seal(packet, seq);
    Octets octets;
    if (sealed.ok()) {
      octets = Copied(packet);
    } else {
      error_ = sealed.error();
    }
    packet.Release();
    return octets;
  }

  DropReason Refusal(const Parameters& sa, const Octets& clear) {
    EXPECT_TRUE(Seal(sa, clear).empty());
    return error_;
  }

  PacketPool pool_{{.packets = 2, .payload = 66000}};
  DropReason error_{};
};

// ESP-01, ESP-02, ESP-22, CBC-06: without encryption every octet can be read.
TEST_F(EspSealer, PutsEspBehindTheIpv4HeaderWithItsOptions) {
  const Octets clear =
      HostsV4().Ipv4Options({0x94, 4, 0, 0}).Raw(253, {0xa1, 0xa2, 0xa3});
  const Octets sealed = Seal(NullSa(), clear);
  Octets head = Octets(clear.begin(), clear.begin() + 24);
  head[3] = static_cast<std::uint8_t>(sealed.size());
  head[9] = 50;
  head[10] = sealed[10];
  head[11] = sealed[11];
  EXPECT_EQ(Octets(sealed.begin(), sealed.begin() + 24), head);
  EXPECT_EQ(Octets(sealed.begin() + 24, sealed.end()),
            ForgeEsp(NullSa(), kSeq, {0xa1, 0xa2, 0xa3, 1, 2, 3, 3, 253}));
  Octets mended = sealed;
  MendIpv4Checksum(mended);
  EXPECT_EQ(mended, sealed);
}

// ESP-24, TUN-17
TEST_F(EspSealer, PutsTheWholePacketIntoATunnel) {
  for (const PacketBuilder& inner : {HostsV4(), HostsV6()}) {
    const Octets clear = inner.Udp(1, 2, {1, 2, 3, 4, 5});
    const bool v4 = clear[0] == 0x45;
    for (const IpFamily outer : {IpFamily::kV4, IpFamily::kV6}) {
      const Parameters sa = InTunnel(NullSa(), outer);
      const Octets sealed = Seal(sa, clear);
      const Opinion<IpView> view = IpView::Parse(sealed);
      ASSERT_TRUE(view.ok());
      EXPECT_EQ(view->family(), outer);
      EXPECT_EQ(view->protocol(), 50);
      EXPECT_EQ(view->source(), sa.tunnel->endpoints.source);
      Octets plaintext = clear;  // 33 or 53 octets: one of padding
      plaintext.insert(plaintext.end(), {1, 1});
      plaintext.push_back(v4 ? 4 : 41);
      EXPECT_EQ(Octets(view->payload().begin(), view->payload().end()),
                ForgeEsp(sa, kSeq, plaintext));
    }
  }
}

// TUN-19: 10,000 packets without DF, and what an SA with the next SPI sends.
TEST_F(EspSealer, GivesOuterHeadersIdentificationsOfTheSasOwn) {
  std::array<std::set<unsigned>, 2> ids;
  for (std::uint32_t i = 0; i < 2; ++i) {
    Parameters sa = InTunnel(NullSa(), IpFamily::kV4);
    sa.spi = Spi{0x1000 + i};
    for (std::uint64_t seq = 1; seq <= 10'000; ++seq) {
      const Octets packet = Seal(sa, HostsV4().Raw(253, {1}), seq);
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

// One IPv6 extension header of a test, by its protocol number.
struct Chain {
  std::vector<std::uint8_t> headers;
  std::size_t in_front;  // how many of them stand before ESP
};

// Destination options are 60, hop-by-hop 0, routing 43 (no segments left),
// an atomic fragment 44.
Octets WithChain(const std::vector<std::uint8_t>& headers) {
  PacketBuilder builder = HostsV6();
  for (const std::uint8_t type : headers) {
    Octets header(8);
    if (type == 0 || type == 60) {
      header = {0, 0, 0x1e, 4, 9, 8, 7, 6};  // an option nobody knows
    }
    builder.Extension(type, header);
  }
  return builder.Raw(253, {0xa1, 0xa2});
}

// ESP-36
// ESP-23, DEF-22: ESP goes behind what routers read; the header in front of
// it names it, and the trailer names what it replaced.
TEST_F(EspSealer, FindsItsPlaceAmongIpv6ExtensionHeaders) {
  const std::vector<Chain> chains = {
      {{}, 0},          {{0}, 1},          {{60}, 0},
      {{43}, 1},        {{0, 60}, 1},      {{0, 43}, 2},
      {{60, 43}, 2},    {{43, 60}, 1},     {{44}, 1},
      {{0, 60, 43}, 3}, {{0, 43, 60}, 2},  {{0, 43, 44, 60}, 3},
      {{60, 60}, 0},    {{60, 43, 60}, 2}, {{0, 60, 43, 60}, 3}};
  for (const Chain& chain : chains) {
    const Octets clear = WithChain(chain.headers);
    const Octets sealed = Seal(NullSa(), clear);
    const std::size_t lead = 40 + 8 * chain.in_front;
    Octets expected(clear.begin(), clear.begin() + static_cast<int>(lead));
    const std::size_t named_at =
        chain.in_front == 0 ? 6 : lead - 8;  // the octet that names ESP
    const std::uint8_t replaced = expected[named_at];
    expected[named_at] = 50;
    StoreBe(Bytes(expected).subspan(4),
            static_cast<std::uint16_t>(sealed.size() - 40));
    Octets plaintext(clear.begin() + static_cast<int>(lead), clear.end());
    plaintext.insert(plaintext.end(), {0, replaced});
    const Octets esp = ForgeEsp(NullSa(), kSeq, plaintext);
    expected.insert(expected.end(), esp.begin(), esp.end());
    EXPECT_EQ(sealed, expected) << chain.headers.size();
  }
}

// GCM-01, GCM-03, ESP-28: the IV is the 64-bit number, the wire has 32 of it.
TEST_F(EspSealer, MakesTheCounterIvFromTheSequenceNumber) {
  Parameters sa = GcmSa();
  sa.numbers = SequenceNumbers::kExtended;
  const Octets sealed = Seal(sa, HostsV4().Udp(1, 2), 0x1122334455667788u);
  EXPECT_EQ(Octets(sealed.begin() + 20, sealed.begin() + 36),
            (Octets{0x00, 0xab, 0xcd, 0xef, 0x55, 0x66, 0x77, 0x88,  //
                    0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}));
}

// ESP-05
// DEF-08b, ESP-26: two packets that differ in the high half alone have
// different ICVs exactly when the SA has extended numbers.
TEST_F(EspSealer, CoversTheHighHalfWithExtendedNumbersOnly) {
  const Octets clear = HostsV4().Udp(1, 2);
  Parameters sa = NullSa();
  EXPECT_EQ(Seal(sa, clear, 5), Seal(sa, clear, 0x100000005u));
  sa.numbers = SequenceNumbers::kExtended;
  const Octets low = Seal(sa, clear, 5);
  const Octets high = Seal(sa, clear, 0x100000005u);
  EXPECT_NE(low, high);
  EXPECT_EQ(Octets(low.begin(), low.end() - 12),
            Octets(high.begin(), high.end() - 12));
}

// FRAG-21, ESP-29
TEST_F(EspSealer, RefusesFragmentsInTransportModeOnly) {
  Octets v6_fragment(8);
  v6_fragment[3] = 1;  // more fragments
  const std::vector<Octets> fragments = {
      HostsV4().MoreFragments().Raw(17, Octets(16)),
      HostsV4().FragmentOffset(2).Raw(17, Octets(16)),
      HostsV6().Extension(44, v6_fragment).Raw(17, Octets(16)),
      HostsV6().Extension(44, {0, 0, 0, 8}).Raw(17, Octets(16))};
  for (const Octets& fragment : fragments) {
    EXPECT_EQ(Refusal(GcmSa(), fragment), DropReason::kFragment);
    EXPECT_FALSE(Seal(InTunnel(GcmSa(), IpFamily::kV4), fragment).empty());
  }
}

TEST_F(EspSealer, RefusesWhatIsNoIpPacket) {
  Octets cut = HostsV4().Udp(1, 2, {1, 2, 3});
  cut.pop_back();
  EXPECT_EQ(Refusal(GcmSa(), cut), DropReason::kTruncated);
  EXPECT_EQ(Refusal(InTunnel(GcmSa(), IpFamily::kV6), cut),
            DropReason::kTruncated);
  EXPECT_EQ(Refusal(GcmSa(), Octets(40)), DropReason::kBadIpVersion);
}

// ESP-12, ESP-17, ESP-18, ESP-20: zeros behind the inner packet.
TEST_F(EspSealer, PadsShortPacketsOfATunnel) {
  Parameters sa = NullSa();
  sa.mode = IpsecMode::kTunnel;
  sa.tunnel.emplace();
  sa.tunnel->endpoints = {IpAddress::Parse("192.0.2.1").value(),
                          IpAddress::Parse("192.0.2.2").value()};
  sa.tfc_pad_to = 200;
  Sealer sealer = std::move(Sealer::Create(sa)).value();
  PacketPool pool({.packets = 2, .payload = 1000});
  for (const std::size_t size : {0u, 100u, 171u, 172u, 173u, 300u}) {
    const Octets clear =
        PacketBuilder("10.9.1.1", "10.9.2.1").Udp(1, 2, Octets(size, 0xaa));
    const std::size_t padded = std::max<std::size_t>(clear.size(), 200);
    Packet sealed = pool.Copy(clear);
    ASSERT_TRUE(sealer.Seal(sealed, 5).ok());
    const ConstBytes octets = std::as_const(sealed).bytes();
    // Outer header, ESP header, padded packet, trailer to four, ICV of 12.
    EXPECT_EQ(octets.size(), 20 + 8 + (padded + 2 + 3) / 4 * 4 + 12);
    const ConstBytes text = octets.subspan(28, padded);
    EXPECT_TRUE(std::equal(clear.begin(), clear.end(), text.begin()));
    EXPECT_TRUE(std::all_of(text.begin() + static_cast<long>(clear.size()),
                            text.end(), [](auto octet) { return octet == 0; }));
    sealed.Release();
  }
}

// ESP-14: next header 59, and otherwise as any.
TEST_F(EspSealer, MarksADummyPacket) {
  const Octets clear = HostsV4().Raw(253, {0xa1, 0xa2, 0xa3});
  Parameters tunnel = InTunnel(NullSa(), IpFamily::kV6);
  tunnel.tfc_pad_to = 30;
  Octets padded = clear;
  padded.insert(padded.end(), {0, 0, 0, 0, 0, 0, 0, 0, 59});
  for (const auto& [sa, plaintext, header] :
       {std::tuple(NullSa(), Octets{0xa1, 0xa2, 0xa3, 1, 2, 3, 3, 59}, 20),
        std::tuple(tunnel, padded, 40)}) {
    Sealer sealer = std::move(Sealer::Create(sa)).value();
    Packet packet = pool_.Copy(clear);
    ASSERT_TRUE(sealer.SealDummy(packet, kSeq).ok());
    const Octets sealed = Copied(packet);
    packet.Release();
    EXPECT_EQ(Octets(sealed.begin() + header, sealed.end()),
              ForgeEsp(sa, kSeq, plaintext));
    EXPECT_EQ(IpView::Parse(sealed)->protocol(), 50);
  }
  Packet packet = pool_.Copy(Octets{0x45});
  EXPECT_FALSE(Sealer::Create(NullSa())->SealDummy(packet, kSeq).ok());
  packet.Release();
}

// Octets behind the packet's own length are not the packet.
TEST_F(EspSealer, LeavesLinkPaddingOut) {
  const Octets clear = HostsV6().Udp(1, 2, {1, 2, 3});
  Octets padded = clear;
  padded.resize(padded.size() + 17, 0xff);
  for (const Parameters& sa : {NullSa(), InTunnel(NullSa(), IpFamily::kV4)}) {
    EXPECT_EQ(Seal(sa, padded), Seal(sa, clear));
  }
}

// DEF-03: the largest packet, and one octet more.
TEST_F(EspSealer, RefusesWhatTheLengthFieldCannotSay) {
  for (const Parameters& transport : AllTransportSas()) {
    for (const Parameters& sa :
         {transport, InTunnel(transport, IpFamily::kV4)}) {
      std::size_t largest = 65300;
      while (!Seal(sa, HostsV4().Raw(253, Octets(largest - 20))).empty()) {
        ++largest;
      }
      EXPECT_EQ(error_, DropReason::kTooBig);
      const Octets fits = Seal(sa, HostsV4().Raw(253, Octets(largest - 21)));
      EXPECT_LE(fits.size(), 65535u);
      EXPECT_GT(fits.size() + 16, 65535u);
    }
  }
  EXPECT_EQ(Refusal(InTunnel(GcmSa(), IpFamily::kV6),
                    HostsV6().Raw(253, Octets(65535))),
            DropReason::kTooBig);
}

// Rooms from none to ample, at the ends of a buffer of their own, so that
// AddressSanitizer sees one octet too many.
class EspSealerAtBufferEnds : public testing::Test {
 protected:
  static std::vector<Parameters> AllSas() {
    std::vector<Parameters> all;
    for (const Parameters& transport : AllTransportSas()) {
      all.push_back(transport);
      all.push_back(InTunnel(transport, IpFamily::kV6));
      Parameters padded = InTunnel(transport, IpFamily::kV4);
      padded.tfc_pad_to = 130;  // more than the packet
      all.push_back(padded);
    }
    return all;
  }

  // Octets that TFC padding adds, and front() and back() do not speak of.
  static std::size_t Padding(const Parameters& sa, std::size_t size) {
    return sa.tfc_pad_to > size ? sa.tfc_pad_to - size : 0;
  }

  // Of a packet that lies so far from both ends of its buffer; `moved`: behind
  // octets that were its own and are cut off.
  static void Try(const Parameters& sa, Sealer& sealer, std::size_t front,
                  std::size_t back, std::size_t moved) {
    const Octets clear = HostsV4().Udp(1, 2, Octets(61));
    Octets whole(moved);
    whole.insert(whole.end(), clear.begin(), clear.end());
    const std::size_t headroom = front > moved ? front - moved : 0;
    PacketPool tight({.packets = 1,
                      .payload = whole.size(),
                      .headroom = headroom,
                      .tailroom = back});
    Packet packet = tight.Copy(whole);
    packet.TrimFront(moved);
    ASSERT_EQ(packet.headroom(), headroom + moved);
    ASSERT_EQ(packet.tailroom(), back);
    const std::size_t padding = Padding(sa, clear.size());
    const Passage sealed = sealer.Seal(packet, kSeq);
    if (headroom + moved >= sealer.front() && back >= sealer.back() + padding) {
      EXPECT_TRUE(sealed.ok()) << front << ", " << back << ", " << moved;
    } else if (!sealed.ok()) {
      EXPECT_EQ(sealed.error(), DropReason::kNoHeadroom);
    }
    packet.Release();
  }
};

// DEF-03, DEF-05
TEST_F(EspSealerAtBufferEnds, NeverLeavesItsBuffer) {
  constexpr std::size_t kAmple = 256;
  for (const Parameters& sa : AllSas()) {
    Result<Sealer> sealer = Sealer::Create(sa);
    for (std::size_t spare = 0; spare <= 100; ++spare) {
      Try(sa, *sealer, spare, spare, 0);
      Try(sa, *sealer, spare, kAmple, 0);
      Try(sa, *sealer, kAmple, spare, 0);
      Try(sa, *sealer, spare, spare, std::min<std::size_t>(spare, 20));
    }
  }
}

// DEF-05: what a burst lays out, it lays out in each packet's own room.
TEST_F(EspSealerAtBufferEnds, NeitherDoesABurst) {
  const Octets clear = HostsV4().Udp(1, 2, Octets(61));
  for (const Parameters& sa : AllSas()) {
    Result<Sealer> sealer = Sealer::Create(sa);
    std::vector<std::unique_ptr<PacketPool>> pools;
    std::vector<Packet> packets;
    std::vector<OutboundJob> jobs(65);
    packets.reserve(jobs.size());
    for (std::size_t spare = 0; spare < jobs.size(); ++spare) {
      pools.push_back(std::make_unique<PacketPool>(
          PacketPool::Shape{.packets = 1,
                            .payload = clear.size(),
                            .headroom = 64,
                            .tailroom = spare}));
      packets.push_back(pools.back()->Copy(clear));
      jobs[spare].packet = &packets.back();
      jobs[spare].seq = spare + 1;
    }
    sealer->Seal(jobs);
    for (std::size_t spare = 0; spare < jobs.size(); ++spare) {
      const bool fits = sealer->front() <= 64 &&
                        spare >= sealer->back() + Padding(sa, clear.size());
      EXPECT_TRUE(!fits || jobs[spare].outcome.ok()) << spare;
      EXPECT_TRUE(jobs[spare].outcome.ok() ||
                  jobs[spare].outcome.error() == DropReason::kNoHeadroom);
      packets[spare].Release();
    }
  }
}

// front() and back() are what a packet can need, and some packet does.
TEST_F(EspSealer, PromisesItsRoomExactly) {
  for (const Parameters& transport : AllTransportSas()) {
    for (const Parameters& sa :
         {transport, InTunnel(transport, IpFamily::kV4)}) {
      Result<Sealer> sealer = Sealer::Create(sa);
      std::size_t most = 0;
      for (std::size_t length = 0; length < 32; ++length) {
        const Octets clear = HostsV4().Raw(253, Octets(length));
        const std::size_t added = Seal(sa, clear).size() - clear.size();
        EXPECT_LE(added, sealer->front() + sealer->back());
        most = std::max(most, added);
      }
      EXPECT_EQ(most, sealer->front() + sealer->back());
    }
  }
}

}  // namespace
}  // namespace postern::esp
