// SPDX-License-Identifier: Apache-2.0
//
// ESP in UDP (RFC 3948) between two hosts, with a NAT that the tests play.

#include <algorithm>
#include <utility>

#include "gtest/gtest.h"

#include "core/bytes.h"
#include "core/net/checksum.h"
#include "sadb/peer_moves.h"
#include "tests/sim/sim_host.h"
#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

constexpr std::uint8_t kUdp = 17;
constexpr SocketCookie kServer{7};

struct Ends {
  const char* alice;
  const char* bob;
};

class NatTest : public ::testing::TestWithParam<Ends> {
 protected:
  NatTest() : alice_(GetParam().alice), bob_(GetParam().bob) {
    bob_.kernel().Listen(80, kServer);
  }

  ~NatTest() override {
    EXPECT_EQ(alice_.forgotten() + bob_.forgotten(), 0U);
    EXPECT_TRUE(alice_.drained() && bob_.drained());
  }

  bool is_v4() const { return alice_.address().family() == IpFamily::kV4; }

  std::size_t header() const { return is_v4() ? 20 : 40; }

  // From alice to bob, and back. As bob sees her she is at `seen` and `port`.
  void Connect(IpsecMode mode, const IpAddress& seen, std::uint16_t port) {
    AddSa(alice_, mode, Direction::kOutbound, 0x1001, alice_.address(),
          bob_.address(), {4500, 4500});
    AddSa(bob_, mode, Direction::kInbound, 0x1001, seen, bob_.address(),
          {port, 4500});
    AddSa(bob_, mode, Direction::kOutbound, 0x2002, bob_.address(), seen,
          {4500, port});
    AddSa(alice_, mode, Direction::kInbound, 0x2002, bob_.address(),
          alice_.address(), {4500, 4500});
    const Category category = mode == IpsecMode::kTransport
                                  ? Category::kEspTransport
                                  : Category::kEspNetwork;
    alice_.SetSystemLevel(category, Level::kRequire);
    bob_.SetSystemLevel(category, Level::kRequire);
  }

  void Connect(IpsecMode mode = IpsecMode::kTransport) {
    Connect(mode, alice_.address(), 4500);
  }

  static void AddSa(SimHost& host, IpsecMode mode, Direction direction,
                    std::uint32_t spi, const IpAddress& from,
                    const IpAddress& to, UdpPorts udp) {
    SaParameters sa = GcmSa(spi, direction);
    sa.mode = mode;
    sa.source = from;
    sa.destination = to;
    sa.encapsulation = udp;
    const Status added = host.sadb().Add(sa, {}, host.now());
    ASSERT_TRUE(added.ok()) << added.error().message;
  }

  PacketBuilder From(const SimHost& one, const SimHost& other) const {
    return {one.address().ToString(), other.address().ToString()};
  }

  Octets Syn() const { return From(alice_, bob_).Tcp(4711, 80, kSyn); }

  std::uint16_t PortOf(const Octets& packet, std::size_t at) const {
    return LoadBe<std::uint16_t>(ConstBytes(packet).subspan(header() + at));
  }

  // The NAT's work: another source port, and address.
  Octets Translated(Octets packet, std::uint16_t port) const {
    StoreBe(Bytes(packet).subspan(header()), port);
    if (!is_v4()) {
      StoreBe(Bytes(packet).subspan(header() + 6), std::uint16_t{0});
    }
    return packet;
  }

  static Octets Translated(Octets packet, const IpAddress& source) {
    CopyBytes(Bytes(packet).subspan(12), source.octets());
    StoreBe(Bytes(packet).subspan(10), std::uint16_t{0});
    StoreBe(Bytes(packet).subspan(10),
            InternetChecksum(ConstBytes(packet).first(20)));
    return packet;
  }

  std::size_t Moves() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(bob_.events(), [](const SaEvent& event) {
          return event.kind == SaEvent::Kind::kMappingChanged;
        }));
  }

  SecurityAssociation& BobsInbound() {
    return *bob_.sadb().Get({Spi{0x1001}, bob_.address(), IpsecProtocol::kEsp});
  }

  SimHost alice_;
  SimHost bob_;
};

// UDP-01, UDP-14, UDP-15, both ways.
TEST_P(NatTest, CarriesEspInUdp) {
  for (const IpsecMode mode : {IpsecMode::kTransport, IpsecMode::kTunnel}) {
    Connect(mode);
    const auto sealed = alice_.Send(Syn());
    ASSERT_EQ(sealed.size(), 1U);
    EXPECT_EQ(sealed[0][is_v4() ? 9 : 6], kUdp);
    EXPECT_EQ(PortOf(sealed[0], 0), 4500);
    EXPECT_EQ(PortOf(sealed[0], 2), 4500);
    EXPECT_EQ(PortOf(sealed[0], 4), sealed[0].size() - header());
    EXPECT_EQ(bob_.Receive(sealed[0]), std::vector<Octets>{Syn()});
    const Octets answer = From(bob_, alice_).Tcp(80, 4711, kSyn | kAck);
    const auto back = bob_.Send(answer);
    ASSERT_EQ(back.size(), 1U);
    EXPECT_EQ(alice_.Receive(back[0]), std::vector<Octets>{answer});
    EXPECT_EQ(Moves(), 0U);
    alice_.sadb().Flush();
    bob_.sadb().Flush();
    alice_.SetSystemLevel(Category::kEspTransport, Level::kNone);
    bob_.SetSystemLevel(Category::kEspTransport, Level::kNone);
  }
}

// RFC 7296 2.23: whoever expects UDP takes bare ESP as well.
TEST_P(NatTest, TakesEspThatCameWithoutUdp) {
  Connect();
  const auto sealed = alice_.Send(Syn());
  ASSERT_EQ(sealed.size(), 1U);
  Octets bare = sealed[0];
  const auto at = bare.begin() + static_cast<std::ptrdiff_t>(header());
  bare.erase(at, at + 8);
  ASSERT_TRUE(RewriteIpHeader(bare, is_v4() ? 9 : 6, 50).ok());
  EXPECT_EQ(bob_.Receive(bare), std::vector<Octets>{Syn()});
}

// DEF-20
// UDP-05, UDP-06, UDP-07.
TEST_P(NatTest, TellsIkeAndKeepalivesFromEsp) {
  Connect();
  bob_.SetSystemLevel(Category::kEspTransport, Level::kNone);
  Octets marked(40, 1);
  marked[0] = marked[1] = marked[2] = marked[3] = 0;
  const Octets ike = From(alice_, bob_).Udp(4500, 4500, marked);
  EXPECT_EQ(bob_.Receive(ike), std::vector<Octets>{ike});
  EXPECT_TRUE(bob_.Receive(From(alice_, bob_).Udp(4500, 4500, {0xff})).empty());
  EXPECT_EQ(bob_.drops(DropReason::kNatKeepalive), 1U);
  EXPECT_TRUE(bob_.audits().empty());
  EXPECT_TRUE(
      bob_.Receive(From(alice_, bob_).Udp(4500, 4500, {1, 2, 3})).empty());
  EXPECT_EQ(bob_.drops(DropReason::kTruncated), 1U);
  // An SPI that nobody has is dropped, not delivered to the port's socket.
  EXPECT_TRUE(
      bob_.Receive(From(alice_, bob_).Udp(4500, 4500, Octets(40, 1))).empty());
  EXPECT_EQ(bob_.drops(DropReason::kNoSaForSpi), 1U);
}

// UDP-08: they come from anybody, and tell nothing of a peer.
TEST_P(NatTest, LearnsNothingFromAKeepalive) {
  Connect();
  const SaUsage before = BobsInbound().usage();
  for (const std::uint16_t port : {std::uint16_t{4500}, std::uint16_t{6001}}) {
    EXPECT_TRUE(
        bob_.Receive(From(alice_, bob_).Udp(port, 4500, {0xff})).empty());
  }
  EXPECT_EQ(bob_.drops(DropReason::kNatKeepalive), 2U);
  EXPECT_EQ(BobsInbound().usage().packets, before.packets);
  EXPECT_EQ(BobsInbound().nat()->seen(), std::nullopt);
  EXPECT_TRUE(bob_.events().empty());
  // A bound in time comes whether they come or not.
  ASSERT_TRUE(bob_.sadb()
                  .Update(BobsInbound().parameters().identity(), {},
                          {.time = std::chrono::seconds(60)}, bob_.now())
                  .ok());
  for (int i = 0; i < 61; ++i) {
    bob_.Advance(std::chrono::seconds(1));
    bob_.Receive(From(alice_, bob_).Udp(4500, 4500, {0xff}));
  }
  EXPECT_EQ(BobsInbound().Age(bob_.now()), SaState::kDead);
}

// DEF-20
TEST_P(NatTest, LeavesPortsAloneAtWhichNoSaExpectsEsp) {
  const Octets datagram = From(alice_, bob_).Udp(4500, 4500, Octets(40, 1));
  EXPECT_EQ(bob_.Receive(datagram), std::vector<Octets>{datagram});
  Connect();
  ASSERT_TRUE(bob_.sadb().Delete(BobsInbound().parameters().identity()).ok());
  bob_.SetSystemLevel(Category::kEspTransport, Level::kNone);
  EXPECT_EQ(bob_.Receive(datagram), std::vector<Octets>{datagram});
}

// DEF-20: UDP at other ports than those of an SA is no ESP, whatever it holds.
TEST_P(NatTest, TakesNothingForEspThatCameToAnotherPort) {
  Connect();
  bob_.SetSystemLevel(Category::kEspTransport, Level::kNone);
  for (const std::uint16_t port :
       std::vector<std::uint16_t>{4499, 4501, 500, 37905}) {  // 4500 swapped
    Octets sealed = alice_.Send(Syn()).at(0);
    const Octets payload(
        sealed.begin() + static_cast<std::ptrdiff_t>(header() + 8),
        sealed.end());
    const Octets datagram = From(alice_, bob_).Udp(4500, port, payload);
    EXPECT_EQ(bob_.Receive(datagram), std::vector<Octets>{datagram}) << port;
  }
  EXPECT_EQ(BobsInbound().usage().packets, 0U);
}

// DEF-20, DEF-29
// UDP-19: by a packet that is authentic and that none has overtaken.
TEST_P(NatTest, FollowsThePortOfThePeerOnceItIsProven) {
  Connect();
  const auto first = alice_.Send(Syn());
  const auto second = alice_.Send(Syn());
  const auto third = alice_.Send(Syn());
  Octets forged = Translated(second[0], 6666);
  forged.back() ^= 1U;
  EXPECT_TRUE(bob_.Receive(forged).empty());
  EXPECT_EQ(bob_.drops(DropReason::kBadIcv), 1U);
  EXPECT_EQ(Moves(), 0U);
  EXPECT_EQ(bob_.Receive(Translated(second[0], 6001)).size(), 1U);
  EXPECT_EQ(Moves(), 1U);
  EXPECT_EQ(BobsInbound().nat()->seen(),
            (UdpOrigin{.address = alice_.address(), .port = 6001}));
  // Told once; and an older packet, from where the peer was before, is no news.
  EXPECT_EQ(bob_.Receive(Translated(first[0], 6002)).size(), 1U);
  EXPECT_EQ(Moves(), 1U);
  ASSERT_TRUE(MovePeer(bob_.sadb(), BobsInbound(), 6001));
  const auto back = bob_.Send(From(bob_, alice_).Tcp(80, 4711, kAck));
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(PortOf(back[0], 2), 6001);
  EXPECT_EQ(bob_.Receive(Translated(third[0], 6001)).size(), 1U);
  EXPECT_EQ(Moves(), 1U);
}

// UDP-16: whoever else is behind the NAT keeps its packets.
TEST_P(NatTest, FollowsNobodyWhoMayBeSomebodyElse) {
  Connect();
  AddSa(bob_, IpsecMode::kTransport, Direction::kInbound, 0x3003,
        alice_.address(), bob_.address(), {4500, 4500});
  EXPECT_FALSE(MovePeer(bob_.sadb(), BobsInbound(), 6001));
  const auto back = bob_.Send(From(bob_, alice_).Tcp(80, 4711, kAck));
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(PortOf(back[0], 2), 4500);
}

// At most once a second, however often its port changes.
TEST_P(NatTest, TellsOfAPeerWhosePortFlapsNowAndThen) {
  Connect();
  for (std::uint16_t port = 6000; port < 6100; ++port) {
    const auto sealed = alice_.Send(Syn());
    ASSERT_EQ(bob_.Receive(Translated(sealed.at(0), port)).size(), 1U);
  }
  EXPECT_EQ(Moves(), 1U);
  bob_.Advance(std::chrono::seconds(1));
  const auto sealed = alice_.Send(Syn());
  ASSERT_EQ(bob_.Receive(Translated(sealed.at(0), 6100)).size(), 1U);
  EXPECT_EQ(Moves(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Families, NatTest,
                         ::testing::Values(Ends{"10.9.1.1", "10.9.2.1"},
                                           Ends{"fd00:9:1::1", "fd00:9:2::1"}));

class NatAddressTest : public NatTest {};

// UDP-12: alice is 10.9.1.1, but bob knows the NAT only, which has 192.0.2.1.
TEST_P(NatAddressTest, MendsTheChecksumsOfTransportModeBehindANat) {
  const IpAddress outside = *IpAddress::Parse("192.0.2.1");
  Connect(IpsecMode::kTransport, outside, 7001);
  const auto sealed = alice_.Send(Syn());
  ASSERT_EQ(sealed.size(), 1U);
  const Octets seen =
      PacketBuilder("192.0.2.1", "10.9.2.1").Tcp(4711, 80, kSyn);
  EXPECT_EQ(bob_.Receive(Translated(Translated(sealed[0], 7001), outside)),
            std::vector<Octets>{seen});
  EXPECT_EQ(Moves(), 0U);
  // Its answer goes to the NAT.
  const auto back = bob_.Send(
      PacketBuilder("10.9.2.1", "192.0.2.1").Tcp(80, 4711, kSyn | kAck));
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(PortOf(back[0], 2), 7001);
}

// A tunnel's inside is not touched: UDP-13.
TEST_P(NatAddressTest, LeavesTheInsideOfATunnelAsItIs) {
  const IpAddress outside = *IpAddress::Parse("192.0.2.1");
  Connect(IpsecMode::kTunnel, outside, 7001);
  // UDP-11: only the route says that this peer may speak for alice's address.
  const auto early = alice_.Send(Syn());
  ASSERT_EQ(early.size(), 1U);
  EXPECT_TRUE(
      bob_.Receive(Translated(Translated(early[0], 7001), outside)).empty());
  Route route;
  route.prefix = IpPrefix(alice_.address(), 32);
  route.levels.Set(Category::kEspNetwork, Level::kRequire);
  route.gateway = outside;
  bob_.SetRoutes({route});
  Octets damaged = Syn();
  damaged[36] ^= 1U;
  const auto sealed = alice_.Send(damaged);
  ASSERT_EQ(sealed.size(), 1U);
  EXPECT_EQ(bob_.Receive(Translated(Translated(sealed[0], 7001), outside)),
            std::vector<Octets>{damaged});
}

INSTANTIATE_TEST_SUITE_P(V4, NatAddressTest,
                         ::testing::Values(Ends{"10.9.1.1", "10.9.2.1"}));

}  // namespace
}  // namespace postern
