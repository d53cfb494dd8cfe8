// SPDX-License-Identifier: Apache-2.0
//
// Two udp wires on the loopback, one thread: what the kernel and the wires cost
// a packet, sent and received, without any protection. "trains" sends equal
// sizes; "singles" sizes that grow, so that each datagram is a message of its
// own, but all of them still one system call.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "core/net/ip_view.h"
#include "wire/udp_wire.h"

namespace postern::bench {
namespace {

// Packets a batch: what a super-packet of 64 KiB has at 1408 octets.
constexpr std::size_t kBatch = 44;
constexpr std::size_t kHeader = 20;

std::unique_ptr<UdpWire> WireOf(const char* here, const char* there,
                                const char* listen, const char* at) {
  auto wire =
      UdpWire::Create({.listen = {UdpEndpoint::Parse(listen).value()},
                       .peers = {{.host = IpAddress::Parse(there).value(),
                                  .at = UdpEndpoint::Parse(at).value()}},
                       .own_addresses = {IpAddress::Parse(here).value()},
                       .path_mtu_octets = 1600});
  return std::move(wire).value();
}

class Line {
 public:
  explicit Line(std::size_t growth) : growth_(growth) {}

  // Returns how many packets came through.
  std::size_t Pass(std::size_t esp_octets) {
    Batch out;
    for (std::size_t i = 0; i < kBatch; ++i) {
      Packet packet = pool_.Take(kHeader + esp_octets + i * growth_);
      header_.Write(packet.bytes(), 0);
      StoreBe<std::uint32_t>(packet.bytes().subspan(kHeader), 0x1001);
      out.Push(std::move(packet));
    }
    from_->Send(out, stats_);
    std::size_t came = 0;
    for (;;) {
      Batch in;
      const std::size_t received = to_->Receive(in, pool_, stats_);
      in.Clear();
      if (received == 0) {
        return came;
      }
      came += received;
    }
  }

 private:
  const std::size_t growth_;
  PacketPool pool_{PacketPool::Shape{}};
  WorkerStats stats_;
  RebuiltHeader header_{IpAddress::Parse("10.9.1.1").value(),
                        IpAddress::Parse("10.9.2.1").value()};
  std::unique_ptr<UdpWire> from_ =
      WireOf("10.9.1.1", "10.9.2.1", "127.9.1.1:4500", "127.9.2.1:4500");
  std::unique_ptr<UdpWire> to_ =
      WireOf("10.9.2.1", "10.9.1.1", "127.9.2.1:4500", "127.9.1.1:4500");
};

void Pass(benchmark::State& state, std::size_t growth) {
  Line line(growth);
  const auto octets = static_cast<std::size_t>(state.range(0));
  std::size_t came = 0;
  for (auto _ : state) {
    came += line.Pass(octets);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(came));
  state.SetBytesProcessed(static_cast<std::int64_t>(came * octets));
}

void Trains(benchmark::State& state) {
  Pass(state, 0);
}

void Singles(benchmark::State& state) {
  Pass(state, 1);
}

BENCHMARK(Trains)->Name("udp_wire/trains")->Arg(64)->Arg(576)->Arg(1408);
BENCHMARK(Singles)->Name("udp_wire/singles")->Arg(64)->Arg(576)->Arg(1408);

}  // namespace
}  // namespace postern::bench
