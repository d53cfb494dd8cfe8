// SPDX-License-Identifier: Apache-2.0
//
// What does not go through, and under which name. In each case nothing leaves
// and nothing is delivered.

#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

#include "tests/sim/sim_host.h"

namespace postern {
namespace {

class TwoHosts : public testing::Test {
 protected:
  Octets Datagram(std::size_t size = 40) const {
    return PacketBuilder("10.9.1.1", "10.9.2.1").Udp(1000, 2000, Octets(size));
  }

  void Require(Category category) {
    AddSaPair(alice_, bob_, category);
    alice_.SetSystemLevel(category, Level::kRequire);
    bob_.SetSystemLevel(category, Level::kRequire);
  }

  void ExpectSendDrop(const Octets& packet, DropReason reason) {
    const std::uint64_t before = alice_.drops(reason);
    EXPECT_TRUE(alice_.Send(packet).empty()) << NameOf(reason);
    EXPECT_EQ(alice_.drops(reason), before + 1) << NameOf(reason);
  }

  void ExpectReceiveDrop(const Octets& packet, DropReason reason) {
    const std::uint64_t before = bob_.drops(reason);
    EXPECT_TRUE(bob_.Receive(packet).empty()) << NameOf(reason);
    EXPECT_EQ(bob_.drops(reason), before + 1) << NameOf(reason);
  }

  // Nothing leaves before its time, nor in clear when that is over.
  void ExpectNeverSent(const Octets& packet) {
    const std::uint64_t before = alice_.drops(DropReason::kNoSa);
    EXPECT_TRUE(alice_.Send(packet).empty());
    alice_.Advance(HeldPackets::Limits().time);
    EXPECT_TRUE(alice_.Resume().empty());
    EXPECT_EQ(alice_.drops(DropReason::kNoSa), before + 1);
  }

  SimHost alice_{"10.9.1.1"};
  SimHost bob_{"10.9.2.1"};
};

// DEF-23
// API-17 API-44
TEST_F(TwoHosts, WithoutAnSaNothingLeaves) {
  for (const Level level : {Level::kUse, Level::kRequire, Level::kUnique}) {
    alice_.SetSystemLevel(Category::kAh, level);
    ExpectNeverSent(Datagram());
  }
}

TEST_F(TwoHosts, ADeletedSaProtectsNothingAnyMore) {
  Require(Category::kAh);
  EXPECT_EQ(alice_.Send(Datagram()).size(), 1u);
  alice_.sadb().Flush();
  ExpectNeverSent(Datagram());
}

// API-11
TEST_F(TwoHosts, AvailUsesAnSaWhileThereIsOne) {
  alice_.SetSystemLevel(Category::kAh, Level::kAvail);
  EXPECT_EQ(alice_.Send(Datagram()).at(0), Datagram());
  AddSaPair(alice_, bob_, Category::kAh);
  EXPECT_NE(alice_.Send(Datagram()).at(0), Datagram());
  alice_.sadb().Flush();
  EXPECT_EQ(alice_.Send(Datagram()).at(0), Datagram());
}

TEST_F(TwoHosts, MalformedPacketsAreDroppedByName) {
  Octets packet = Datagram();
  packet[0] = 0x55;
  ExpectSendDrop(packet, DropReason::kBadIpVersion);
  ExpectReceiveDrop(packet, DropReason::kBadIpVersion);
  packet = Datagram();
  packet.resize(15);
  ExpectSendDrop(packet, DropReason::kTruncated);
  ExpectReceiveDrop(packet, DropReason::kTruncated);
}

TEST_F(TwoHosts, ADiscardRouteStopsBothDirections) {
  Route discard;
  discard.prefix = IpPrefix::Parse("10.9.0.0/16").value();
  discard.verdict = Route::Verdict::kDiscard;
  alice_.SetRoutes({discard});
  bob_.SetRoutes({discard});
  ExpectSendDrop(Datagram(), DropReason::kDiscardRoute);
  ExpectReceiveDrop(Datagram(), DropReason::kDiscardRoute);
}

// FRAG-18
TEST_F(TwoHosts, APacketTooBigForTheWireThatMayNotBeCutIsDropped) {
  Require(Category::kEspNetwork);
  for (const std::size_t size : {1450u, 1473u}) {
    ExpectSendDrop(PacketBuilder("10.9.1.1", "10.9.2.1")
                       .DontFragment()
                       .Udp(1000, 2000, Octets(size)),
                   DropReason::kTooBig);
  }
  EXPECT_EQ(alice_.TakeTold().size(), 2u);
}

// OUT-13 FRAG-21
TEST_F(TwoHosts, AFragmentIsNeverProtectedInTransportMode) {
  Require(Category::kEspTransport);
  const Octets fragment = PacketBuilder("10.9.1.1", "10.9.2.1")
                              .MoreFragments()
                              .Udp(1000, 2000, Octets(40));
  EXPECT_TRUE(alice_.Send(fragment).empty());
  alice_.Advance(std::chrono::seconds(30));
  EXPECT_TRUE(alice_.Resume().empty());
  EXPECT_EQ(alice_.drops(DropReason::kReassemblyTimeout), 1u);
}

// As long as anybody may have a say.
TEST_F(TwoHosts, WhenTheKernelCannotBeAskedNothingPasses) {
  bob_.SetLevel(SocketCookie{5}, Category::kAh, Level::kAvail);
  alice_.kernel().Fail();
  bob_.kernel().Fail();
  ExpectSendDrop(Datagram(), DropReason::kOwnerUnknown);
  ExpectReceiveDrop(Datagram(), DropReason::kOwnerUnknown);
}

TEST_F(TwoHosts, ADamagedIpv4HeaderIsRefused) {
  Octets packet = Datagram();
  packet[8] ^= 1;  // the hop limit, and not the checksum
  ExpectReceiveDrop(packet, DropReason::kBadIpHeader);
}

// Inside of a tunnel it is its sender's, and as much a stranger's.
TEST_F(TwoHosts, ADamagedIpv4HeaderInATunnelIsRefused) {
  Require(Category::kEspNetwork);
  Octets packet = Datagram();
  packet[8] ^= 1;
  const std::vector<Octets> sealed = alice_.Send(packet);
  ASSERT_EQ(sealed.size(), 1u);
  ExpectReceiveDrop(sealed[0], DropReason::kBadIpHeader);
}

// Of one batch: in clear, protected, forged, replayed, protected.
TEST_F(TwoHosts, ABatchIsCountedPacketByPacket) {
  AddSaPair(alice_, bob_, Category::kEspTransport);
  alice_.SetSystemLevel(Category::kEspTransport, Level::kUse);
  const auto sealed =
      alice_.SendAll({Datagram(40), Datagram(50), Datagram(60)});
  ASSERT_EQ(sealed.size(), 3u);
  Octets forged = sealed[1];
  forged.back() ^= 1;
  const auto passed =
      bob_.ReceiveAll({Datagram(), sealed[0], forged, sealed[0], sealed[2]});
  EXPECT_EQ(passed,
            (std::vector<Octets>{Datagram(), Datagram(40), Datagram(60)}));
  EXPECT_EQ(bob_.count(Count::kInboundPackets), 5u);
  EXPECT_EQ(bob_.count(Count::kInboundClear), 1u);
  EXPECT_EQ(bob_.count(Count::kInboundProtected), 2u);
  EXPECT_EQ(bob_.count(Count::kEspOpened), 2u);
  EXPECT_EQ(bob_.count(Count::kInboundOctets), 3u * 28 + 40 + 40 + 60);
  EXPECT_EQ(bob_.drops(DropReason::kBadIcv), 1u);
  EXPECT_EQ(bob_.drops(DropReason::kReplayDuplicate), 1u);
}

// The sender of a datagram closed its socket before we could ask for it.
TEST_F(TwoHosts, ADatagramThatOutlivedItsSocketIsNotSentInClear) {
  EXPECT_EQ(alice_.Send(Datagram()).size(), 1u);
  alice_.SetLevel(SocketCookie{5}, Category::kAh, Level::kRequire);
  ExpectNeverSent(Datagram());
}

// ICMP-08
// RFC 792: the error quotes what had come protected. Nobody's level binds it, and
// no SA is asked for.
TEST_F(TwoHosts, AnErrorDoesNotTellInClearWhatCameProtected) {
  constexpr SocketCookie kAlices{3};
  AddSa(alice_, bob_, Category::kEspTransport);
  alice_.kernel().Connect({alice_.address(), bob_.address(), 1000, 2000, 17},
                          kAlices);
  alice_.SetLevel(kAlices, Category::kEspTransport, Level::kRequire);
  const Octets arrived = bob_.Receive(alice_.Send(Datagram()).at(0)).at(0);
  Octets payload = {3, 3, 0, 0, 0, 0, 0, 0};
  payload.insert(payload.end(), arrived.begin(), arrived.end());
  const Octets error = PacketBuilder("10.9.2.1", "10.9.1.1").Raw(1, payload);
  EXPECT_TRUE(bob_.Send(error).empty());
  EXPECT_EQ(bob_.drops(DropReason::kErrorWithoutSa), 1u);
  EXPECT_EQ(bob_.count(Count::kAcquires), 0u);
  EXPECT_EQ(bob_.outbound().held(), 0u);
  ASSERT_EQ(bob_.audits().size(), 1u);
  EXPECT_EQ(bob_.audits()[0].reason, DropReason::kErrorWithoutSa);
  AddSa(bob_, alice_, Category::kEspTransport);
  const std::vector<Octets> sent = bob_.Send(error);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(IpView::Parse(sent[0]).value().protocol(), 50);
  EXPECT_EQ(alice_.Receive(sent[0]).at(0), error);
  // What came in clear may be told in clear, and for ever it is not kept.
  bob_.Advance(UnownedArrivals::kMemory);
  EXPECT_EQ(bob_.Send(error).at(0), error);
}

// What has no ports, a TCP segment, and a packet behind a routing header, which
// hides whose it was: kernels tell of all of them (RFC 792, RFC 4443 3.4).
TEST_F(TwoHosts, NoErrorTellsInClearOfWhatHadNoSocket) {
  AddSa(alice_, bob_, Category::kEspTransport);
  alice_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  const auto error_about = [](const Octets& arrived) {
    Octets payload = {3, 2, 0, 0, 0, 0, 0, 0};
    payload.insert(payload.end(), arrived.begin(), arrived.end());
    return PacketBuilder("10.9.2.1", "10.9.1.1").Raw(1, payload);
  };
  PacketBuilder to_bob("10.9.1.1", "10.9.2.1");
  const Octets unclear = error_about({0x45, 0, 0, 0});
  EXPECT_EQ(bob_.Send(unclear).size(), 1u);  // nothing came yet
  std::uint64_t refused = 0;
  for (const Octets& sent :
       {to_bob.Raw(200, Octets(40, 7)), to_bob.Tcp(1000, 2000, 2, {})}) {
    const Octets error = error_about(sent);
    EXPECT_EQ(bob_.Send(error).size(), 1u);  // that did not come
    EXPECT_EQ(bob_.Receive(alice_.Send(sent).at(0)).size(), 1u);
    EXPECT_TRUE(bob_.Send(error).empty());
    EXPECT_EQ(bob_.drops(DropReason::kErrorWithoutSa), ++refused);
  }
  EXPECT_TRUE(bob_.Send(unclear).empty());
  EXPECT_EQ(bob_.drops(DropReason::kUnclearError), 1u);
}

// DEF-20, DEF-23
// IN-03, ESP-31
TEST_F(TwoHosts, SpisThatNobodyHasAreRefused) {
  Require(Category::kEspTransport);
  Octets packet = alice_.Send(Datagram()).at(0);
  packet[20 + 3] ^= 1;
  ExpectReceiveDrop(packet, DropReason::kNoSaForSpi);
  for (std::size_t i = 20; i < 24; ++i) {
    packet[i] = 0;
  }
  ExpectReceiveDrop(packet, DropReason::kSpiReserved);  // SAD-06
}

// RPL-05 DEF-12
TEST_F(TwoHosts, AReplayedPacketIsDeliveredOnce) {
  for (const Category category : {Category::kAh, Category::kEspTransport}) {
    Require(category);
    const Octets packet = alice_.Send(Datagram()).at(0);
    EXPECT_EQ(bob_.Receive(packet).size(), 1u);
    ExpectReceiveDrop(packet, DropReason::kReplayDuplicate);
  }
}

// DEF-07: twice in one batch.
TEST_F(TwoHosts, OfTwinsInOneBatchOneIsDelivered) {
  Require(Category::kEspTransport);
  const Octets packet = alice_.Send(Datagram()).at(0);
  EXPECT_EQ(bob_.ReceiveAll({packet, packet, packet}).size(), 1u);
  EXPECT_EQ(bob_.drops(DropReason::kReplayDuplicate), 2u);
}

// AH-42
// RPL-06 IN-11 DEF-25, DEF-29: every single bit flipped, for each category.
// A forged packet is not delivered, and moves neither window nor lifetime.
TEST_F(TwoHosts, AForgedPacketMovesNothing) {
  for (const Category category : kCategories) {
    SimHost alice("10.9.1.1");
    SimHost bob("10.9.2.1");
    AddSaPair(alice, bob, category);
    alice.SetSystemLevel(category, Level::kRequire);
    bob.SetSystemLevel(category, Level::kRequire);
    const Octets packet = alice.Send(Datagram()).at(0);
    const SaParameters sa = SaFor(alice.address(), bob.address(), category);
    for (std::size_t bit = 20 * 8; bit < packet.size() * 8; ++bit) {
      Octets forged = packet;
      forged[bit / 8] =
          static_cast<std::uint8_t>(forged[bit / 8] ^ (1u << (bit % 8)));
      EXPECT_TRUE(bob.Receive(forged).empty()) << bit;
    }
    SecurityAssociation* inbound = bob.sadb().Get(sa.identity());
    ASSERT_NE(inbound, nullptr);
    EXPECT_EQ(inbound->sequence(), 0u);
    EXPECT_EQ(inbound->usage().packets, 0u);
    EXPECT_GT(inbound->bad_icvs(), 0u);
    EXPECT_EQ(bob.Receive(packet).size(), 1u);
    EXPECT_EQ(inbound->usage().packets, 1u);
  }
}

// PFK-60, IN-05: who holds an SA speaks for himself only.
TEST_F(TwoHosts, AnAuthenticPeerCannotSpeakForAnother) {
  Require(Category::kEspNetwork);
  Octets spoofed =
      PacketBuilder("10.9.3.3", "10.9.2.1").Udp(1000, 2000, Octets(40));
  // Tunnel it as alice would tunnel a packet of hers.
  SaParameters sa =
      SaFor(alice_.address(), bob_.address(), Category::kEspNetwork);
  sa.direction = Direction::kOutbound;
  esp::Sealer sealer = esp::Sealer::Create(sa.ForEsp()).value();
  PacketPool pool(PacketPool::Shape{});
  Packet packet = pool.Copy(spoofed);
  ASSERT_TRUE(sealer.Seal(packet, 1).ok());
  const ConstBytes octets = std::as_const(packet).bytes();
  const Octets wire(octets.begin(), octets.end());
  packet.Release();
  ExpectReceiveDrop(wire, DropReason::kSelectorMismatch);
}

// SAD-14: the hard bound ends an SA in both directions.
TEST_F(TwoHosts, AnExpiredSaCarriesNothing) {
  SaParameters sa = SaFor(alice_.address(), bob_.address(), Category::kAh);
  sa.hard.packets = 3;
  sa.soft.packets = 2;
  sa.direction = Direction::kOutbound;
  ASSERT_TRUE(alice_.sadb().Add(sa, {}, alice_.now()).ok());
  alice_.SetSystemLevel(Category::kAh, Level::kRequire);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(alice_.Send(Datagram()).size(), 1u) << i;
  }
  EXPECT_TRUE(alice_.Send(Datagram()).empty());
  ASSERT_GE(alice_.events().size(), 2u);
  EXPECT_EQ(alice_.events()[0].kind, SaEvent::Kind::kSoftExpired);
  EXPECT_EQ(alice_.events()[1].kind, SaEvent::Kind::kHardExpired);
}

// ESP-04 DEF-19
TEST_F(TwoHosts, SequenceNumbersNeverCycle) {
  SaParameters sa = SaFor(alice_.address(), bob_.address(), Category::kAh);
  sa.direction = Direction::kOutbound;
  ASSERT_TRUE(alice_.sadb()
                  .Add(sa,
                       {.last_used = 0xfffffffe, .reserved = ~std::uint64_t{0}},
                       alice_.now())
                  .ok());
  alice_.SetSystemLevel(Category::kAh, Level::kRequire);
  EXPECT_EQ(alice_.Send(Datagram()).size(), 1u);
  ExpectSendDrop(Datagram(), DropReason::kSequenceExhausted);
}

TEST_F(TwoHosts, NumbersNotYetReservedAreNotUsed) {
  SaParameters sa = SaFor(alice_.address(), bob_.address(), Category::kAh);
  sa.direction = Direction::kOutbound;
  ASSERT_TRUE(alice_.sadb()
                  .Add(sa, {.last_used = 0, .reserved = 2}, alice_.now())
                  .ok());
  alice_.SetSystemLevel(Category::kAh, Level::kRequire);
  EXPECT_EQ(alice_.Send(Datagram()).size(), 1u);
  EXPECT_EQ(alice_.Send(Datagram()).size(), 1u);
  ExpectSendDrop(Datagram(), DropReason::kSequenceNotReserved);
  alice_.sadb().Get(sa.identity())->Reserve(10);
  EXPECT_EQ(alice_.Send(Datagram()).size(), 1u);
}

// Noise of every length, from both sides: never out, never lost (DEF-15).
TEST_F(TwoHosts, NoiseNeverPasses) {
  for (const Category category : kCategories) {
    Require(category);
  }
  std::mt19937 dice(7);
  for (std::size_t size = 1; size < 300; ++size) {
    for (const unsigned first : {0x45u, 0x60u, 0x46u, 0x00u}) {
      Octets noise(size);
      for (std::uint8_t& octet : noise) {
        octet = static_cast<std::uint8_t>(dice());
      }
      noise[0] = static_cast<std::uint8_t>(first);
      EXPECT_TRUE(bob_.Receive(noise).empty());
    }
  }
}

}  // namespace
}  // namespace postern
