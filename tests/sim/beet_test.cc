// SPDX-License-Identifier: Apache-2.0
//
// ESP in BEET mode (RFC 7402 appendix B) between two hosts, which have other
// addresses for programs than on the network, of either family.

#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/net/checksum.h"
#include "tests/sim/sim_host.h"

namespace postern {
namespace {

struct Ends {
  const char* alice;
  const char* bob;
};

constexpr Ends kInner[] = {{"10.9.1.1", "10.9.2.7"},
                           {"fd00:9:1::1", "fd00:9:2::7"}};
constexpr Ends kOuter[] = {{"192.0.2.1", "192.0.2.2"},
                           {"2001:db8::1", "2001:db8::2"}};

IpAddress Address(const char* text) {
  return IpAddress::Parse(text).value();
}

class BeetTest : public testing::TestWithParam<std::tuple<int, int>> {
 protected:
  BeetTest() {
    alice_.SetRoutes({Through(inner().bob, outer().bob, outer().alice)});
    bob_.SetRoutes({Through(inner().alice, outer().alice, outer().bob)});
    Add(alice_, bob_, Sa(true));
    Add(bob_, alice_, Sa(false));
  }

  ~BeetTest() override {
    EXPECT_EQ(alice_.forgotten() + bob_.forgotten(), 0u);
    EXPECT_TRUE(alice_.drained() && bob_.drained());
  }

  const Ends& inner() const { return kInner[std::get<0>(GetParam())]; }

  const Ends& outer() const { return kOuter[std::get<1>(GetParam())]; }

  bool inner_is_v4() const { return std::get<0>(GetParam()) == 0; }

  bool outer_is_v4() const { return std::get<1>(GetParam()) == 0; }

  static Route Through(const char* peer, const char* gateway,
                       const char* source) {
    Route route;
    route.prefix = IpPrefix::Parse(peer).value();
    route.levels.Set(Category::kEspNetwork, Level::kRequire);
    route.gateway = Address(gateway);
    route.gateway_source = Address(source);
    return route;
  }

  SaParameters Sa(bool from_alice) const {
    const auto of = [&](const Ends& ends, bool first) {
      return Address(first == from_alice ? ends.alice : ends.bob);
    };
    SaParameters sa =
        SaFor(of(outer(), true), of(outer(), false), Category::kEspNetwork);
    sa.mode = IpsecMode::kBeet;
    sa.selector.source = of(inner(), true);
    sa.selector.destination = of(inner(), false);
    return sa;
  }

  static void Add(SimHost& from, SimHost& to, SaParameters sa) {
    sa.direction = Direction::kOutbound;
    const Status sent = from.sadb().Add(sa, {}, from.now());
    ASSERT_TRUE(sent.ok()) << sent.error().message;
    sa.direction = Direction::kInbound;
    ASSERT_TRUE(to.sadb().Add(sa, {}, to.now()).ok());
  }

  PacketBuilder ToBob() const { return {inner().alice, inner().bob}; }

  PacketBuilder ToAlice() const { return {inner().bob, inner().alice}; }

  // An IPv4 header's identification and flag are the way's.
  static Octets Leveled(Octets packet) {
    if (packet.size() > 20 && packet[0] >> 4 == 4) {
      packet[4] = 0;
      packet[5] = 0;
      packet[6] = 0;
      MendIpv4Checksum(packet);
    }
    return packet;
  }

  static std::vector<Octets> Leveled(std::vector<Octets> packets) {
    for (Octets& packet : packets) {
      packet = Leveled(std::move(packet));
    }
    return packets;
  }

  SimHost alice_{outer().alice};
  SimHost bob_{outer().bob};
};

INSTANTIATE_TEST_SUITE_P(Families, BeetTest,
                         testing::Combine(testing::Values(0, 1),
                                          testing::Values(0, 1)));

// BEET-01 BEET-03 BEET-04
TEST_P(BeetTest, CarriesPacketsUnderOtherAddresses) {
  PacketBuilder dressed = ToBob();
  if (inner_is_v4()) {
    dressed.Ipv4Options({7, 7, 4, 0, 0, 0, 0});
  } else {
    dressed.Extension(0, {0, 0, 1, 4, 0, 0, 0, 0});
  }
  for (PacketBuilder builder : {ToBob(), dressed}) {
    const Octets clear =
        builder.HopLimit(33).TrafficClass(0xb8).Udp(1000, 2000, Octets(77));
    const auto wire = alice_.Send(clear);
    ASSERT_EQ(wire.size(), 1u);
    const auto view = IpView::Parse(wire[0]);
    ASSERT_TRUE(view.ok());
    EXPECT_EQ(view->source().ToString(), outer().alice);
    EXPECT_EQ(view->destination().ToString(), outer().bob);
    EXPECT_EQ(view->protocol(), 50);
    EXPECT_EQ(view->hop_limit(), 33);
    EXPECT_EQ(view->traffic_class(), 0xb8);
    EXPECT_EQ(Leveled(bob_.Receive(wire[0])),
              std::vector<Octets>{Leveled(clear)});
  }
}

TEST_P(BeetTest, IsEspNetworkBothWaysAndNothingElse) {
  const Octets request = ToBob().Udp(1000, 2000, Octets(10));
  const Octets answer = ToAlice().Udp(2000, 1000, Octets(10));
  EXPECT_EQ(bob_.Receive(alice_.Send(request).at(0)).size(), 1u);
  EXPECT_EQ(alice_.Receive(bob_.Send(answer).at(0)).size(), 1u);
  EXPECT_TRUE(bob_.Receive(request).empty());  // in clear
  EXPECT_EQ(bob_.drops(DropReason::kPolicyRequiresEspNetwork), 1u);
  bob_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  Route route = Through(inner().alice, outer().alice, outer().bob);
  route.levels.Set(Category::kEspTransport, Level::kRequire);
  bob_.SetRoutes({route});
  EXPECT_TRUE(bob_.Receive(alice_.Send(request).at(0)).empty());
  EXPECT_EQ(bob_.drops(DropReason::kPolicyRequiresEspTransport), 1u);
}

// The hops and the mark of the way come to be the packet's, as in transport mode.
TEST_P(BeetTest, HandsOnWhatTheWayDidToTheHeader) {
  const Octets clear = ToBob().TrafficClass(0x02).Udp(1000, 2000, Octets(10));
  Octets wire = alice_.Send(clear).at(0);
  wire[outer_is_v4() ? 8 : 7] = 9;
  wire[1] = outer_is_v4() ? 0x03 : 0x30;  // congestion was met
  MendIpv4Checksum(wire);
  const auto received = bob_.Receive(wire);
  ASSERT_EQ(received.size(), 1u);
  const auto view = IpView::Parse(received[0]);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->hop_limit(), 9);
  EXPECT_EQ(view->traffic_class(), 0x03);
}

// AH covers the addresses and the identification inside, which are rebuilt; an
// IPv6 header has none to rebuild it of.
TEST_P(BeetTest, HasRoomForAhInsideWhereItArrives) {
  SaParameters ah =
      SaFor(Address(inner().alice), Address(inner().bob), Category::kAh);
  ah.spi = Spi{0x7001};
  Add(alice_, bob_, ah);
  Route route = Through(inner().bob, outer().bob, outer().alice);
  route.levels.Set(Category::kAh, Level::kRequire);
  alice_.SetRoutes({route});
  Octets clear = ToBob().Udp(1000, 2000, Octets(77));
  if (inner_is_v4()) {
    clear[4] = 0xab;
    MendIpv4Checksum(clear);
  }
  const auto wire = alice_.Send(clear);
  if (inner_is_v4() && !outer_is_v4()) {
    EXPECT_TRUE(wire.empty());
    EXPECT_EQ(alice_.drops(DropReason::kModeMismatch), 1u);
    return;
  }
  ASSERT_EQ(wire.size(), 1u);
  EXPECT_EQ(bob_.Receive(wire[0]), std::vector<Octets>{clear});
}

// BEET-06: the SA's pair is the only one: no packet of other ends leaves by it.
TEST_P(BeetTest, IsForItsPairAlone) {
  const char* const other = inner_is_v4() ? "10.9.1.2" : "fd00:9:1::2";
  EXPECT_TRUE(alice_.Send(PacketBuilder(other, inner().bob).Udp(1, 2)).empty());
  EXPECT_EQ(alice_.outbound().held(), 1u);
}

TEST_P(BeetTest, KeepsTheSelectorsPorts) {
  SaParameters sa = Sa(true);
  sa.spi = Spi{0x7001};
  sa.encryption_key = SecretBytes(Octets(20, 7));
  Add(alice_, bob_, sa);
  const Octets packet = ToBob().Udp(1000, 2000);
  const Octets wire = alice_.Send(packet).at(0);
  EXPECT_TRUE(bob_.sadb().Delete(sa.identity()).ok());
  sa.direction = Direction::kInbound;
  sa.selector.protocol = std::uint8_t{6};
  ASSERT_TRUE(bob_.sadb().Add(sa, {}, bob_.now()).ok());
  EXPECT_TRUE(bob_.Receive(wire).empty());
  EXPECT_EQ(bob_.drops(DropReason::kSelectorMismatch), 1u);
}

// BEET-05: fragments of the host's kernel are put together, since BEET takes none.
TEST_P(BeetTest, PutsFragmentsTogetherFirst) {
  if (!inner_is_v4()) {
    return;
  }
  const Octets whole = ToBob().Udp(1000, 2000, Octets(600));
  const Octets payload(whole.begin() + 20, whole.end());
  const Octets first = ToBob().MoreFragments().Raw(
      17, Octets(payload.begin(), payload.begin() + 400));
  const Octets last = ToBob().FragmentOffset(50).Raw(
      17, Octets(payload.begin() + 400, payload.end()));
  EXPECT_TRUE(alice_.Send(first).empty());
  const auto wire = alice_.Send(last);
  ASSERT_EQ(wire.size(), 1u);
  EXPECT_EQ(Leveled(bob_.Receive(wire[0])),
            std::vector<Octets>{Leveled(whole)});
}

// PMTU-03 PMTU-05: no octet of an inner header is counted.
TEST_P(BeetTest, KnowsWhatItAdds) {
  const std::size_t ip = inner_is_v4() ? 20 : 40;
  const std::size_t outer_header = outer_is_v4() ? 20 : 40;
  const auto packet = [&](std::size_t size) {
    return ToBob().DontFragment().Udp(1000, 2000, Octets(size - ip - 8));
  };
  std::size_t largest = 1500;
  while (outer_header + 16 + (largest - ip + 2 + 3) / 4 * 4 + 16 > 1500) {
    --largest;
  }
  EXPECT_EQ(alice_.Send(packet(largest)).size(), 1u);
  EXPECT_TRUE(alice_.Send(packet(largest + 1)).empty());
  EXPECT_EQ(alice_.TakeTold().size(), 1u);
}

TEST_P(BeetTest, SendsWhatIsTooLargeInFragments) {
  if (!inner_is_v4()) {
    return;
  }
  const Octets clear = ToBob().Udp(1000, 2000, Octets(1460));
  const auto wire = alice_.Send(clear);
  EXPECT_EQ(wire.size(), 2u);
  EXPECT_EQ(Leveled(bob_.ReceiveAll(wire)),
            std::vector<Octets>{Leveled(clear)});
}

TEST_P(BeetTest, PassesANatInUdp) {
  for (const bool from_alice : {true, false}) {
    SaParameters sa = Sa(from_alice);
    SimHost& from = from_alice ? alice_ : bob_;
    SimHost& to = from_alice ? bob_ : alice_;
    sa.spi = Spi{from_alice ? 0x7001u : 0x7002u};
    sa.encryption_key = SecretBytes(Octets(20, from_alice ? 7 : 8));
    sa.encapsulation = UdpPorts{4500, 4500};
    Add(from, to, sa);
  }
  const Octets clear = ToBob().Udp(1000, 2000, Octets(77));
  const Octets wire = alice_.Send(clear).at(0);
  EXPECT_EQ(IpView::Parse(wire)->protocol(), 17);
  EXPECT_EQ(Leveled(bob_.Receive(wire)), std::vector<Octets>{Leveled(clear)});
}

TEST_P(BeetTest, SendsDummiesThatNobodySees) {
  const SaIdentity identity = Sa(true).identity();
  SecurityAssociation* const sa = alice_.sadb().Get(identity);
  ASSERT_NE(sa, nullptr);
  const auto dummy = alice_.MakeDummy({identity, sa->generation_id(), 200});
  ASSERT_EQ(dummy.size(), 1u);
  EXPECT_TRUE(bob_.Receive(dummy[0]).empty());
  EXPECT_EQ(bob_.drops(DropReason::kDummyPacket), 1u);
}

// An error about what went in it comes back in it, from the peer.
TEST_P(BeetTest, CarriesErrorsAboutWhatItCarries) {
  if (!inner_is_v4()) {
    return;
  }
  const Octets request = ToBob().Udp(1000, 2000, Octets(10));
  bob_.Receive(alice_.Send(request).at(0));
  Octets unreachable = {3, 3, 0, 0, 0, 0, 0, 0};
  unreachable.insert(unreachable.end(), request.begin(), request.end());
  StoreBe(Bytes(unreachable).subspan(2), InternetChecksum(unreachable));
  const Octets error = ToAlice().Raw(1, unreachable);
  const auto wire = bob_.Send(error);
  ASSERT_EQ(wire.size(), 1u);
  EXPECT_EQ(Leveled(alice_.Receive(wire[0])),
            std::vector<Octets>{Leveled(error)});
}

}  // namespace
}  // namespace postern
