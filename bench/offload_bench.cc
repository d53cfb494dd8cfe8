// SPDX-License-Identifier: Apache-2.0
//
// Cutting a super-packet of 44 packets, and finding that 44 packets can be
// one, for packets with so much payload. The time is of all 44.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "bench/sizes.h"
#include "core/net/checksum.h"
#include "core/net/coalescer.h"
#include "core/net/ip_view.h"
#include "core/net/segmenter.h"

namespace postern::bench {

namespace {

constexpr std::size_t kPackets = 44;
constexpr std::size_t kHeaders = 40;

using Packet = std::vector<std::uint8_t>;

// IPv4 and TCP, from 10.0.0.1:1 to 10.0.0.2:2.
Packet TcpPacket(std::size_t payload) {
  Packet packet = Octets(kHeaders + payload);
  const std::vector<std::uint8_t> headers = {
      0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 10,   0,    0, 1, 10, 0, 0, 2,
      0,    1, 0, 2, 0, 0, 0,    0, 0,  0, 0, 0, 0x50, 0x10, 1, 0, 0,  0, 0, 0};
  CopyBytes(packet, headers);
  static_cast<void>(SetIpLength(packet, packet.size()));
  return packet;
}

void CutSuperPacket(benchmark::State& state) {
  const auto payload = static_cast<std::size_t>(state.range(0));
  const Packet super = TcpPacket(kPackets * payload);
  const VnetHeader vnet{.flags = VnetHeader::kNeedsChecksum,
                        .gso_type = VnetHeader::kTcpV4,
                        .header_length = kHeaders,
                        .gso_size = static_cast<std::uint16_t>(payload),
                        .checksum_start = 20,
                        .checksum_offset = 16};
  std::vector<Packet> cut(kPackets, Packet(kHeaders + payload));
  for (auto _ : state) {
    auto segmenter = Segmenter::Start(vnet, super);
    for (Packet& packet : cut) {
      segmenter->CutNext(packet);
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<std::int64_t>(kPackets));
}

void JoinPackets(benchmark::State& state) {
  const auto payload = static_cast<std::size_t>(state.range(0));
  std::vector<Packet> packets(kPackets, TcpPacket(payload));
  for (std::size_t i = 0; i < kPackets; ++i) {
    const Bytes octets(packets[i]);
    StoreBe(octets.subspan(4), static_cast<std::uint16_t>(i));
    StoreBe(octets.subspan(24), static_cast<std::uint32_t>(i * payload));
    MendIpv4Checksum(octets);
    const auto source = IpAddress::FromOctets(octets.subspan(12, 4));
    const auto destination = IpAddress::FromOctets(octets.subspan(16, 4));
    StoreBe(octets.subspan(36),
            TransportChecksum(source, destination, 6, octets.subspan(20)));
  }
  Coalescer coalescer(Coalescer::Datagrams::kTogether);
  for (auto _ : state) {
    coalescer.Clear();
    for (const Packet& packet : packets) {
      coalescer.Add(packet);
    }
    if (coalescer.runs().size() != 1) {
      state.SkipWithError("not joined");
    }
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<std::int64_t>(kPackets));
}

BENCHMARK(CutSuperPacket)
    ->Name("cut_super_packet/postern")
    ->Arg(64)
    ->Arg(576)
    ->Arg(1408);
BENCHMARK(JoinPackets)
    ->Name("join_packets/postern")
    ->Arg(64)
    ->Arg(576)
    ->Arg(1408);

}  // namespace

}  // namespace postern::bench
