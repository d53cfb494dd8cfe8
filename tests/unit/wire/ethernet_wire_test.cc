// SPDX-License-Identifier: Apache-2.0
//
// A host on an Ethernet that is two ends in memory: the test is the neighbour and
// the clock.

#include "wire/ethernet_wire.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/log/log.h"
#include "tests/support/packet_builder.h"
#include "tests/unit/wire/ethernet_frames.h"
#include "tests/unit/wire/port_fixture.h"

namespace postern {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Frames = std::vector<Octets>;

constexpr std::size_t kFrameMtu = 1500 + kFrameHeader;

// To the neighbour, told apart by `number`.
Octets V4(std::uint8_t number, const char* to = "192.0.2.7") {
  return PacketBuilder("192.0.2.9", to).Udp(4500, 4500, {number, 1, 2});
}

Octets V6(std::uint8_t number, const char* to = "2001:db8::7") {
  return PacketBuilder("2001:db8::9", to).Udp(4500, 4500, {number, 1, 2});
}

// From the neighbour.
Octets In4(std::uint8_t number, std::size_t size = 3) {
  return PacketBuilder("192.0.2.7", "192.0.2.9")
      .Udp(4500, 4500, Octets(size, number));
}

Octets In6(std::uint8_t number) {
  return PacketBuilder("2001:db8::7", "2001:db8::9")
      .Udp(4500, 4500, Octets(3, number));
}

Octets Outward(const Octets& packet, const MacAddress& to = kNeighbour) {
  return Framed(to, kHost, packet);
}

Octets Inward(const Octets& packet, const MacAddress& to = kHost) {
  return Framed(to, kNeighbour, packet);
}

class EthernetWireTest : public PortFixture {
 protected:
  EthernetWireTest() {
    wire_ = MakeWire(far_);
    // IPv4's announcement and IPv6's, and what it listens to.
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(ReceiveAll(*wire_), Frames());
      EXPECT_EQ(FarGets().size(), 3U);
      now_ += seconds(2);
    }
    EXPECT_GT(*wire_->NextDeadline(), now_ + seconds(50));
  }

  // Another port of the same wire; `far` is its other end.
  std::unique_ptr<EthernetWire> MakeWire(std::unique_ptr<MemoryPort>& far) {
    auto ends = MemoryPort::MakePair(
        {.mtu_octets = kFrameMtu, .queue_packets = 100'000});
    far = std::move(ends.second);
    return std::make_unique<EthernetWire>(
        EthernetWire::Parts{.kind = WireKind::kPacket,
                            .frames = std::move(ends.first),
                            .link = link_,
                            .most_mtu = 1500,
                            .clock = [this] { return now_; }});
  }

  Frames FarGets() { return ReceiveAll(*far_); }

  // The neighbour says this, and nothing of it is a packet for the host.
  void Hears(const char* frame) {
    Send(*far_, {Hex(frame)});
    EXPECT_EQ(ReceiveAll(*wire_), Frames());
  }

  // Who is asked for, answers.
  void MakeKnown() {
    Send(*wire_, {V4(0), V6(0)});
    Hears(frames::kArpAnswer);
    Hears(frames::kAdvertisement);
    FarGets();
  }

  // What the host gets of frames that come in one batch.
  Frames Receives(const Frames& came) {
    Send(*far_, came);
    return ReceiveAll(*wire_);
  }

  void ExpectDropped(const Octets& frame, DropReason reason) {
    const std::uint64_t before = stats_.of(reason);
    EXPECT_EQ(Receives({frame}), Frames()) << ToHex(frame);
    EXPECT_EQ(stats_.of(reason), before + 1) << ToHex(frame);
    EXPECT_EQ(FarGets(), Frames());
  }

  Instant now_{seconds(1000)};
  std::shared_ptr<EthernetLink> link_ =
      std::make_shared<EthernetLink>(EthernetLink::Options{
          .mac = kHost,
          .addresses = {{Ip("192.0.2.9"), 24}, {Ip("2001:db8::9"), 64}},
          .gateways = {Ip("192.0.2.7")},
          .neighbours = {}});
  std::unique_ptr<EthernetWire> wire_;
};

TEST_F(EthernetWireTest, SaysWhatItIs) {
  EXPECT_EQ(wire_->kind(), WireKind::kPacket);
  EXPECT_EQ(wire_->overhead_octets(), kFrameHeader);
  EXPECT_EQ(wire_->mtu(), 1500U);
  EXPECT_EQ(wire_->descriptor(), -1);
  EXPECT_TRUE(wire_->IsGone(kError));  // as its port says
  EthernetWire patient({.kind = WireKind::kTap,
                        .frames = std::make_unique<Patient>(),
                        .link = link_});
  EXPECT_EQ(patient.kind(), WireKind::kTap);
  EXPECT_FALSE(patient.IsGone(kError));
}

TEST_F(EthernetWireTest, PutsPacketsInFrames) {
  MakeKnown();
  Send(*wire_, {V4(1), V6(2), V4(3, "198.51.100.1"), V4(4, "224.0.0.251"),
                V6(5, "ff02::fb"), V4(6, "192.0.2.255"),
                V4(7, "255.255.255.255"), V4(8)});
  EXPECT_EQ(
      FarGets(),
      (Frames{Outward(V4(1)), Outward(V6(2)), Outward(V4(3, "198.51.100.1")),
              Outward(V4(4, "224.0.0.251"), Mac("01:00:5e:00:00:fb")),
              Outward(V6(5, "ff02::fb"), Mac("33:33:00:00:00:fb")),
              Outward(V4(6, "192.0.2.255"), MacAddress::Broadcast()),
              Outward(V4(7, "255.255.255.255"), MacAddress::Broadcast()),
              Outward(V4(8))}));
}

TEST_F(EthernetWireTest, HoldsPacketsUntilTheAnswerAndSendsThemInOrder) {
  Send(*wire_, {V4(1), V6(2), V4(3)});
  Send(*wire_, {V4(4)});
  EXPECT_EQ(FarGets(),
            (Frames{Hex(frames::kArpQuestion), Hex(frames::kSolicitation)}));
  Hears(frames::kArpAnswer);
  EXPECT_EQ(FarGets(),
            (Frames{Outward(V4(1)), Outward(V4(3)), Outward(V4(4))}));
  Hears(frames::kAdvertisement);
  EXPECT_EQ(FarGets(), Frames{Outward(V6(2))});
  Send(*wire_, {V4(5), V6(6)});
  EXPECT_EQ(FarGets(), (Frames{Outward(V4(5)), Outward(V6(6))}));
  EXPECT_EQ(stats_.of(Count::kNeighbourQuestions), 2U);
}

// His own question tells where he is, too: 64 packets and the answer to him, which
// are more than a batch.
TEST_F(EthernetWireTest, SendsAllThatWasHeld) {
  Frames expected;
  for (std::uint8_t i = 0; i < 64; ++i) {
    Send(*wire_, {V4(i)});
    expected.push_back(Outward(V4(i)));
  }
  EXPECT_EQ(FarGets(), Frames{Hex(frames::kArpQuestion)});
  Hears(frames::kArpAsksHost);
  expected.push_back(Hex(frames::kArpHostAnswers));
  EXPECT_EQ(FarGets(), expected);
}

TEST_F(EthernetWireTest, TriesThreeTimesAndDropsWhatItHeld) {
  Send(*wire_, {V4(1), V4(2)});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(FarGets(), Frames{Hex(frames::kArpQuestion)});
    EXPECT_EQ(stats_.of(DropReason::kNoNeighbour), 0U);
    EXPECT_EQ(wire_->NextDeadline(), now_ + seconds(1));
    now_ += milliseconds(999);
    EXPECT_EQ(ReceiveAll(*wire_), Frames());
    EXPECT_EQ(FarGets(), Frames());
    now_ += milliseconds(1);
    EXPECT_EQ(ReceiveAll(*wire_), Frames());
  }
  EXPECT_EQ(FarGets(), Frames());
  EXPECT_EQ(stats_.of(DropReason::kNoNeighbour), 2U);
  EXPECT_GT(*wire_->NextDeadline(), now_ + seconds(3));
}

TEST_F(EthernetWireTest, DropsWhatNoGatewayTakes) {
  Send(*wire_, {V6(1, "2001:db8:1::1")});
  EXPECT_EQ(stats_.of(DropReason::kNoGateway), 1U);
  EXPECT_EQ(FarGets(), Frames());
}

TEST_F(EthernetWireTest, DropsWhatIsLargerThanItsMtuAndSendsTheRest) {
  MakeKnown();
  const Octets fits =
      PacketBuilder("192.0.2.9", "192.0.2.7").Udp(1, 2, Octets(1500 - 28));
  const Octets too_big =
      PacketBuilder("192.0.2.9", "192.0.2.7").Udp(1, 2, Octets(1501 - 28));
  Send(*wire_, {V4(1), too_big, fits, V4(2)});
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 1U);
  EXPECT_EQ(FarGets(), (Frames{Outward(V4(1)), Outward(fits), Outward(V4(2))}));
}

TEST_F(EthernetWireTest, DropsWhatHasNoDestination) {
  Octets of_no_version = V4(1);
  of_no_version[0] = 0x55;
  Octets cut_off = V6(1);
  cut_off.resize(39);
  Send(*wire_, {of_no_version, cut_off, Octets(19, 0x45)});
  EXPECT_EQ(stats_.of(DropReason::kBadIpVersion), 1U);
  EXPECT_EQ(stats_.of(DropReason::kTruncated), 2U);
}

TEST_F(EthernetWireTest, DropsAPacketWithoutRoomInFront) {
  MakeKnown();
  PacketPool tight({.packets = 2, .payload = 100, .headroom = 13});
  Batch batch;
  batch.Push(tight.Copy(V4(1)));
  wire_->Send(batch, stats_);
  EXPECT_EQ(stats_.of(DropReason::kNoHeadroom), 1U);
  EXPECT_EQ(FarGets(), Frames());
  EXPECT_EQ(tight.free(), 2U);
  EXPECT_EQ(tight.forgotten(), 0U);
}

// The packet is held none the less, and the question comes again.
TEST_F(EthernetWireTest, AQuestionThatThePoolHasNoPacketForIsAskedLater) {
  PacketPool one({.packets = 1, .payload = 100});
  Batch batch;
  batch.Push(one.Copy(V4(1)));
  wire_->Send(batch, stats_);
  EXPECT_EQ(stats_.of(DropReason::kPoolEmpty), 1U);
  EXPECT_EQ(FarGets(), Frames());
  now_ += seconds(1);
  EXPECT_EQ(ReceiveAll(*wire_), Frames());
  EXPECT_EQ(FarGets(), Frames{Hex(frames::kArpQuestion)});
  Hears(frames::kArpAnswer);
  EXPECT_EQ(FarGets(), Frames{Outward(V4(1))});
  EXPECT_EQ(one.forgotten(), 0U);
}

TEST_F(EthernetWireTest, FollowsANeighbourWhoMovedAtOnce) {
  MakeKnown();
  Send(*wire_, {V4(1)});
  std::string moved = frames::kArpAnswer;
  moved.replace(moved.rfind("02005e100007"), 12, "02005e100077");
  Hears(moved.c_str());
  Send(*wire_, {V4(2)});
  EXPECT_EQ(FarGets(), (Frames{Outward(V4(1)), Outward(V4(2), kMoved)}));
}

TEST_F(EthernetWireTest, AsksHimAgainWhenHisTimeIsOverAndSendsOn) {
  MakeKnown();
  now_ += seconds(30) - milliseconds(1);
  Send(*wire_, {V4(1)});
  EXPECT_EQ(FarGets(), Frames{Outward(V4(1))});
  now_ += milliseconds(1);
  Send(*wire_, {V4(2), V4(3)});
  EXPECT_EQ(FarGets(), (Frames{Hex(frames::kArpQuestionToOne), Outward(V4(2)),
                               Outward(V4(3))}));
  Hears(frames::kArpAnswer);
  now_ += seconds(29);
  Send(*wire_, {V4(4)});
  EXPECT_EQ(FarGets(), Frames{Outward(V4(4))});
}

TEST_F(EthernetWireTest, AsksAllWhenHeAnswersNoMore) {
  MakeKnown();
  now_ += seconds(40);
  Send(*wire_, {V4(1)});
  for (int i = 0; i < 3; ++i) {
    now_ += seconds(1);
    EXPECT_EQ(ReceiveAll(*wire_), Frames());
  }
  FarGets();
  Send(*wire_, {V4(2)});
  EXPECT_EQ(FarGets(), Frames{Hex(frames::kArpQuestion)});
  EXPECT_EQ(stats_.of(DropReason::kNoNeighbour), 0U);
}

// The ports of a wire share a link: what one hears, the other knows.
TEST_F(EthernetWireTest, SeveralPortsKnowTheSame) {
  std::unique_ptr<MemoryPort> far;
  const auto other = MakeWire(far);
  Send(*other, {V4(1)});
  EXPECT_EQ(ReceiveAll(*far), Frames{Hex(frames::kArpQuestion)});
  Hears(frames::kArpAnswer);
  EXPECT_EQ(FarGets(), Frames{Outward(V4(1))});
  Send(*other, {V4(2)});
  EXPECT_EQ(ReceiveAll(*far), Frames{Outward(V4(2))});
}

TEST_F(EthernetWireTest, TakesPacketsOutOfTheirFrames) {
  EXPECT_EQ(Receives({Inward(In4(1)), Inward(In6(2)), Inward(In4(3, 1472))}),
            (Frames{In4(1), In6(2), In4(3, 1472)}));
  EXPECT_EQ(FarGets(), Frames());
}

// IEEE 802.3 fills a frame up to 60 octets.
TEST_F(EthernetWireTest, CutsOffWhatPadsAShortFrame) {
  Octets v4 = Inward(PacketBuilder("192.0.2.7", "192.0.2.9").Udp(1, 2));
  Octets v6 = Inward(In6(2));
  v4.resize(60);
  v6.resize(v6.size() + 9, 0xa5);
  EXPECT_EQ(
      Receives({v4, v6}),
      (Frames{PacketBuilder("192.0.2.7", "192.0.2.9").Udp(1, 2), In6(2)}));
  Octets arp = Hex(frames::kArpAsksHost);
  arp.resize(60);
  Octets solicitation = Hex(frames::kSolicitsHost);
  solicitation.resize(90);
  EXPECT_EQ(Receives({arp, solicitation}), Frames());
  EXPECT_EQ(FarGets(), (Frames{Hex(frames::kArpHostAnswers),
                               Hex(frames::kHostAdvertises)}));
}

// A length that the packet has not is for whoever reads the header to refuse.
TEST_F(EthernetWireTest, HandsOnAPacketThatSaysItIsLonger) {
  Octets packet = In4(1);
  packet[3] = 200;
  EXPECT_EQ(Receives({Inward(packet)}), Frames{packet});
  // Nor is it left with less than a header.
  packet[3] = 0;
  EXPECT_EQ(Receives({Inward(packet)}), Frames{packet});
  packet[3] = 19;
  EXPECT_EQ(Receives({Inward(packet)}), Frames{packet});
}

TEST_F(EthernetWireTest, DropsFramesThatAreNotForIt) {
  ExpectDropped(Inward(In4(1), kMoved), DropReason::kForeignFrame);
  ExpectDropped(Inward(In4(1), MacAddress::Broadcast()),
                DropReason::kForeignFrame);
  ExpectDropped(Inward(In4(1), Mac("01:00:5e:00:00:01")),
                DropReason::kForeignFrame);
  ExpectDropped(Inward(In6(1), Mac("33:33:00:00:00:01")),
                DropReason::kForeignFrame);
  ExpectDropped(Hex(frames::kLldp), DropReason::kForeignFrame);
  Octets tagged = Inward(In4(1));  // IEEE 802.1Q
  const Octets tag = {0x81, 0x00, 0x00, 0x05};
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  ExpectDropped(tagged, DropReason::kForeignFrame);
  Octets length = Inward(In4(1));  // IEEE 802.3 with a length, no type
  length[12] = 0;
  length[13] = 31;
  ExpectDropped(length, DropReason::kForeignFrame);
  Octets arp = Hex(frames::kArpAsksHost);
  std::copy(kMoved.octets().begin(), kMoved.octets().end(), arp.begin());
  ExpectDropped(arp, DropReason::kForeignFrame);
}

// A router's word, in whose name ever and behind whatever headers, sets up nothing.
TEST_F(EthernetWireTest, TakesNothingFromRouters) {
  constexpr std::size_t kIp = 14;
  constexpr std::size_t kNext = kIp + 6;
  for (const std::uint8_t type :
       {std::uint8_t{133}, std::uint8_t{134}, std::uint8_t{137}}) {
    Octets frame = Hex(frames::kAdvertisement);
    frame[kIp + 40] = type;
    ExpectDropped(frame, DropReason::kForeignFrame);
    // Behind destination options.
    Octets behind = frame;
    const Octets options = {58, 0, 1, 4, 0, 0, 0, 0};
    behind[kNext] = 60;
    behind[kIp + 5] = static_cast<std::uint8_t>(behind[kIp + 5] + 8);
    behind.insert(behind.begin() + kIp + 40, options.begin(), options.end());
    ExpectDropped(behind, DropReason::kForeignFrame);
  }
}

// In the middle of a datagram any octet may stand.
TEST_F(EthernetWireTest, TakesALaterFragmentThatLooksLikeARoutersWord) {
  Octets packet = In6(1);
  const Octets fragment = {58, 0, 0, 8, 0, 0, 0, 1, 134, 0, 0, 0, 0, 0, 0, 0};
  packet.resize(40);
  packet.insert(packet.end(), fragment.begin(), fragment.end());
  packet[5] = static_cast<std::uint8_t>(fragment.size());
  packet[6] = 44;
  EXPECT_EQ(Receives({Inward(packet)}), Frames{packet});
  packet[43] = 0;  // it is the first one
  ExpectDropped(Inward(packet), DropReason::kForeignFrame);
}

TEST_F(EthernetWireTest, DropsFramesWithNothingInThem) {
  for (const std::size_t size : {1U, 6U, 13U, 14U}) {
    Octets frame = Inward(In4(1));
    frame.resize(size);
    ExpectDropped(frame, DropReason::kTruncated);
  }
}

TEST_F(EthernetWireTest, DropsAPacketThatIsNotOfTheFramesType) {
  Octets as_v6 = Inward(In4(1));
  as_v6[12] = 0x86;
  as_v6[13] = 0xdd;
  ExpectDropped(as_v6, DropReason::kBadIpVersion);
  Octets as_v4 = Inward(In6(1));
  as_v4[12] = 0x08;
  as_v4[13] = 0x00;
  ExpectDropped(as_v4, DropReason::kBadIpVersion);
}

TEST_F(EthernetWireTest, DropsBadMessagesOfNeighbours) {
  Octets arp = Hex(frames::kArpAsksHost);
  arp[21] = 3;
  ExpectDropped(arp, DropReason::kBadNeighbourMessage);
  Octets forwarded = Hex(frames::kSolicitsHost);
  forwarded[21] = 64;
  ExpectDropped(forwarded, DropReason::kBadNeighbourMessage);
}

TEST_F(EthernetWireTest, KeepsTheOrderOfPacketsBetweenMessages) {
  EXPECT_EQ(
      Receives({Hex(frames::kArpAsksHost), Inward(In4(1)), Hex(frames::kLldp),
                Inward(In6(2)), Hex(frames::kSolicitsHost), Inward(In4(3)),
                Hex(frames::kArpProbe)}),
      (Frames{In4(1), In6(2), In4(3)}));
  EXPECT_EQ(FarGets(),
            (Frames{Hex(frames::kArpHostAnswers), Hex(frames::kHostAdvertises),
                    Hex(frames::kArpHostAnswersProbe)}));
  EXPECT_EQ(stats_.of(DropReason::kForeignFrame), 1U);
}

TEST_F(EthernetWireTest, LeavesWhatIsInTheBatchAlone) {
  Send(*far_, {Hex(frames::kArpAsksHost), Inward(In4(2))});
  Batch batch;
  batch.Push(pool_.Copy(In4(1)));
  EXPECT_EQ(wire_->Receive(batch, pool_, stats_), 1U);
  ASSERT_EQ(batch.size(), 2U);
  for (const std::uint8_t number : Octets{1, 2}) {
    const ConstBytes octets = batch.packets()[number - 1U].bytes();
    EXPECT_EQ(Octets(octets.begin(), octets.end()), In4(number));
  }
  batch.Clear();
}

// A batch without a packet is not the end of what waits.
TEST_F(EthernetWireTest, LooksOnBehindABatchOfMessagesAlone) {
  Frames came(3 * Batch::kCapacity, Hex(frames::kArpQuestion));
  came.push_back(Inward(In4(1)));
  Send(*far_, {came.begin(), came.begin() + 64});
  Send(*far_, {came.begin() + 64, came.begin() + 128});
  Send(*far_, {came.begin() + 128, came.begin() + 191});
  Send(*far_, {came.begin() + 191, came.end()});
  Batch batch;
  EXPECT_EQ(wire_->Receive(batch, pool_, stats_), 1U);
  batch.Clear();
}

// But a flood of them does not hold the worker.
TEST_F(EthernetWireTest, LooksUpFromAFloodOfMessages) {
  constexpr std::size_t kBatches = 9;
  for (std::size_t i = 0; i < kBatches; ++i) {
    Send(*far_, Frames(Batch::kCapacity, Hex(frames::kLldp)));
  }
  Batch batch;
  EXPECT_EQ(wire_->Receive(batch, pool_, stats_), 0U);
  EXPECT_EQ(stats_.of(DropReason::kForeignFrame), 8 * Batch::kCapacity);
  EXPECT_EQ(wire_->Receive(batch, pool_, stats_), 0U);
  EXPECT_EQ(stats_.of(DropReason::kForeignFrame), kBatches * Batch::kCapacity);
}

// Frames of scapy's with octets of chance in them, and cut off: each is a packet,
// a message or a drop, and afterwards the host is as it was.
TEST_F(EthernetWireTest, ForgesAndCutsHarmNothing) {
  std::mt19937 chance(826);
  const Frames models = {Hex(frames::kArpAnswer),
                         Hex(frames::kArpAsksHost),
                         Hex(frames::kArpProbe),
                         Hex(frames::kArpConflict),
                         Hex(frames::kAdvertisement),
                         Hex(frames::kSolicitsHost),
                         Hex(frames::kSeeksDuplicate),
                         Hex(frames::kConflict),
                         Hex(frames::kSolicitationWithMore),
                         Inward(In4(1)),
                         Inward(In6(2))};
  const LogLevel before = CurrentLogLevel();
  SetLogLevel(LogLevel::kError);
  for (int i = 0; i < 5'000; ++i) {
    Octets frame = models[chance() % models.size()];
    for (unsigned n = chance() % 4; n > 0; --n) {
      // Mostly behind the Ethernet header.
      const std::size_t at = 12 + chance() % (frame.size() - 12);
      frame[at] = static_cast<std::uint8_t>(chance());
    }
    if (chance() % 4 == 0) {
      frame.resize(1 + chance() % frame.size());
    }
    if (frame.size() > 60 && frame[20] == 58 && chance() % 2 == 0) {
      const Octets mended = Mended({frame.begin() + kFrameHeader, frame.end()});
      std::copy(mended.begin(), mended.end(), frame.begin() + kFrameHeader);
    }
    Send(*far_, {frame});
    Send(*wire_, {V4(1), V6(2)});
    now_ += milliseconds(chance() % 700);
    ReceiveAll(*wire_);
    FarGets();
  }
  SetLogLevel(before);
  now_ += seconds(40);
  for (int i = 0; i < 5; ++i) {
    ReceiveAll(*wire_);
    now_ += seconds(1);
  }
  EXPECT_EQ(stats_.of(DropReason::kPoolEmpty), 0U);
  EXPECT_GT(stats_.of(DropReason::kBadNeighbourMessage), 50U);
  EXPECT_GT(*wire_->NextDeadline(), now_ + seconds(3));
  MakeKnown();
  Hears(frames::kArpAnswer);
  Send(*wire_, {V4(3)});
  EXPECT_EQ(FarGets().back(), Outward(V4(3)));
}

TEST_F(EthernetWireTest, CountsAnAnswerThatThePoolHasNoPacketFor) {
  PacketPool one({.packets = 1, .payload = 100});
  Send(*far_, {Hex(frames::kArpAsksHost)});
  Batch batch;
  EXPECT_EQ(wire_->Receive(batch, one, stats_), 0U);
  EXPECT_EQ(stats_.of(DropReason::kPoolEmpty), 1U);
  EXPECT_EQ(FarGets(), Frames());
  EXPECT_EQ(one.free(), 1U);
  EXPECT_EQ(one.forgotten(), 0U);
}

}  // namespace
}  // namespace postern
