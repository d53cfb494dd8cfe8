// SPDX-License-Identifier: Apache-2.0
//
// What a host says on its Ethernet, as scapy says it, at times that the test
// gives.

#include "wire/ethernet_link.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/packet_builder.h"
#include "tests/unit/wire/ethernet_frames.h"

namespace postern {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Frames = std::vector<Octets>;

constexpr Instant kStart{seconds(1000)};

EthernetLink::Options HostOptions() {
  return {.mac = kHost,
          .addresses = {{Ip("192.0.2.9"), 24}, {Ip("2001:db8::9"), 64}},
          .gateways = {Ip("192.0.2.1"), Ip("2001:db8::1")},
          .neighbours = {}};
}

class EthernetLinkTest : public testing::Test {
 protected:
  void Make(EthernetLink::Options options) {
    link_ = std::make_unique<EthernetLink>(std::move(options));
  }

  // The announcements are over.
  void Settle() {
    Tick(kStart - seconds(4));
    Tick(kStart - seconds(2));
    ASSERT_EQ(link_->NextDue(), kReport);
  }

  // When a link that was settled tells again what it listens to.
  static constexpr Instant kReport = kStart - seconds(2) + seconds(60);

  EthernetLink::Sink Sink() {
    return [this](const EthernetLink::Frames& frames) {
      said_.insert(said_.end(), frames.begin(), frames.end());
    };
  }

  Frames Said() { return std::exchange(said_, {}); }

  Frames Tick(Instant now) {
    said_.clear();
    link_->Tick(now, stats_, Sink());
    return Said();
  }

  // What the link says to a frame of scapy's, after that it has nothing against
  // it.
  Frames Hears(const char* frame, Instant now = kStart) {
    said_.clear();
    const Octets octets = Hex(frame);
    const Octets inside = Inside(frame);
    const bool arp = octets[12] == 0x08;
    EXPECT_TRUE((arp ? link_->HearArp(inside, now, stats_, Sink())
                     : link_->HearNeighbour(inside,
                                            MacAddress::FromOctets(
                                                ConstBytes(octets).subspan(6)),
                                            now, stats_, Sink()))
                    .ok());
    return Said();
  }

  std::optional<Neighbours::Way> Way(const std::string& neighbour,
                                     const Octets& packet = Octets(20, 0x45),
                                     Instant now = kStart) {
    said_.clear();
    return link_->FindWay(Ip(neighbour), packet, now, stats_, Sink());
  }

  void ExpectDirect(const std::string& destination) {
    const auto hop = link_->Towards(Ip(destination));
    ASSERT_TRUE(hop.ok()) << destination;
    EXPECT_EQ(hop->neighbour, Ip(destination));
    EXPECT_FALSE(hop->group) << destination;
  }

  void ExpectVia(const std::string& destination, const std::string& gateway) {
    const auto hop = link_->Towards(Ip(destination));
    ASSERT_TRUE(hop.ok()) << destination;
    EXPECT_EQ(hop->neighbour, Ip(gateway)) << destination;
    EXPECT_FALSE(hop->group);
  }

  void ExpectGroup(const std::string& destination, const std::string& mac) {
    const auto hop = link_->Towards(Ip(destination));
    ASSERT_TRUE(hop.ok()) << destination;
    EXPECT_EQ(hop->group, Mac(mac)) << destination;
  }

  void ExpectNoGateway(const std::string& destination) {
    const auto hop = link_->Towards(Ip(destination));
    ASSERT_FALSE(hop.ok()) << destination;
    EXPECT_EQ(hop.error(), DropReason::kNoGateway);
  }

  std::unique_ptr<EthernetLink> link_ =
      std::make_unique<EthernetLink>(HostOptions());
  WorkerStats stats_;
  Frames said_;
};

TEST_F(EthernetLinkTest, ItsPrefixIsReachedDirectlyAndTheRestByTheGateway) {
  ExpectDirect("192.0.2.7");
  ExpectDirect("192.0.2.1");
  ExpectDirect("2001:db8::7");
  ExpectDirect("2001:db8::ffff:ffff:ffff:ffff");  // IPv6 has no broadcast
  ExpectVia("198.51.100.7", "192.0.2.1");
  ExpectVia("192.0.3.255", "192.0.2.1");
  ExpectVia("2001:db8:0:1::7", "2001:db8::1");
}

TEST_F(EthernetLinkTest, GroupsAndAllAreReachedWithoutANeighbour) {
  ExpectGroup("224.0.0.251", "01:00:5e:00:00:fb");
  ExpectGroup("ff02::1:2", "33:33:00:01:00:02");
  ExpectGroup("255.255.255.255", "ff:ff:ff:ff:ff:ff");
  ExpectGroup("192.0.2.255", "ff:ff:ff:ff:ff:ff");
}

// RFC 3927 2.6.2, RFC 4861 5.2
TEST_F(EthernetLinkTest, LinkLocalAddressesAreOnTheLink) {
  ExpectDirect("169.254.1.1");
  ExpectDirect("fe80::7");
}

TEST_F(EthernetLinkTest, WithoutAGatewayTheRestIsOutOfReach) {
  Make({.mac = kHost,
        .addresses = {{Ip("192.0.2.9"), 24}},
        .gateways = {Ip("2001:db8::1")},
        .neighbours = {}});
  ExpectDirect("192.0.2.7");
  ExpectNoGateway("198.51.100.7");
  ExpectNoGateway("2001:db8::7");  // nobody to ask in the name of
  ExpectNoGateway("fe80::7");
}

// RFC 3021 2.1; an address alone has no prefix that somebody else is in.
TEST_F(EthernetLinkTest, TwoOfAPrefixOf31BitsAreNoBroadcast) {
  Make({.mac = kHost,
        .addresses = {{Ip("192.0.2.8"), 31}, {Ip("198.51.100.1"), 32}},
        .gateways = {Ip("203.0.113.1")},
        .neighbours = {}});
  ExpectDirect("192.0.2.9");
  ExpectVia("192.0.2.10", "203.0.113.1");
  ExpectVia("198.51.100.2", "203.0.113.1");
}

TEST_F(EthernetLinkTest, AsksUnderTheAddressOfTheNeighboursPrefix) {
  Make({.mac = kHost,
        .addresses = {{Ip("10.0.0.9"), 8}, {Ip("192.0.2.9"), 24}},
        .gateways = {Ip("203.0.113.1")},
        .neighbours = {}});
  Way("192.0.2.7");
  EXPECT_EQ(Said(), Frames{Hex(frames::kArpQuestion)});
  Way("203.0.113.1");  // of neither prefix
  const auto asked = ArpMessage::Parse(ConstBytes(said_.at(0)).subspan(14));
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ(asked->sender, Ip("10.0.0.9"));
}

TEST_F(EthernetLinkTest, AsksAsScapyDoes) {
  EXPECT_FALSE(Way("192.0.2.7"));
  EXPECT_EQ(Said(), Frames{Hex(frames::kArpQuestion)});
  EXPECT_FALSE(Way("2001:db8::7"));
  EXPECT_EQ(Said(), Frames{Hex(frames::kSolicitation)});
  EXPECT_FALSE(Way("2001:db8::7"));
  EXPECT_EQ(Said(), Frames());
  EXPECT_EQ(stats_.of(Count::kNeighbourQuestions), 2U);
}

TEST_F(EthernetLinkTest, ReleasesWhatWasHeldInFrames) {
  const Octets v4 = PacketBuilder("192.0.2.9", "192.0.2.7").Udp(1, 2, {3});
  const Octets v6 = PacketBuilder("2001:db8::9", "2001:db8::7").Udp(1, 2, {3});
  Way("192.0.2.7", v4);
  Way("2001:db8::7", v6);
  EXPECT_EQ(Hears(frames::kArpAnswer), Frames{Framed(kNeighbour, kHost, v4)});
  EXPECT_EQ(Hears(frames::kAdvertisement),
            Frames{Framed(kNeighbour, kHost, v6)});
  const auto way = Way("192.0.2.7");
  ASSERT_TRUE(way);
  EXPECT_EQ(way->mac, kNeighbour);
  EXPECT_EQ(way->until, kStart + seconds(30));
  EXPECT_EQ(link_->generation(), 0U);
}

TEST_F(EthernetLinkTest, AsksHimAloneWhenHeWasKnown) {
  Way("192.0.2.7");
  Way("2001:db8::7");
  Hears(frames::kArpAnswer);
  Hears(frames::kAdvertisement);
  EXPECT_TRUE(Way("192.0.2.7", Octets(20, 0x45), kStart + seconds(30)));
  EXPECT_EQ(Said(), Frames{Hex(frames::kArpQuestionToOne)});
  EXPECT_TRUE(Way("2001:db8::7", Octets(40, 0x60), kStart + seconds(30)));
  EXPECT_EQ(Said(), Frames{Hex(frames::kSolicitationToOne)});
  Hears(frames::kAdvertisementBare, kStart + seconds(31));
  const auto way = Way("2001:db8::7", Octets(40, 0x60), kStart + seconds(32));
  ASSERT_TRUE(way);
  EXPECT_EQ(way->until, kStart + seconds(61));
}

// RFC 4861 7.2.5: who did not answer us is used, but asked.
TEST_F(EthernetLinkTest, LearnsWhatIsToldToAllOfWhoWasAskedFor) {
  Hears(frames::kAdvertisementToAll);
  Hears(frames::kArpAsksHost);
  EXPECT_FALSE(Way("2001:db8::7"));
  EXPECT_FALSE(Way("192.0.2.7"));
  Hears(frames::kAdvertisementToAll);
  EXPECT_TRUE(Way("2001:db8::7"));
  EXPECT_EQ(Said(), Frames{Hex(frames::kSolicitationToOne)});
  // His own question tells as much (RFC 826, "Packet Reception").
  Hears(frames::kArpAsksHost);
  EXPECT_TRUE(Way("192.0.2.7"));
  EXPECT_EQ(Said(), Frames{Hex(frames::kArpQuestionToOne)});
}

TEST_F(EthernetLinkTest, ANewAddressEndsTheOldWays) {
  Way("192.0.2.7");
  Hears(frames::kArpAnswer);
  std::string moved = frames::kArpAnswer;
  moved.replace(moved.rfind("02005e100007"), 12, "02005e100077");
  Hears(moved.c_str());
  EXPECT_EQ(link_->generation(), 1U);
  EXPECT_EQ(Way("192.0.2.7")->mac, kMoved);
}

// RFC 826
TEST_F(EthernetLinkTest, AnswersWhoAsksForItByArp) {
  EXPECT_EQ(Hears(frames::kArpAsksHost), Frames{Hex(frames::kArpHostAnswers)});
  EXPECT_EQ(stats_.of(Count::kNeighbourAnswers), 1U);
  EXPECT_EQ(Hears(frames::kArpQuestion), Frames());  // for somebody else
  EXPECT_EQ(Hears(frames::kArpAnswer), Frames());
  EXPECT_EQ(stats_.of(Count::kNeighbourAnswers), 1U);
}

// RFC 5227 1.1: a probe is answered, so that he takes another address.
TEST_F(EthernetLinkTest, AnswersAProbe) {
  EXPECT_EQ(Hears(frames::kArpProbe),
            Frames{Hex(frames::kArpHostAnswersProbe)});
  EXPECT_EQ(stats_.of(Count::kAddressConflicts), 0U);
}

// RFC 4861 7.2.4
TEST_F(EthernetLinkTest, AnswersSolicitations) {
  EXPECT_EQ(Hears(frames::kSolicitsHost), Frames{Hex(frames::kHostAdvertises)});
  EXPECT_EQ(Hears(frames::kSolicitsHostBare),
            Frames{Hex(frames::kHostAdvertises)});
  EXPECT_EQ(Hears(frames::kSeeksDuplicate),
            Frames{Hex(frames::kHostAdvertisesToAll)});
  EXPECT_EQ(stats_.of(Count::kNeighbourAnswers), 3U);
  EXPECT_EQ(Hears(frames::kAdvertisement), Frames());
  EXPECT_EQ(stats_.of(Count::kNeighbourAnswers), 3U);
}

TEST_F(EthernetLinkTest, RefusesBadMessages) {
  Octets arp = Inside(frames::kArpAsksHost);
  arp[7] = 9;
  const Passage heard = link_->HearArp(arp, kStart, stats_, Sink());
  ASSERT_FALSE(heard.ok());
  EXPECT_EQ(heard.error(), DropReason::kBadNeighbourMessage);
  Octets solicitation = Inside(frames::kSolicitsHost);
  solicitation[7] = 64;
  const Passage too =
      link_->HearNeighbour(solicitation, kNeighbour, kStart, stats_, Sink());
  ASSERT_FALSE(too.ok());
  EXPECT_EQ(too.error(), DropReason::kBadNeighbourMessage);
  EXPECT_EQ(Said(), Frames());
}

// RFC 5227 2.3 (ANNOUNCE_NUM 2, ANNOUNCE_INTERVAL 2 s), RFC 4861 7.2.6.
TEST_F(EthernetLinkTest, AnnouncesItselfTwiceTwoSecondsApart) {
  const Frames all = {Hex(frames::kArpAnnouncement),
                      Hex(frames::kHostAdvertisesToAll),
                      Hex(frames::kListenerReport)};
  ASSERT_TRUE(link_->NextDue());
  EXPECT_LE(*link_->NextDue(), kStart);  // at once
  EXPECT_EQ(Tick(kStart), all);
  EXPECT_EQ(link_->NextDue(), kStart + seconds(2));
  EXPECT_EQ(Tick(kStart + milliseconds(1999)), Frames());
  EXPECT_EQ(Tick(kStart + seconds(2)), all);
  EXPECT_EQ(link_->NextDue(), kStart + seconds(62));
  EXPECT_EQ(Tick(kStart + seconds(4)), Frames());
  EXPECT_EQ(stats_.of(Count::kNeighbourAnswers), 0U);
  link_->AnnounceAgain();
  EXPECT_LE(*link_->NextDue(), kStart);
  EXPECT_EQ(Tick(kStart + seconds(30)), all);
  EXPECT_EQ(Tick(kStart + seconds(32)), all);
}

// RFC 3810, RFC 3590: each minute, so that no switch forgets.
TEST_F(EthernetLinkTest, TellsSwitchesWhatItListensTo) {
  Settle();
  EXPECT_EQ(Tick(kReport - milliseconds(1)), Frames());
  EXPECT_EQ(Tick(kReport), Frames{Hex(frames::kListenerReport)});
  EXPECT_EQ(link_->NextDue(), kReport + seconds(60));
}

TEST_F(EthernetLinkTest, HasNothingToTellSwitchesWithoutIpv6) {
  EthernetLink::Options options = HostOptions();
  options.addresses.pop_back();
  Make(options);
  EXPECT_EQ(Tick(kStart), Frames{Hex(frames::kArpAnnouncement)});
  EXPECT_EQ(Tick(kStart + seconds(2)), Frames{Hex(frames::kArpAnnouncement)});
  EXPECT_EQ(link_->NextDue(), std::nullopt);
}

// RFC 6583 7: who makes the host ask for many does not make it ask without end.
TEST_F(EthernetLinkTest, AsksForNewcomersAtABoundedRate) {
  Settle();
  const auto ask = [this](int number, Instant now) {
    return Way("192.0.2." + std::to_string(number), Octets(20, 0x45), now);
  };
  for (int i = 100; i < 170; ++i) {
    ask(i, kStart);
  }
  EXPECT_EQ(stats_.of(Count::kNeighbourQuestions), 64U);
  EXPECT_EQ(stats_.of(DropReason::kNeighbourLimited), 6U);
  EXPECT_EQ(stats_.of(DropReason::kNoNeighbour), 0U);
  ask(200, kStart + milliseconds(5));
  ask(201, kStart + milliseconds(5));
  EXPECT_EQ(stats_.of(Count::kNeighbourQuestions), 65U);
  EXPECT_EQ(stats_.of(DropReason::kNeighbourLimited), 7U);
}

// RFC 6583 7: who is needed for all the others does not wait behind them.
TEST_F(EthernetLinkTest, AsksForAGatewayHoweverManyNewcomersThereAre) {
  Settle();
  for (int i = 100; i < 170; ++i) {
    Way("192.0.2." + std::to_string(i));
  }
  Said();
  Way("192.0.2.1");
  EXPECT_EQ(Said().size(), 1U);
  EXPECT_EQ(stats_.of(DropReason::kNeighbourLimited), 6U);
}

// Its answer would go to all.
TEST_F(EthernetLinkTest, DoesNotAnswerAGroup) {
  const Passage heard =
      link_->HearNeighbour(Inside(frames::kSolicitsHost),
                           MacAddress::Broadcast(), kStart, stats_, Sink());
  ASSERT_FALSE(heard.ok());
  EXPECT_EQ(heard.error(), DropReason::kBadNeighbourMessage);
  EXPECT_EQ(Said(), Frames());
}

TEST_F(EthernetLinkTest, AsksAgainAndDropsWhatNobodyAnsweredFor) {
  Settle();
  Way("192.0.2.7");
  Way("192.0.2.7");
  EXPECT_EQ(link_->NextDue(), kStart + seconds(1));
  EXPECT_EQ(Tick(kStart + seconds(1)), Frames{Hex(frames::kArpQuestion)});
  EXPECT_EQ(Tick(kStart + seconds(2)), Frames{Hex(frames::kArpQuestion)});
  EXPECT_EQ(stats_.of(DropReason::kNoNeighbour), 0U);
  EXPECT_EQ(Tick(kStart + seconds(3)), Frames());
  EXPECT_EQ(stats_.of(DropReason::kNoNeighbour), 2U);
  EXPECT_EQ(stats_.of(Count::kNeighbourQuestions), 3U);
  EXPECT_EQ(link_->NextDue(), kReport);
}

TEST_F(EthernetLinkTest, DropsWhatItHasNoRoomToHold) {
  EthernetLink::Options options = HostOptions();
  options.neighbours.entries = 1;
  options.neighbours.held_each = 1;
  Make(options);
  Way("192.0.2.7");
  Way("192.0.2.7");
  EXPECT_EQ(stats_.of(DropReason::kNoNeighbour), 1U);
  Way("192.0.2.8");  // who pushes the other one out
  EXPECT_EQ(stats_.of(DropReason::kNoNeighbour), 2U);
}

// The earlier of an announcement and a question.
TEST_F(EthernetLinkTest, TellsWhatIsDueFirst) {
  Tick(kStart);
  Way("192.0.2.7", Octets(20, 0x45), kStart + milliseconds(1500));
  EXPECT_EQ(link_->NextDue(), kStart + seconds(2));
  Tick(kStart + seconds(2));
  EXPECT_EQ(link_->NextDue(), kStart + milliseconds(2500));
  Hears(frames::kArpAnswer, kStart + milliseconds(2100));
  EXPECT_EQ(link_->NextDue(), kStart + seconds(62));
}

// RFC 5227 2.4 (c), DEFEND_INTERVAL 10 s.
TEST_F(EthernetLinkTest, DefendsItsAddressAtMostOnceInTenSeconds) {
  const Frames defence = {Hex(frames::kArpAnnouncement)};
  EXPECT_EQ(Hears(frames::kArpConflict, kStart), defence);
  EXPECT_EQ(Hears(frames::kArpConflict, kStart + milliseconds(9999)), Frames());
  EXPECT_EQ(stats_.of(Count::kAddressConflicts), 2U);
  EXPECT_EQ(Hears(frames::kArpConflict, kStart + seconds(10)), defence);
  EXPECT_EQ(stats_.of(Count::kAddressConflicts), 3U);
  EXPECT_EQ(stats_.of(Count::kNeighbourAnswers), 0U);
}

TEST_F(EthernetLinkTest, DefendsAnIpv6AddressLikewise) {
  EXPECT_EQ(Hears(frames::kConflict),
            Frames{Hex(frames::kHostAdvertisesToAll)});
  EXPECT_EQ(stats_.of(Count::kAddressConflicts), 1U);
  EXPECT_EQ(Hears(frames::kConflict, kStart + seconds(9)), Frames());
  EXPECT_EQ(stats_.of(Count::kAddressConflicts), 2U);
}

// A switch's loop, or a device that hands over what was sent.
TEST_F(EthernetLinkTest, ItsOwnFramesThatComeBackAreNoConflict) {
  for (const char* own :
       {frames::kArpAnnouncement, frames::kArpQuestion, frames::kArpHostAnswers,
        frames::kSolicitation, frames::kHostAdvertises,
        frames::kHostAdvertisesToAll}) {
    EXPECT_EQ(Hears(own), Frames()) << own;
  }
  EXPECT_EQ(stats_.of(Count::kAddressConflicts), 0U);
  EXPECT_EQ(stats_.of(Count::kNeighbourAnswers), 0U);
}

}  // namespace
}  // namespace postern
