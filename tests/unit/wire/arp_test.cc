// SPDX-License-Identifier: Apache-2.0
//
// ARP against frames that scapy makes.

#include "wire/arp.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "gtest/gtest.h"

#include "tests/unit/wire/ethernet_frames.h"

namespace postern {
namespace {

TEST(ArpMessage, ReadsScapysRequest) {
  const auto read = ArpMessage::Parse(Inside(frames::kArpQuestion));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->operation, ArpMessage::Operation::kRequest);
  EXPECT_EQ(read->sender_mac, kHost);
  EXPECT_EQ(read->sender, Ip("192.0.2.9"));
  EXPECT_EQ(read->target_mac, MacAddress());
  EXPECT_EQ(read->target, Ip("192.0.2.7"));
}

TEST(ArpMessage, ReadsScapysReply) {
  const auto read = ArpMessage::Parse(Inside(frames::kArpAnswer));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->operation, ArpMessage::Operation::kReply);
  EXPECT_EQ(read->sender_mac, kNeighbour);
  EXPECT_EQ(read->sender, Ip("192.0.2.7"));
  EXPECT_EQ(read->target_mac, kHost);
  EXPECT_EQ(read->target, Ip("192.0.2.9"));
}

// RFC 5227 1.1
TEST(ArpMessage, ReadsAProbe) {
  const auto read = ArpMessage::Parse(Inside(frames::kArpProbe));
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->sender.is_unspecified());
  EXPECT_EQ(read->target, Ip("192.0.2.9"));
}

TEST(ArpMessage, LeavesOutWhatPadsAShortFrame) {
  Octets padded = Inside(frames::kArpAnswer);
  padded.resize(46, 0xa5);  // the least that Ethernet carries
  const auto read = ArpMessage::Parse(padded);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->target, Ip("192.0.2.9"));
}

TEST(ArpMessage, WritesScapysFrames) {
  const ArpMessage question{.operation = ArpMessage::Operation::kRequest,
                            .sender_mac = kHost,
                            .sender = Ip("192.0.2.9"),
                            .target_mac = {},
                            .target = Ip("192.0.2.7")};
  EXPECT_EQ(question.Frame(MacAddress::Broadcast()), Hex(frames::kArpQuestion));
  EXPECT_EQ(question.Frame(kNeighbour), Hex(frames::kArpQuestionToOne));
  const ArpMessage answer{.operation = ArpMessage::Operation::kReply,
                          .sender_mac = kNeighbour,
                          .sender = Ip("192.0.2.7"),
                          .target_mac = kHost,
                          .target = Ip("192.0.2.9")};
  EXPECT_EQ(answer.Frame(kHost), Hex(frames::kArpAnswer));
}

TEST(ArpMessage, RefusesWhatIsNotArpForIpv4OnEthernet) {
  using Break = std::pair<std::size_t, Octets>;  // from which octet on
  for (const auto& [at, octets] : {
           Break{0, {0, 6}},        // IEEE 802's hardware
           Break{2, {0x86, 0xdd}},  // IPv6
           Break{4, {8}},           // longer addresses
           Break{5, {16}},          //
           Break{4, {4, 6}},        //
           Break{6, {0, 0}},        // no operation
           Break{6, {0, 3}},        // RARP's
           Break{6, {1, 1}},        //
           Break{8, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},  // not a station's
           Break{8, {0x01, 0x00, 0x5e, 0x00, 0x00, 0x01}},  //
           Break{8, {0, 0, 0, 0, 0, 0}},                    //
           Break{14, {224, 0, 0, 1}},                       // a group speaks
       }) {
    Octets message = Inside(frames::kArpAnswer);
    std::copy(octets.begin(), octets.end(),
              message.begin() + static_cast<std::ptrdiff_t>(at));
    const auto read = ArpMessage::Parse(message);
    ASSERT_FALSE(read.ok()) << at << ": " << ToHex(octets);
    EXPECT_EQ(read.error(), DropReason::kBadNeighbourMessage);
  }
}

TEST(ArpMessage, RefusesOneThatIsCutOff) {
  const Octets whole = Inside(frames::kArpAnswer);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto read = ArpMessage::Parse(ConstBytes(whole).first(size));
    ASSERT_FALSE(read.ok()) << size;
    EXPECT_EQ(read.error(), DropReason::kBadNeighbourMessage);
  }
}

}  // namespace
}  // namespace postern
