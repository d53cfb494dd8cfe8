// SPDX-License-Identifier: Apache-2.0
//
// SAs of two hosts that are not in step, or not alone, and what the SADB and the
// pipelines make of them.

#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/sim/sim_host.h"
#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

struct Ends {
  const char* alice;
  const char* bob;
};

class AssociationsOfTwo : public ::testing::TestWithParam<Ends> {
 protected:
  Octets Datagram(std::uint8_t content = 1) const {
    return PacketBuilder(GetParam().alice, GetParam().bob)
        .Udp(4000, 80, Octets(100, content));
  }

  SaParameters FromAlice(SaParameters sa) const {
    sa.source = alice_.address();
    sa.destination = bob_.address();
    return sa;
  }

  static SecurityAssociation& AddTo(SimHost& host, SaParameters sa,
                                    Direction direction) {
    sa.direction = direction;
    const SaIdentity identity = sa.identity();
    const Status added = host.sadb().Add(std::move(sa), {}, host.now());
    EXPECT_TRUE(added.ok()) << added.error().message;
    return *host.sadb().Get(identity);
  }

  void ExpectDelivered(const Octets& wire, const Octets& clear) {
    EXPECT_EQ(bob_.Receive(wire), std::vector<Octets>{clear});
  }

  SimHost alice_{GetParam().alice};
  SimHost bob_{GetParam().bob};
};

INSTANTIATE_TEST_SUITE_P(Families, AssociationsOfTwo,
                         ::testing::Values(Ends{"10.9.1.1", "10.9.2.1"},
                                           Ends{"fd00::1", "fd00::2"}));

// SPD-22: several SAs for the same packets; whatever the sender takes, the
// receiver does.
TEST_P(AssociationsOfTwo, WithOneSelectorAreEqualToTheReceiver) {
  bob_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  alice_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  std::vector<Octets> wire;
  for (const std::uint32_t spi : {0x1001u, 0x1002u, 0x1003u}) {
    const SaParameters sa = FromAlice(GcmSa(spi));
    AddTo(bob_, sa, Direction::kInbound);
    AddTo(alice_, sa, Direction::kOutbound);
    for (int i = 0; i < 2; ++i) {
      wire.push_back(alice_.Send(Datagram()).at(0));
    }
  }
  // Those of the oldest last, and first of each come in turn.
  for (const std::size_t i : {4u, 2u, 0u, 1u, 5u, 3u}) {
    ExpectDelivered(wire[i], Datagram());
  }
  for (const std::uint32_t spi : {0x1001u, 0x1002u, 0x1003u}) {
    EXPECT_EQ(
        bob_.sadb().Get(FromAlice(GcmSa(spi)).identity())->usage().packets, 2u);
  }
}

// SAD-13: what is lost was counted by one side only.
TEST_P(AssociationsOfTwo, MayCountDifferently) {
  SaParameters sa = FromAlice(GcmSa());
  sa.soft.packets = 3;
  sa.hard.packets = 6;
  const SecurityAssociation& sends = AddTo(alice_, sa, Direction::kOutbound);
  const SecurityAssociation& takes = AddTo(bob_, sa, Direction::kInbound);
  alice_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  bob_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  for (int i = 1; i <= 5; ++i) {
    const Octets wire = alice_.Send(Datagram()).at(0);
    if (i % 2 == 0) {
      ExpectDelivered(wire, Datagram());
    }
  }
  EXPECT_EQ(sends.usage().packets, 5u);
  EXPECT_EQ(sends.state(), SaState::kDying);
  EXPECT_EQ(takes.usage().packets, 2u);
  EXPECT_EQ(takes.state(), SaState::kMature);
  EXPECT_TRUE(bob_.events().empty());
  ExpectDelivered(alice_.Send(Datagram()).at(0), Datagram());
  // One end has none any more, the other waits for what may still be on its way.
  EXPECT_TRUE(alice_.Send(Datagram()).empty());
  EXPECT_FALSE(sends.usable());
  EXPECT_TRUE(takes.usable());
  // The successor counts for itself.
  const SaParameters next = FromAlice(GcmSa(0x1012));
  AddTo(bob_, next, Direction::kInbound);
  AddTo(alice_, next, Direction::kOutbound);
  alice_.ReleaseHeld();
  ExpectDelivered(alice_.Resume().at(0), Datagram());
}

// SAD-19: SPI and destination do not tell an SA. AH and ESP have the same here,
// and then another SA takes the name of the one that a flow had.
TEST_P(AssociationsOfTwo, AreKeptByThemselvesAndNotByTheirSpi) {
  for (const Category category : {Category::kEspTransport, Category::kAh}) {
    alice_.SetSystemLevel(category, Level::kRequire);
    bob_.SetSystemLevel(category, Level::kRequire);
  }
  for (const SaParameters& sa :
       {FromAlice(GcmSa(0x1001)), FromAlice(AhSa(0x1001))}) {
    AddTo(alice_, sa, Direction::kOutbound);
    AddTo(bob_, sa, Direction::kInbound);
  }
  ExpectDelivered(alice_.Send(Datagram()).at(0), Datagram());
  EXPECT_EQ(alice_.count(Count::kEspSealed), 1u);
  EXPECT_EQ(alice_.count(Count::kAhSigned), 1u);

  SaParameters successor = FromAlice(GcmSa(0x1001));
  successor.encryption_key = Key(20, 0x7777);
  for (SimHost* host : {&alice_, &bob_}) {
    ASSERT_TRUE(host->sadb().Delete(successor.identity()).ok());
  }
  AddTo(alice_, successor, Direction::kOutbound);
  SecurityAssociation& takes = AddTo(bob_, successor, Direction::kInbound);
  ExpectDelivered(alice_.Send(Datagram()).at(0), Datagram());
  EXPECT_EQ(takes.usage().packets, 1u);
  EXPECT_EQ(takes.bad_icvs(), 0u);
}

// RPL-04: what is known to be a replay costs no decryption, and tells a forger
// nothing of the ICV.
TEST_P(AssociationsOfTwo, LookForReplaysBeforeTheyOpen) {
  const SaParameters sa = FromAlice(GcmSa());
  AddTo(alice_, sa, Direction::kOutbound);
  SecurityAssociation& takes = AddTo(bob_, sa, Direction::kInbound);
  alice_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  bob_.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  const Octets wire = alice_.Send(Datagram()).at(0);
  ExpectDelivered(wire, Datagram());
  Octets forged = wire;
  forged.back() ^= 1;
  EXPECT_TRUE(bob_.Receive(forged).empty());
  EXPECT_EQ(bob_.drops(DropReason::kReplayDuplicate), 1u);
  EXPECT_EQ(bob_.drops(DropReason::kBadIcv), 0u);
  EXPECT_EQ(takes.bad_icvs(), 0u);
}

// IN-08: a host that forwards what came out of an SA sends it by its own policy.
TEST_P(AssociationsOfTwo, DoNotCarryPastThePolicyOfWhoForwards) {
  const bool v4 = alice_.address().family() == IpFamily::kV4;
  const char* const third = v4 ? "10.9.3.1" : "fd00::3";
  SaParameters sa = FromAlice(GcmSa());
  sa.mode = IpsecMode::kTunnel;
  AddTo(alice_, sa, Direction::kOutbound);
  AddTo(bob_, sa, Direction::kInbound);
  Route through;
  through.prefix = IpPrefix::Parse(third).value();
  through.levels.Set(Category::kEspNetwork, Level::kRequire);
  through.gateway = bob_.address();
  alice_.SetRoutes({through});
  const Octets clear =
      PacketBuilder(GetParam().alice, third).Udp(4000, 80, {1});
  ExpectDelivered(alice_.Send(clear).at(0), clear);

  // Its kernel sends it on.
  EXPECT_EQ(bob_.Send(clear), std::vector<Octets>{clear});
  Route discards;
  discards.prefix = through.prefix;
  discards.verdict = Route::Verdict::kDiscard;
  bob_.SetRoutes({discards});
  EXPECT_TRUE(bob_.Send(clear).empty());
  EXPECT_EQ(bob_.drops(DropReason::kDiscardRoute), 1u);
}

}  // namespace
}  // namespace postern
