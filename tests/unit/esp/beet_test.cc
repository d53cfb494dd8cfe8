// SPDX-License-Identifier: Apache-2.0
//
// ESP in BEET mode (RFC 7402 appendix B): both transforms against the definition,
// each alone.

#include <tuple>
#include <utility>

#include "gtest/gtest.h"

#include "core/net/ip_view.h"
#include "core/packet/packet_pool.h"
#include "esp/opener.h"
#include "tests/unit/esp/esp_sas.h"

namespace postern::esp {
namespace {

constexpr std::uint64_t kSeq = 0x01020304;

Parameters InBeet(Parameters parameters, IpFamily inner, IpFamily outer) {
  parameters = InTunnel(std::move(parameters), outer);
  const bool v4 = inner == IpFamily::kV4;
  parameters.mode = IpsecMode::kBeet;
  parameters.inner = TunnelEndpoints{
      IpAddress::Parse(v4 ? "192.0.2.10" : "2001:db8:1::10").value(),
      IpAddress::Parse(v4 ? "198.51.100.20" : "2001:db8:2::20").value()};
  return parameters;
}

PacketBuilder Inside(IpFamily family) {
  return family == IpFamily::kV4 ? HostsV4() : HostsV6();
}

// Of the outer header.
PacketBuilder Outside(IpFamily family) {
  return family == IpFamily::kV4
             ? PacketBuilder("203.0.113.1", "203.0.113.2")
             : PacketBuilder("2001:db8:f::1", "2001:db8:f::2");
}

class EspBeet : public testing::TestWithParam<std::tuple<IpFamily, IpFamily>> {
 protected:
  IpFamily inner() const { return std::get<0>(GetParam()); }

  IpFamily outer() const { return std::get<1>(GetParam()); }

  bool inner_is_v4() const { return inner() == IpFamily::kV4; }

  Parameters Sa() const { return InBeet(NullSa(), inner(), outer()); }

  Octets Seal(const Parameters& sa, const Octets& clear) {
    Result<Sealer> sealer = Sealer::Create(sa);
    return Take(clear,
                [&](Packet& packet) { return sealer->Seal(packet, kSeq); });
  }

  Octets Open(const Parameters& sa, const Octets& sealed) {
    Result<Opener> opener = Opener::Create(sa);
    return Take(sealed, [&](Packet& packet) -> Passage {
      const auto opened = opener->Open(packet, kSeq);
      return opened.ok() ? opener->Finish(packet, *opened) : opened.error();
    });
  }

  template <typename Transform>
  Octets Take(const Octets& octets, const Transform& transform) {
    Packet packet = pool_.Copy(octets);
    const Passage passed = transform(packet);
    const Octets made = passed.ok() ? Copied(packet) : Octets();
    error_ = passed.ok() ? DropReason::kForgotten : passed.error();
    packet.Release();
    return made;
  }

  // The octets behind the outer header.
  static Octets EspOf(const Octets& sealed) {
    const Opinion<IpView> view = IpView::Parse(sealed);
    return view.ok() ? Octets(view->payload().begin(), view->payload().end())
                     : Octets();
  }

  PacketPool pool_{{.packets = 2, .payload = 66000}};
  DropReason error_{};
};

INSTANTIATE_TEST_SUITE_P(
    Families, EspBeet,
    testing::Combine(testing::Values(IpFamily::kV4, IpFamily::kV6),
                     testing::Values(IpFamily::kV4, IpFamily::kV6)));

// BEET-01 BEET-02
TEST_P(EspBeet, SealsThePayloadAloneUnderAnotherHeader) {
  const Octets clear =
      Inside(inner()).HopLimit(9).TrafficClass(0xb9).Raw(253, {1, 2, 3});
  const Octets sealed = Seal(Sa(), clear);
  const Octets esp = ForgeEsp(Sa(), kSeq, {1, 2, 3, 1, 2, 3, 3, 253});
  EXPECT_EQ(EspOf(sealed), esp);
  PacketBuilder expected = Outside(outer());
  expected.HopLimit(9).TrafficClass(0xb9);
  if (!inner_is_v4()) {
    expected.DontFragment();
  }
  Octets whole = expected.Raw(50, esp);
  if (outer() == IpFamily::kV4) {
    whole[4] = sealed[4];  // identification
    whole[5] = sealed[5];
    MendIpv4Checksum(whole);
  }
  EXPECT_EQ(sealed, whole);
}

// BEET-02
TEST_P(EspBeet, HandsOnTheFlagAgainstFragments) {
  if (!inner_is_v4() || outer() != IpFamily::kV4) {
    return;
  }
  const Octets with = Seal(Sa(), HostsV4().DontFragment().Raw(253, {1}));
  const Octets without = Seal(Sa(), HostsV4().Raw(253, {1}));
  EXPECT_EQ(with[6], 0x40);
  EXPECT_EQ(without[6], 0);
}

// BEET-04: options of IPv4 behind the pseudo header, IPv6 extension headers as they are.
TEST_P(EspBeet, SealsOptionsWithThePayload) {
  if (inner_is_v4()) {
    EXPECT_EQ(
        EspOf(Seal(
            Sa(),
            HostsV4().Ipv4Options({0x94, 4, 0, 0}).Raw(253, {0xaa, 0xbb}))),
        ForgeEsp(Sa(), kSeq,
                 {253, 0, 0, 0, 0x94, 4, 0, 0, 0xaa, 0xbb,  //
                  0, 94}));
    EXPECT_EQ(
        EspOf(Seal(Sa(), HostsV4()
                             .Ipv4Options({7, 7, 4, 0, 0, 0, 0, 0})
                             .Raw(253, {0xaa, 0xbb}))),
        ForgeEsp(Sa(), kSeq, {253, 1, 4, 0, 1, 1, 1, 1,  //
                              7,   7, 4, 0, 0, 0, 0, 0, 0xaa, 0xbb, 0, 94}));
    return;
  }
  EXPECT_EQ(EspOf(Seal(Sa(), HostsV6()
                                 .Extension(0, {0, 0, 1, 4, 0, 0, 0, 0})
                                 .Raw(253, {0xaa, 0xbb}))),
            ForgeEsp(Sa(), kSeq, {253, 0, 1, 4, 0, 0, 0, 0, 0xaa, 0xbb, 0, 0}));
}

// BEET-03
TEST_P(EspBeet, OpensToTheBoundAddressesAndTheOuterHeadersFields) {
  const Octets esp = ForgeEsp(Sa(), kSeq, {1, 2, 3, 1, 2, 3, 3, 253});
  const Octets sealed =
      Outside(outer()).HopLimit(3).TrafficClass(0x47).Raw(50, esp);
  Octets expected =
      Inside(inner()).HopLimit(3).TrafficClass(0x47).Raw(253, {1, 2, 3});
  if (inner_is_v4() && outer() == IpFamily::kV6) {
    expected[4] = 0;  // an IPv6 header has no identification, and no flag
    expected[5] = 0;
    expected[6] = 0x40;
    MendIpv4Checksum(expected);
  }
  EXPECT_EQ(Open(Sa(), sealed), expected);
}

// Also those whose own headers are shorter than the IPv6 header that they stand
// in the place of.
TEST_P(EspBeet, GivesBackWhatWasSealedByEveryAlgorithm) {
  const Octets clear = inner_is_v4()
                           ? HostsV4()
                                 .DontFragment()
                                 .Ipv4Options({7, 7, 4, 0, 0, 0, 0, 0})
                                 .Udp(1, 2, Octets(100))
                           : HostsV6()
                                 .Extension(60, {0, 0, 1, 4, 0, 0, 0, 0})
                                 .Udp(1, 2, Octets(100));
  for (const Parameters& transport : AllTransportSas()) {
    const Parameters sa = InBeet(transport, inner(), outer());
    Octets opened = Open(sa, Seal(sa, clear));
    ASSERT_EQ(opened.size(), clear.size());
    if (inner_is_v4()) {
      opened[4] = clear[4];
      opened[5] = clear[5];
      MendIpv4Checksum(opened);
    }
    EXPECT_EQ(opened, clear);
  }
}

// BEET-01
TEST_P(EspBeet, SealsNoPacketOfOtherEnds) {
  const Octets clear =
      inner_is_v4()
          ? PacketBuilder("192.0.2.10", "198.51.100.21").Udp(1, 2)
          : PacketBuilder("2001:db8:1::11", "2001:db8:2::20").Udp(1, 2);
  EXPECT_TRUE(Seal(Sa(), clear).empty());
  EXPECT_EQ(error_, DropReason::kSelectorMismatch);
  const Octets other =
      Inside(inner_is_v4() ? IpFamily::kV6 : IpFamily::kV4).Udp(1, 2);
  EXPECT_TRUE(Seal(Sa(), other).empty());
  EXPECT_EQ(error_, DropReason::kSelectorMismatch);
}

// What has the pseudo header's number would be read as one.
TEST_P(EspBeet, SealsNothingThatLooksLikeAPseudoHeader) {
  const Octets payload = {6, 0, 4, 0, 1, 1, 1, 1, 0xaa, 0xbb};
  EXPECT_TRUE(Seal(Sa(), Inside(inner()).Raw(94, payload)).empty());
  EXPECT_EQ(error_, DropReason::kModeMismatch);
  if (inner_is_v4()) {
    EXPECT_FALSE(
        Seal(Sa(), Inside(inner()).Ipv4Options({1, 1, 1, 0}).Raw(6, payload))
            .empty());
  }
}

// RFC 6864 4.1: the identification of what nobody may cut is free; AH inside
// covers it.
TEST_P(EspBeet, KeepsTheIdentificationThatAReceiverNeeds) {
  const auto sealed = [&](PacketBuilder builder, std::uint8_t protocol) {
    Octets clear = builder.Raw(protocol, Octets(24, 1));
    if (inner_is_v4()) {
      clear[4] = 0xab;
      clear[5] = 0xcd;
      MendIpv4Checksum(clear);
    }
    return Seal(Sa(), clear);
  };
  if (inner_is_v4() && outer() == IpFamily::kV6) {
    EXPECT_TRUE(sealed(Inside(inner()), 51).empty());
    EXPECT_EQ(error_, DropReason::kModeMismatch);
    return;
  }
  const Octets ah = sealed(Inside(inner()), 51);
  const Octets whole = sealed(Inside(inner()).DontFragment(), 17);
  const Octets other = sealed(Inside(inner()), 17);
  ASSERT_FALSE(ah.empty() || whole.empty() || other.empty());
  if (inner_is_v4()) {
    constexpr std::uint16_t kOwn = 0xabcd;
    const auto id = [](const Octets& packet) {
      return LoadBe<std::uint16_t>(ConstBytes(packet).subspan(4));
    };
    EXPECT_EQ(id(ah), kOwn);
    EXPECT_EQ(id(whole), kOwn);
    EXPECT_NE(id(other), kOwn);
  }
}

// BEET-05
TEST_P(EspBeet, SealsNoFragments) {
  const Octets fragment = inner_is_v4()
                              ? HostsV4().MoreFragments().Raw(17, Octets(16))
                              : HostsV6()
                                    .Extension(44, {0, 0, 0, 1, 0, 0, 0, 9})
                                    .Raw(17, Octets(16));
  EXPECT_TRUE(Seal(Sa(), fragment).empty());
  EXPECT_EQ(error_, DropReason::kFragment);
}

TEST_P(EspBeet, ConsumesDummies) {
  Result<Sealer> sealer = Sealer::Create(Sa());
  const Octets dummy =
      Take(Inside(inner()).Raw(59, Octets(40)),
           [&](Packet& packet) { return sealer->SealDummy(packet, kSeq); });
  EXPECT_TRUE(Open(Sa(), dummy).empty());
  EXPECT_EQ(error_, DropReason::kDummyPacket);
}

// BEET-06
TEST_P(EspBeet, IsRefusedWithoutBothPairsOfEnds) {
  Parameters sa = Sa();
  sa.inner.reset();
  EXPECT_FALSE(Sealer::Create(sa).ok());
  sa = Sa();
  sa.tunnel.reset();
  EXPECT_FALSE(Opener::Create(sa).ok());
  sa = Sa();
  sa.inner->source =
      IpAddress::Parse(inner_is_v4() ? "::9" : "10.0.0.9").value();
  EXPECT_FALSE(Opener::Create(sa).ok());
  sa = Sa();
  sa.mode = IpsecMode::kTunnel;
  EXPECT_FALSE(Sealer::Create(sa).ok());
}

}  // namespace
}  // namespace postern::esp
