// SPDX-License-Identifier: Apache-2.0
//
// What may become one packet and what may not. wireguard-go once joined packets
// of different hop limits and with IP options, and took a wrong bit for MF:
// every such field has a case here.

#include "core/net/coalescer.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/packet_builder.h"
#include "tests/support/super_packet.h"

namespace postern {
namespace {

constexpr std::uint8_t kPsh = 0x08;

PacketBuilder V4() {
  return PacketBuilder("10.9.1.1", "10.9.2.1");
}

PacketBuilder V6() {
  return PacketBuilder("fd00:9::1", "fd00:9::2");
}

// The i-th of a row of TCP packets with 100 octets of payload.
Octets Tcp(const PacketBuilder& builder, unsigned i,
           std::uint16_t source_port = 4711, std::size_t size = 100) {
  Octets packet = builder.Tcp(source_port, 80, kAck, Pattern(size, i));
  Put32(packet, TransportOf(packet) + 4, 1000 + 100 * i);
  if (packet[0] == 0x45) {
    Put16(packet, 4, 77 + i);
  }
  MendChecksums(packet);
  return packet;
}

Octets Udp(const PacketBuilder& builder, unsigned i, std::size_t size = 100) {
  Octets packet = builder.Udp(5, 6, Pattern(size, i));
  if (packet[0] == 0x45) {
    Put16(packet, 4, 77 + i);
  }
  MendChecksums(packet);
  return packet;
}

// The packets' indices, as they would be written: "012 3" is two writes.
std::string Runs(
    const std::vector<Octets>& packets,
    Coalescer::Datagrams datagrams = Coalescer::Datagrams::kTogether) {
  Coalescer coalescer(datagrams);
  coalescer.Clear();
  for (const Octets& packet : packets) {
    coalescer.Add(packet);
  }
  std::string told;
  for (const Coalescer::Run& run : coalescer.runs()) {
    told += told.empty() ? "" : " ";
    std::size_t index = run.first;
    for (unsigned i = 0; i < run.count; ++i) {
      told += std::to_string(index);
      index = coalescer.Next(index);
    }
  }
  return told;
}

TEST(Coalescer, JoinsARowOfEachKind) {
  for (const PacketBuilder& builder : {V4(), V6()}) {
    EXPECT_EQ(Runs({Tcp(builder, 0), Tcp(builder, 1), Tcp(builder, 2)}), "012");
    EXPECT_EQ(Runs({Udp(builder, 0), Udp(builder, 1), Udp(builder, 2)}), "012");
  }
}

TEST(Coalescer, IsEmptyAfterClear) {
  Coalescer coalescer(Coalescer::Datagrams::kTogether);
  const Octets first = Tcp(V4(), 0);
  const Octets second = Tcp(V4(), 1);
  coalescer.Add(first);
  coalescer.Clear();
  EXPECT_TRUE(coalescer.runs().empty());
  coalescer.Add(second);
  EXPECT_EQ(coalescer.runs().size(), 1U);
}

TEST(Coalescer, LeavesDatagramsApartWhenTold) {
  EXPECT_EQ(Runs({Udp(V4(), 0), Udp(V4(), 1), Tcp(V4(), 0), Tcp(V4(), 1)},
                 Coalescer::Datagrams::kApart),
            "0 1 23");
}

TEST(Coalescer, DescribesTheSuperPacket) {
  for (const bool v4 : {true, false}) {
    const PacketBuilder builder = v4 ? V4() : V6();
    std::vector<Octets> packets = {Tcp(builder, 0), Tcp(builder, 1)};
    Octets last = builder.Tcp(4711, 80, kAck | kPsh, Pattern(30));
    const std::size_t tcp = TransportOf(last);
    Put32(last, tcp + 4, 1200);
    Put16(last, v4 ? 4 : 0, v4 ? 79 : 0x6000);
    MendChecksums(last);
    packets.push_back(last);

    Coalescer coalescer(Coalescer::Datagrams::kTogether);
    for (const Octets& packet : packets) {
      coalescer.Add(packet);
    }
    ASSERT_EQ(coalescer.runs().size(), 1U);
    const Coalescer::Run& run = coalescer.runs()[0];
    EXPECT_EQ(run.headers.size, tcp + 20);
    const VnetHeader vnet = Coalescer::Join(run, packets[0]);
    EXPECT_EQ(vnet.flags, VnetHeader::kNeedsChecksum);
    EXPECT_EQ(vnet.gso_type, v4 ? VnetHeader::kTcpV4 : VnetHeader::kTcpV6);
    EXPECT_EQ(vnet.header_length, tcp + 20);
    EXPECT_EQ(vnet.gso_size, 100);
    EXPECT_EQ(vnet.checksum_start, tcp);
    EXPECT_EQ(vnet.checksum_offset, 16);
    EXPECT_EQ(Get16(packets[0], v4 ? 2 : 4), v4 ? 270 : 250);
    EXPECT_EQ(packets[0][tcp + 13], kAck | kPsh);
    // The whole, as a super-packet of the definition's.
    Octets whole = packets[0];
    whole.insert(whole.end(), packets[1].begin() + 20 + v4 * 20 + !v4 * 40,
                 packets[1].end());
    whole.insert(whole.end(), last.begin() + 20 + v4 * 20 + !v4 * 40,
                 last.end());
    EXPECT_EQ(Super(whole, 100).octets, whole);
  }
}

TEST(Coalescer, LeavesAPacketByItselfAsItIs) {
  Octets packet = Tcp(V4(), 0);
  const Octets before = packet;
  Coalescer coalescer(Coalescer::Datagrams::kTogether);
  coalescer.Add(packet);
  const VnetHeader vnet = Coalescer::Join(coalescer.runs()[0], packet);
  EXPECT_EQ(packet, before);
  EXPECT_EQ(vnet.flags, 0);
  EXPECT_EQ(vnet.gso_type, VnetHeader::kOrdinary);
}

// Each change, made to the middle one of three, keeps it from its neighbours.
struct Change {
  const char* what;
  std::function<void(Octets&)> make;
};

void ExpectApart(const std::vector<Octets>& row, const Change& change) {
  std::vector<Octets> changed = row;
  change.make(changed[1]);
  MendChecksums(changed[1]);
  EXPECT_EQ(Runs(changed), "0 1 2") << change.what;
}

std::function<void(Octets&)> Set(std::size_t at, std::uint8_t value) {
  return [at, value](Octets& packet) { packet[at] = value; };
}

// DEF-36
TEST(Coalescer, JoinsNothingThatDiffersInTheIpv4Header) {
  const std::vector<Change> changes = {
      {"DSCP", Set(1, 0x08)},
      {"ECN", Set(1, 0x03)},
      {"hop limit", Set(8, 63)},
      {"DF", Set(6, 0x40)},
      {"the reserved flag", Set(6, 0x80)},
      {"the order of identifications", Set(5, 200)},
      {"the same identification without DF", Set(5, 77)},
      {"source", Set(15, 9)},
      {"destination", Set(19, 9)},
  };
  for (const Change& change : changes) {
    ExpectApart({Udp(V4(), 0), Udp(V4(), 1), Udp(V4(), 3)}, change);
    ExpectApart({Tcp(V4(), 0), Tcp(V4(), 1), Tcp(V4(), 3)}, change);
  }
}

// DEF-36
TEST(Coalescer, JoinsNothingThatDiffersInTheIpv6Header) {
  const std::vector<Change> changes = {
      {"traffic class", Set(0, 0x61)}, {"ECN", Set(1, 0x10)},
      {"flow label", Set(3, 1)},       {"hop limit", Set(7, 63)},
      {"source", Set(23, 9)},          {"destination", Set(39, 9)},
  };
  for (const Change& change : changes) {
    ExpectApart({Tcp(V6(), 0), Tcp(V6(), 1), Tcp(V6(), 3)}, change);
  }
  // Datagrams have no sequence: without the middle one the others are a row.
  EXPECT_EQ(Runs({Udp(V6(), 0), Udp(V6().HopLimit(9), 1), Udp(V6(), 2)}),
            "0 1 2");
}

// DEF-36
TEST(Coalescer, JoinsNothingThatDiffersInTheTcpHeader) {
  for (const bool v4 : {true, false}) {
    const std::size_t tcp = v4 ? 20 : 40;
    const std::vector<Change> changes = {
        {"source port", Set(tcp + 1, 1)},
        {"destination port", Set(tcp + 3, 1)},
        {"sequence", Set(tcp + 7, 1)},
        {"acknowledgement", Set(tcp + 11, 9)},
        {"reserved bits", Set(tcp + 12, 0x51)},
        {"FIN", Set(tcp + 13, kAck | kFin)},
        {"SYN", Set(tcp + 13, kAck | kSyn)},
        {"RST", Set(tcp + 13, kAck | kRst)},
        {"URG", Set(tcp + 13, kAck | 0x20)},
        {"ECE", Set(tcp + 13, kAck | 0x40)},
        {"CWR", Set(tcp + 13, kAck | 0x80)},
        {"no ACK", Set(tcp + 13, 0)},
        {"window", Set(tcp + 15, 1)},
        {"urgent pointer", Set(tcp + 19, 1)},
        {"header length", Set(tcp + 12, 0x60)},
    };
    const PacketBuilder builder = v4 ? V4() : V6();
    for (const Change& change : changes) {
      ExpectApart({Tcp(builder, 0), Tcp(builder, 1), Tcp(builder, 3)}, change);
    }
  }
}

// DEF-36
TEST(Coalescer, JoinsNothingThatDiffersInTcpOptions) {
  const auto with_timestamp = [](unsigned i, std::uint8_t value) {
    Octets packet = Tcp(V6(), i, 4711, 112);
    Put32(packet, 44, 1000 + 100 * i);
    packet[52] = 0x80;
    const Octets option = {1, 1, 8, 10, 0, 0, 0, value, 0, 0, 0, 1};
    std::copy(option.begin(), option.end(), packet.begin() + 60);
    MendChecksums(packet);
    return packet;
  };
  EXPECT_EQ(Runs({with_timestamp(0, 7), with_timestamp(1, 7)}), "01");
  EXPECT_EQ(Runs({with_timestamp(0, 7), with_timestamp(1, 8)}), "0 1");
}

TEST(Coalescer, PshEndsARun) {
  Octets push = Tcp(V4(), 1);
  push[33] = kAck | kPsh;
  MendChecksums(push);
  EXPECT_EQ(Runs({Tcp(V4(), 0), push, Tcp(V4(), 2), Tcp(V4(), 3)}), "01 23");
  EXPECT_EQ(Runs({push, Tcp(V4(), 2), Tcp(V4(), 3)}), "0 12");
}

TEST(Coalescer, OnlyTheLastMayBeShorterAndNoneLonger) {
  EXPECT_EQ(Runs({Udp(V4(), 0), Udp(V4(), 1, 99), Udp(V4(), 2, 99)}), "01 2");
  EXPECT_EQ(Runs({Udp(V4(), 0), Udp(V4(), 1, 101), Udp(V4(), 2, 101)}), "0 12");
  EXPECT_EQ(Runs({Tcp(V4(), 0, 4711, 99), Tcp(V4(), 1)}), "0 1");
  EXPECT_EQ(Runs({Udp(V4(), 0), Udp(V4(), 1, 0), Udp(V4(), 2)}), "0 1 2");
  Octets acknowledges = Tcp(V4(), 1, 4711, 0);
  EXPECT_EQ(Runs({Tcp(V4(), 0), acknowledges, Tcp(V4(), 1)}), "0 1 2");
}

// RFC 6864: the identification of a packet with DF means nothing.
TEST(Coalescer, TakesOneIdentificationForAllWithDf) {
  const auto with_id = [](unsigned i, unsigned id) {
    Octets packet = Tcp(V4().DontFragment(), i);
    Put16(packet, 4, id);
    MendChecksums(packet);
    return packet;
  };
  EXPECT_EQ(Runs({with_id(0, 0), with_id(1, 0), with_id(2, 0)}), "012");
  EXPECT_EQ(Runs({with_id(0, 8), with_id(1, 9), with_id(2, 10)}), "012");
  EXPECT_EQ(Runs({with_id(0, 0xffff), with_id(1, 0), with_id(2, 1)}), "012");
  EXPECT_EQ(Runs({with_id(0, 8), with_id(1, 9), with_id(2, 8)}), "01 2");
  EXPECT_EQ(Runs({with_id(0, 8), with_id(1, 8), with_id(2, 10)}), "01 2");
}

TEST(Coalescer, AWrongChecksumIsNeitherHiddenNorMended) {
  const auto damaged = [](Octets packet, std::size_t at) {
    packet[at] ^= 1;
    return packet;
  };
  // In the payload, TCP's checksum, and IPv4's.
  for (const std::size_t at : {139U, 36U, 10U}) {
    EXPECT_EQ(Runs({Tcp(V4(), 0), damaged(Tcp(V4(), 1), at), Tcp(V4(), 2)}),
              "0 1 2")
        << at;
    EXPECT_EQ(Runs({damaged(Tcp(V4(), 0), at), Tcp(V4(), 1), Tcp(V4(), 2)}),
              "0 12")
        << at;
    EXPECT_EQ(Runs({Tcp(V4(), 0), Tcp(V4(), 1), damaged(Tcp(V4(), 2), at)}),
              "01 2")
        << at;
  }
  Octets unsummed = Udp(V4(), 1);
  Put16(unsummed, 26, 0);
  EXPECT_EQ(Runs({Udp(V4(), 0), unsummed, Udp(V4(), 2)}), "0 1 2");
}

// DEF-36
TEST(Coalescer, JoinsNoOptionsExtensionHeadersAndFragments) {
  const std::vector<std::vector<Octets>> rows = {
      {Udp(V4().Ipv4Options({1, 1, 1, 0}), 0),
       Udp(V4().Ipv4Options({1, 1, 1, 0}), 1)},
      {Udp(V6().Extension(60, {0, 0, 1, 4, 0, 0, 0, 0}), 0),
       Udp(V6().Extension(60, {0, 0, 1, 4, 0, 0, 0, 0}), 1)},
      {Udp(V4().MoreFragments(), 0), Udp(V4().MoreFragments(), 1)},
      {Udp(V4().FragmentOffset(8), 0), Udp(V4().FragmentOffset(8), 1)},
      {V4().IcmpEcho(1, 2), V4().IcmpEcho(1, 3)},
      {{}, {0x45}, {0x60}, Octets(20, 0x45), Octets(40, 0x60)},
  };
  for (const std::vector<Octets>& row : rows) {
    const std::string runs = Runs(row);
    EXPECT_EQ(runs.size(), 2 * row.size() - 1) << runs;
  }
  Octets padded = Udp(V6(), 1);
  padded.push_back(0);
  EXPECT_EQ(Runs({Udp(V6(), 0), padded, Udp(V6(), 1)}), "0 1 2");
}

TEST(Coalescer, JoinsFlowsThatAreMixed) {
  EXPECT_EQ(
      Runs({Tcp(V4(), 0, 1), Tcp(V4(), 0, 2), Udp(V4(), 0), Tcp(V4(), 1, 2),
            Udp(V4(), 1), Tcp(V4(), 1, 1), Tcp(V6(), 0, 1), Tcp(V4(), 2, 1)}),
      "057 13 24 6");
}

// DEF-37
// What cannot join goes where it came in its flow; what may be of any flow
// (here the fragment, whose ports nobody sees) in all of them.
TEST(Coalescer, KeepsTheOrderOfEachFlow) {
  Octets acknowledges = Tcp(V4(), 1, 1, 0);
  EXPECT_EQ(Runs({Tcp(V4(), 0, 1), Tcp(V4(), 0, 2), acknowledges,
                  Tcp(V4(), 1, 1), Tcp(V4(), 1, 2), Tcp(V4(), 2, 1)}),
            "0 14 2 35");
  EXPECT_EQ(
      Runs({Tcp(V4(), 0, 1), Tcp(V4(), 0, 2), Udp(V4().FragmentOffset(9), 5),
            Tcp(V4(), 1, 1), Tcp(V4(), 1, 2)}),
      "0 1 2 3 4");
}

TEST(Coalescer, ForgetsAFlowWhenThereAreTooMany) {
  std::vector<Octets> packets;
  for (std::uint16_t port = 0; port <= Coalescer::kFlows; ++port) {
    packets.push_back(Tcp(V4(), 0, port));
  }
  packets.push_back(Tcp(V4(), 1, 0));   // its flow is forgotten
  packets.push_back(Tcp(V4(), 1, 16));  // the latest one is not
  EXPECT_EQ(Runs(packets), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 1618 17");
}

TEST(Coalescer, JoinsNeverMoreThanAnIpPacketHolds) {
  for (const PacketBuilder& builder : {V4(), V6()}) {
    std::vector<Octets> packets;
    std::uint32_t sequence = 1;
    for (unsigned i = 0; i < 10; ++i) {
      Octets packet = builder.Tcp(1, 2, kAck, Pattern(8000, i));
      Put32(packet, TransportOf(packet) + 4, sequence);
      if (packet[0] == 0x45) {
        Put16(packet, 4, i);
      }
      MendChecksums(packet);
      packets.push_back(packet);
      sequence += 8000;
    }
    EXPECT_EQ(Runs(packets), "01234567 89");
  }
}

}  // namespace
}  // namespace postern
