// SPDX-License-Identifier: Apache-2.0

#include "core/net/fragmenter.h"

#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "tests/support/naive_fragments.h"

namespace postern {
namespace {

Octets Counting(std::size_t size) {
  Octets octets(size);
  for (std::size_t i = 0; i < size; ++i) {
    octets[i] = static_cast<std::uint8_t>(i + i / 256);
  }
  return octets;
}

class Fragmenter : public testing::Test {
 protected:
  Opinion<std::vector<Octets>> Cut(const Octets& whole, std::size_t mtu,
                                   std::uint32_t id = 7) {
    Packet packet = pool_.Copy(whole);
    const auto view = IpView::Parse(std::as_const(packet).bytes());
    std::vector<Packet> pieces;
    const Passage cut = CutIntoFragments(packet, *view, mtu, id, pieces);
    std::vector<Octets> fragments;
    for (Packet& piece : pieces) {
      const ConstBytes octets = std::as_const(piece).bytes();
      fragments.emplace_back(octets.begin(), octets.end());
      piece.Release();
    }
    packet.Release();
    EXPECT_EQ(pool_.free(), pool_.shape().packets);
    return cut.ok() ? Opinion<std::vector<Octets>>(fragments) : cut.error();
  }

  PacketPool pool_{{.packets = 20, .payload = 9216}};
};

// FRAG-17 FRAG-19: as the definition cuts, for sizes around every border.
TEST_F(Fragmenter, CutsAsTheDefinitionDoes) {
  for (std::size_t size = 560; size < 600; ++size) {
    const Octets v4 =
        PacketBuilder("10.9.1.1", "10.9.2.1").Raw(50, Counting(size));
    const Octets v6 =
        PacketBuilder("fd00::1", "fd00::2").Raw(50, Counting(size));
    const std::uint32_t id = v4[4] * 256u + v4[5];
    for (const std::size_t data : {176u, 184u, 560u, 568u}) {
      EXPECT_EQ(*Cut(v4, data + 20), NaiveFragments(v4, data, id));
      EXPECT_EQ(*Cut(v6, data + 48), NaiveFragments(v6, data, 7));
    }
    // The last one is filled to the octet.
    for (std::size_t mtu = 200; mtu < 210; ++mtu) {
      const auto fragments = Cut(v6, mtu);
      for (const Octets& fragment : *fragments) {
        EXPECT_LE(fragment.size(), mtu);
      }
    }
  }
}

// FRAG-17: RR (7) has no copied flag, SEC (130) has.
TEST_F(Fragmenter, LaterFragmentsRepeatTheCopiedOptionsOnly) {
  Octets options = {7, 7, 4, 0, 0, 0, 0, 130, 11};
  options.resize(18);
  const Octets whole = PacketBuilder("10.9.1.1", "10.9.2.1")
                           .Ipv4Options(options)
                           .DontFragment()
                           .Raw(50, Counting(300));
  const auto fragments = *Cut(whole, 204);
  ASSERT_EQ(fragments.size(), 2u);
  EXPECT_EQ(fragments[0][0], 0x4a);  // 20 octets of options
  EXPECT_TRUE(
      std::equal(options.begin(), options.end(), fragments[0].begin() + 20));
  EXPECT_EQ(fragments[1][0], 0x48);
  EXPECT_EQ(fragments[1][20], 130);
  EXPECT_EQ(fragments[1][31], 0);
  // DF is gone: whoever asked had the right to.
  EXPECT_EQ(fragments[0][6], 0x20);
  EXPECT_EQ(fragments[1][6] & 0xe0, 0);
}

TEST_F(Fragmenter, CutsAFragmentOfIpv4Further) {
  const Octets whole =
      PacketBuilder("10.9.1.1", "10.9.2.1").Raw(17, Counting(640));
  const Octets middle = NaiveFragment(whole, {160, 320, true});
  EXPECT_EQ(*Cut(middle, 180),
            (std::vector<Octets>{NaiveFragment(whole, {160, 160, true}),
                                 NaiveFragment(whole, {320, 160, true})}));
  const Octets last = NaiveFragment(whole, {480, 160, false});
  EXPECT_EQ(*Cut(last, 100),
            (std::vector<Octets>{NaiveFragment(whole, {480, 80, true}),
                                 NaiveFragment(whole, {560, 80, false})}));
}

// FRAG-16: hop-by-hop stays in front; all that follows is in the first.
TEST_F(Fragmenter, KeepsIpv6HeadersTogether) {
  const Octets whole = PacketBuilder("fd00::1", "fd00::2")
                           .Extension(0, {0, 0, 1, 4, 0, 0, 0, 0})
                           .Extension(60, Octets(64))
                           .Raw(50, Counting(400));
  const auto fragments = *Cut(whole, 200);
  for (const Octets& fragment : fragments) {
    EXPECT_EQ(fragment[6], 0);
    EXPECT_EQ(fragment[40], 44);
    EXPECT_EQ(fragment[48], 60);
    EXPECT_LE(fragment.size(), 200u);
  }
  EXPECT_EQ(Cut(whole, 120).error(), DropReason::kTooBig);
}

TEST_F(Fragmenter, RefusesWhatItCannotCut) {
  const Octets v4 = PacketBuilder("10.9.1.1", "10.9.2.1").Raw(50, Counting(99));
  EXPECT_EQ(Cut(v4, 27).error(), DropReason::kTooBig);
  const Octets v6 = PacketBuilder("fd00::1", "fd00::2").Raw(50, Counting(400));
  EXPECT_EQ(Cut(NaiveFragment(v6, {0, 200, true}), 100).error(),
            DropReason::kTooBig);
  const Octets many =
      PacketBuilder("10.9.1.1", "10.9.2.1").Raw(50, Counting(8 * 30));
  EXPECT_EQ(Cut(many, 28).error(), DropReason::kPoolEmpty);
}

}  // namespace
}  // namespace postern
