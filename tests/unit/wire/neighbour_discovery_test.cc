// SPDX-License-Identifier: Apache-2.0
//
// Neighbour Discovery against packets that scapy makes, and against those that
// RFC 4861 7.1 calls not valid.

#include "wire/neighbour_discovery.h"

#include <algorithm>
#include <cstddef>
#include <functional>

#include "gtest/gtest.h"

#include "tests/unit/wire/ethernet_frames.h"

namespace postern {
namespace {

using Message = NeighbourMessage;

constexpr std::size_t kIcmp = 40;     // where it begins in the packet
constexpr std::size_t kTarget = 48;   // and its target
constexpr std::size_t kOptions = 64;  // and its options

Octets Broken(const char* frame, const std::function<void(Octets&)>& change) {
  Octets packet = Inside(frame);
  change(packet);
  return Mended(packet);
}

void Write(Octets& packet, std::size_t at, const Octets& octets) {
  std::copy(octets.begin(), octets.end(),
            packet.begin() + static_cast<std::ptrdiff_t>(at));
}

void ExpectRefused(const Octets& packet) {
  ASSERT_TRUE(Message::IsOne(packet));
  const auto read = Message::Parse(packet);
  ASSERT_FALSE(read.ok()) << ToHex(packet);
  EXPECT_EQ(read.error(), DropReason::kBadNeighbourMessage);
}

TEST(NeighbourMessage, ReadsScapysSolicitation) {
  const auto read = Message::Parse(Inside(frames::kSolicitation));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->type, Message::Type::kSolicitation);
  EXPECT_EQ(read->source, Ip("2001:db8::9"));
  EXPECT_EQ(read->destination, Ip("ff02::1:ff00:7"));
  EXPECT_EQ(read->target, Ip("2001:db8::7"));
  EXPECT_EQ(read->mac, kHost);
}

TEST(NeighbourMessage, ReadsScapysAdvertisements) {
  const auto read = Message::Parse(Inside(frames::kAdvertisement));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->type, Message::Type::kAdvertisement);
  EXPECT_EQ(read->source, Ip("2001:db8::7"));
  EXPECT_EQ(read->target, Ip("2001:db8::7"));
  EXPECT_TRUE(read->has(Message::kSolicited));
  EXPECT_TRUE(read->has(Message::kOverride));
  EXPECT_FALSE(read->has(Message::kRouter));
  EXPECT_EQ(read->mac, kNeighbour);
  const auto bare = Message::Parse(Inside(frames::kAdvertisementBare));
  ASSERT_TRUE(bare.ok());
  EXPECT_FALSE(bare->has(Message::kOverride));
  EXPECT_FALSE(bare->mac);
  const auto to_all = Message::Parse(Inside(frames::kAdvertisementToAll));
  ASSERT_TRUE(to_all.ok());
  EXPECT_TRUE(to_all->has(Message::kRouter));
  EXPECT_FALSE(to_all->has(Message::kSolicited));
}

// RFC 4862 5.4.2: from nobody, to the group, without an Ethernet address.
TEST(NeighbourMessage, ReadsOneThatLooksForADuplicate) {
  const auto read = Message::Parse(Inside(frames::kSeeksDuplicate));
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->source.is_unspecified());
  EXPECT_FALSE(read->mac);
}

TEST(NeighbourMessage, WritesScapysFrames) {
  Message message{.type = Message::Type::kSolicitation,
                  .source = Ip("2001:db8::9"),
                  .destination = Ip("ff02::1:ff00:7"),
                  .target = Ip("2001:db8::7"),
                  .mac = kHost};
  EXPECT_EQ(message.Frame(kHost, Mac("33:33:ff:00:00:07")),
            Hex(frames::kSolicitation));
  message.destination = Ip("2001:db8::7");
  EXPECT_EQ(message.Frame(kHost, kNeighbour), Hex(frames::kSolicitationToOne));
  message = {.type = Message::Type::kAdvertisement,
             .flags = Message::kSolicited | Message::kOverride,
             .source = Ip("2001:db8::7"),
             .destination = Ip("2001:db8::9"),
             .target = Ip("2001:db8::7"),
             .mac = kNeighbour};
  EXPECT_EQ(message.Frame(kNeighbour, kHost), Hex(frames::kAdvertisement));
  message.flags = Message::kSolicited;
  message.mac.reset();
  EXPECT_EQ(message.Frame(kNeighbour, kHost), Hex(frames::kAdvertisementBare));
  message.flags = Message::kRouter | Message::kOverride;
  message.mac = kNeighbour;
  message.destination = Ip("ff02::1");
  EXPECT_EQ(message.Frame(kNeighbour, Mac("33:33:00:00:00:01")),
            Hex(frames::kAdvertisementToAll));
}

TEST(NeighbourMessage, IsOneOfTwoTypesBehindTheIpv6Header) {
  EXPECT_TRUE(Message::IsOne(Inside(frames::kSolicitation)));
  EXPECT_TRUE(Message::IsOne(Inside(frames::kAdvertisement)));
  Octets packet = Inside(frames::kSolicitation);
  for (const std::uint8_t type : Octets{128, 133, 134, 137}) {
    packet[kIcmp] = type;
    EXPECT_FALSE(Message::IsOne(packet)) << int{type};
  }
  packet[kIcmp] = 135;
  packet[6] = 17;
  EXPECT_FALSE(Message::IsOne(packet));
  packet[6] = 58;
  EXPECT_FALSE(Message::IsOne(ConstBytes(packet).first(kIcmp)));
  EXPECT_TRUE(Message::IsOne(ConstBytes(packet).first(kIcmp + 1)));
}

// RFC 4861 7.1.1, 7.1.2: what is asked of both.
TEST(NeighbourMessage, RefusesWhatIsNotValidOfEither) {
  for (const char* frame : {frames::kSolicitation, frames::kAdvertisement}) {
    // A router forwarded it.
    ExpectRefused(Broken(frame, [](Octets& packet) { packet[7] = 254; }));
    ExpectRefused(Broken(frame, [](Octets& packet) { packet[kIcmp + 1] = 1; }));
    ExpectRefused(Broken(frame, [](Octets& packet) {
      Write(packet, kTarget, Hex("ff02 0000 0000 0000 0000 0000 0000 0001"));
    }));
    ExpectRefused(Broken(frame, [](Octets& packet) {
      Write(packet, 8, Hex("ff02 0000 0000 0000 0000 0000 0000 0001"));
    }));
    for (std::size_t size = kIcmp + 4; size < kOptions; ++size) {
      ExpectRefused(
          Broken(frame, [size](Octets& packet) { packet.resize(size); }));
    }
    Octets packet = Inside(frame);
    packet[kIcmp + 2] ^= 1;  // the checksum
    ExpectRefused(packet);
  }
}

// An IPv6 length that is not that of the packet: the checksum is over what is
// there.
TEST(NeighbourMessage, RefusesALengthThatIsNotItsOwn) {
  Octets packet = Inside(frames::kAdvertisement);
  packet[5] -= 8;
  ExpectRefused(packet);
  packet[5] += 16;
  ExpectRefused(packet);
}

// RFC 4861 7.1.1
TEST(NeighbourMessage, RefusesASolicitationOfNobodyThatIsNotForADuplicate) {
  ExpectRefused(Broken(frames::kSeeksDuplicate, [](Octets& packet) {
    Write(packet, 24, Hex("20010db8000000000000000000000009"));
  }));
  ExpectRefused(Broken(frames::kSeeksDuplicate, [](Octets& packet) {
    Write(packet, 24, Hex("ff0200000000000000000001ff000008"));
  }));
  ExpectRefused(Broken(frames::kSeeksDuplicate, [](Octets& packet) {
    packet.resize(kOptions + 8);
    Write(packet, kOptions, Hex("01 01 02005e100007"));
  }));
}

// RFC 4861 7.1.2
TEST(NeighbourMessage, RefusesAnAnswerToAll) {
  ExpectRefused(Broken(frames::kAdvertisementToAll,
                       [](Octets& packet) { packet[kIcmp + 4] |= 0x40; }));
}

TEST(NeighbourMessage, SkipsOptionsThatItDoesNotKnow) {
  const auto read = Message::Parse(Inside(frames::kSolicitationWithMore));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->mac, kHost);
  // Each type of message has its own option for the Ethernet address.
  const auto other = Message::Parse(Broken(
      frames::kSolicitation, [](Octets& packet) { packet[kOptions] = 2; }));
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other->mac);
}

TEST(NeighbourMessage, RefusesOptionsThatCannotBe) {
  const auto with = [](const Octets& options) {
    return Broken(frames::kSolicitation, [&](Octets& packet) {
      packet.resize(kOptions + options.size());
      Write(packet, kOptions, options);
    });
  };
  ExpectRefused(with(Hex("01 00 02005e100001")));     // no length (7.1.1)
  ExpectRefused(with(Hex("fd 00 02005e100001")));     // of whatever type
  ExpectRefused(with(Hex("01 02 02005e100001")));     // cut off
  ExpectRefused(with(Hex("fd 02 02005e100001")));     //
  ExpectRefused(with(Hex("01")));                     //
  ExpectRefused(with(Hex("01 01 02005e10")));         //
  ExpectRefused(with(Hex("01 01 02005e100001 fd")));  //
  ExpectRefused(with(Hex("01 02 02005e100001 0000000000000000")));  // longer
  ExpectRefused(with(Hex("01 01 01005e000001")));  // not a station's
  ExpectRefused(with(Hex("01 01 000000000000")));  //
  EXPECT_TRUE(Message::Parse(with(Hex("fd 01 000000000000"))).ok());
  EXPECT_TRUE(Message::Parse(with({})).ok());
}

// RFC 4291 2.7.1, with its example.
TEST(NeighbourMessage, GoesToTheGroupsOfRfc4291) {
  EXPECT_EQ(SolicitedNodeGroup(Ip("4037::1:800:200e:8c6c")),
            Ip("ff02::1:ff0e:8c6c"));
  EXPECT_EQ(AllNodesGroup(), Ip("ff02::1"));
}

}  // namespace
}  // namespace postern
