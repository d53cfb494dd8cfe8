// SPDX-License-Identifier: Apache-2.0
//
// What a Coalescer joins, a Segmenter cuts into the same packets again, octet
// for octet (but for IPv4's identification where it means nothing), and each flow keeps its order; whatever the batch was.

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "gtest/gtest.h"

#include "core/net/coalescer.h"
#include "core/net/segmenter.h"
#include "tests/support/packet_builder.h"
#include "tests/support/super_packet.h"

namespace postern {
namespace {

using Random = std::mt19937;

constexpr std::uint8_t kPsh = 0x08;

// One of a few flows, some of them hard to tell apart.
struct Sender {
  PacketBuilder builder;
  std::uint16_t port = 0;
  bool is_tcp = false;
  std::uint32_t sequence = 0;
  std::uint16_t id = 0;
  std::size_t size = 0;

  Octets Next(Random& random) {
    const bool odd = random() % 8 == 0;
    const std::size_t payload = odd ? random() % (size + 3) : size;
    const auto seed = static_cast<unsigned>(random());
    const auto flags =
        static_cast<std::uint8_t>(random() % 10 == 0 ? kAck | kPsh : kAck);
    Octets packet = is_tcp
                        ? builder.Tcp(port, 80, flags, Pattern(payload, seed))
                        : builder.Udp(port, 80, Pattern(payload, seed));
    if (is_tcp) {
      Put32(packet, TransportOf(packet) + 4, sequence);
      sequence += static_cast<std::uint32_t>(payload);
    }
    if (packet[0] >> 4 == 4) {
      Put16(packet, 4, id++);
    }
    Disturb(packet, random);
    MendChecksums(packet);
    if (random() % 30 == 0) {
      packet[random() % packet.size()] ^= 4;  // damaged on its way
    }
    return packet;
  }

  // Now and then a field of the headers is another than its neighbours'.
  static void Disturb(Octets& packet, Random& random) {
    if (random() % 15 != 0) {
      return;
    }
    const std::size_t transport = TransportOf(packet);
    switch (random() % 5) {
      case 0:
        packet[1] ^= 0x10;
        break;
      case 1:
        packet[packet[0] >> 4 == 4 ? 8 : 7] = 63;
        break;
      case 2:
        packet[transport + 7] ^= 1;
        break;
      case 3:
        packet[packet[0] >> 4 == 4 ? 5 : 3] ^= 1;
        break;
      default:
        packet.back() ^= 1;
        break;
    }
  }
};

std::vector<Sender> Senders(Random& random) {
  std::vector<Sender> senders;
  for (std::uint16_t port = 1; port <= 3; ++port) {
    for (const bool is_tcp : {true, false}) {
      const std::size_t size = 1 + random() % 1400;
      const auto id = static_cast<std::uint16_t>(random());
      const auto sequence = static_cast<std::uint32_t>(random());
      PacketBuilder v4("10.9.1.1", "10.9.2.1");
      if (random() % 2 == 0) {
        v4.DontFragment();
      }
      senders.push_back({v4, port, is_tcp, sequence, id, size});
      senders.push_back({PacketBuilder("fd00:9::1", "fd00:9::2"), port, is_tcp,
                         sequence, id, size});
    }
  }
  return senders;
}

// What arrives when the kernel cuts what is written.
std::vector<Octets> JoinAndCut(std::vector<Octets> packets,
                               std::size_t& joined) {
  Coalescer coalescer(Coalescer::Datagrams::kTogether);
  for (const Octets& packet : packets) {
    coalescer.Add(packet);
  }
  std::vector<Octets> arrived;
  for (const Coalescer::Run& run : coalescer.runs()) {
    Octets whole = packets[run.first];
    const VnetHeader vnet = Coalescer::Join(run, whole);
    std::size_t index = run.first;
    for (unsigned i = 1; i < run.count; ++i) {
      index = coalescer.Next(index);
      whole.insert(whole.end(),
                   packets[index].begin() +
                       static_cast<std::ptrdiff_t>(run.headers.size),
                   packets[index].end());
    }
    EXPECT_EQ(index, run.last);
    if (run.count == 1) {
      arrived.push_back(whole);
      continue;
    }
    joined += run.count;
    auto segmenter = Segmenter::Start(vnet, whole);
    if (!segmenter.ok()) {
      ADD_FAILURE() << NameOf(segmenter.error());
      continue;
    }
    while (!segmenter->done()) {
      arrived.emplace_back(segmenter->next_size());
      segmenter->CutNext(arrived.back());
    }
  }
  return arrived;
}

// The packets of each flow, in order. A flow is what its ports and addresses
// say; damaged packets may say something else, which does not matter here.
using Flows = std::map<Octets, std::vector<Octets>>;

// With DF the identification means nothing (RFC 6864 4.1), and a row that had
// one for all gets others.
Octets WithoutMeaninglessId(Octets packet) {
  if (packet[0] >> 4 == 4 && (packet[6] & 0x40) != 0) {
    Put32(packet, 4, std::size_t{packet[6]} << 8 | packet[7]);
    Put16(packet, 10, 0);
  }
  return packet;
}

Flows Sorted(const std::vector<Octets>& packets) {
  Flows flows;
  for (const Octets& packet : packets) {
    const bool v4 = packet[0] >> 4 == 4;
    Octets flow(packet.begin() + (v4 ? 12 : 8),
                packet.begin() + (v4 ? 24 : 44));
    flow.push_back(packet[v4 ? 9 : 6]);
    flows[flow].push_back(WithoutMeaninglessId(packet));
  }
  return flows;
}

// DEF-36, DEF-37
TEST(OffloadProperty, WhatWasJoinedIsCutIntoTheSamePackets) {
  Random random(36);
  std::size_t joined = 0;
  std::size_t packets_in_all = 0;
  for (int round = 0; round < 2'000; ++round) {
    std::vector<Sender> senders = Senders(random);
    std::shuffle(senders.begin(), senders.end(), random);
    const std::size_t busy = 1 + random() % senders.size();
    std::vector<Octets> packets;
    while (packets.size() < Coalescer::kMostPackets) {
      Sender& sender = senders[random() % busy];
      for (std::size_t burst = 1 + random() % 20;
           burst > 0 && packets.size() < Coalescer::kMostPackets; --burst) {
        packets.push_back(sender.Next(random));
      }
    }
    packets_in_all += packets.size();
    ASSERT_EQ(Sorted(JoinAndCut(packets, joined)), Sorted(packets)) << round;
  }
  // Most of them have a like neighbour: nothing was shown if few were joined.
  EXPECT_GT(joined, packets_in_all / 2);
}

// DEF-36
TEST(OffloadProperty, EveryCutHasTheDefinitionsChecksumsAndAllThePayload) {
  Random random(1071);
  for (int round = 0; round < 3'000; ++round) {
    const bool v4 = random() % 2 == 0;
    PacketBuilder builder = v4 ? PacketBuilder("10.9.1.1", "10.9.2.1")
                               : PacketBuilder("fd00:9::1", "fd00:9::2");
    const auto seed = static_cast<unsigned>(random());
    const std::size_t size = 1 + random() % 20'000;
    const Octets payload = Pattern(size, seed);
    const Octets packet = random() % 2 == 0 ? builder.Tcp(1, 2, kAck, payload)
                                            : builder.Udp(1, 2, payload);
    const SuperPacket super =
        Super(packet, static_cast<std::uint16_t>(1 + random() % 3000));
    auto segmenter = Segmenter::Start(super.vnet, super.octets);
    ASSERT_TRUE(segmenter.ok());
    Octets arrived;
    while (!segmenter->done()) {
      Octets cut(segmenter->next_size());
      segmenter->CutNext(cut);
      ASSERT_TRUE(ChecksumsAreRight(cut));
      arrived.insert(arrived.end(),
                     cut.begin() + static_cast<std::ptrdiff_t>(PayloadOf(cut)),
                     cut.end());
    }
    ASSERT_EQ(arrived, payload);
  }
}

}  // namespace
}  // namespace postern
