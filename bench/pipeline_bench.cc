// SPDX-License-Identifier: Apache-2.0
//
// Whole pipelines without I/O: parsing, policy with a warm flow table, the
// sequence number, the lifetime, the replay window and the transform, in batches
// of 32, beside what the cipher alone costs in bare libcrypto.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "bench/bare_libcrypto.h"
#include "bench/sizes.h"
#include "bench/udp_source.h"
#include "core/rcu.h"
#include "pipeline/inbound.h"
#include "pipeline/outbound.h"
#include "tests/support/fake_socket_owner.h"

namespace postern::bench {

namespace {

constexpr std::size_t kBatch = 32;
constexpr std::size_t kKeySize = 16;

class SilentSinks : public SaEventSink, public AuditSink {
 public:
  bool Post(const SaEvent& /*event*/) override { return true; }

  void Audit(const AuditEvent& /*event*/) override {}
};

// Half a host: one direction of the path from here to the peer, at system level
// REQUIRE for ESP transport.
class Half {
 public:
  explicit Half(Direction direction) {
    Route everything;
    everything.prefix = IpPrefix::Parse("0.0.0.0/0").value();
    everything.levels.Set(Category::kEspTransport, Level::kRequire);
    system_.Replace(RouteTable::Create({everything}).value());

    SaParameters esp;
    esp.direction = direction;
    esp.spi = Spi{0x1001};
    esp.source = HereAddress();
    esp.destination = PeerAddress();
    esp.encryption = Encryption::kAesGcm16;
    esp.encryption_key =
        SecretBytes(Octets(kKeySize + InfoOf(Encryption::kAesGcm16).salt));
    if (!sadb_.Add(esp, {}, Instant()).ok()) {
      std::abort();
    }
    kernel_.Open(
        direction == Direction::kOutbound
            ? FlowKey{HereAddress(), PeerAddress(), UdpSource::kLocalPort,
                      UdpSource::kRemotePort, Number(IpProtocol::kUdp)}
            : FlowKey{PeerAddress(), HereAddress(), UdpSource::kRemotePort,
                      UdpSource::kLocalPort, Number(IpProtocol::kUdp)},
        SocketCookie{1});
  }

  OutboundPipeline Outbound() {
    return OutboundPipeline({sadb_,
                             flows_,
                             acquires_,
                             stats_,
                             WorkerIndex{0},
                             std::size_t{9216},
                             {}});
  }

  InboundPipeline Inbound() {
    return InboundPipeline(
        {sadb_, system_, flows_, sinks_, stats_, WorkerIndex{0}});
  }

 private:
  SilentSinks sinks_;
  Acquires acquires_{nullptr};
  Sadb sadb_{sinks_};
  SystemPolicy system_;
  SocketTable sockets_;
  FakeSocketOwner kernel_;
  WorkerStats stats_;
  FlowResolver flows_{{system_, sockets_, kernel_, stats_}, 1024};
};

void Fill(Batch& batch, UdpSource& source) {
  while (batch.size() < kBatch) {
    batch.Push(source.Next());
  }
}

void CountPackets(benchmark::State& state) {
  const auto batch = static_cast<std::int64_t>(kBatch);
  state.SetBytesProcessed(state.iterations() * batch * state.range(0));
  state.counters["packets"] = static_cast<double>(kBatch);
}

void Send(benchmark::State& state) {
  RcuReader reader;
  Half here(Direction::kOutbound);
  OutboundPipeline outbound = here.Outbound();
  UdpSource source(static_cast<std::size_t>(state.range(0)));
  Batch clear;
  Batch sealed;
  for (auto _ : state) {
    Fill(clear, source);
    outbound.Run(clear, sealed, Instant());
    if (sealed.size() != kBatch) {
      state.SkipWithError("dropped");
    }
    sealed.Clear();
    reader.Quiescent();
  }
  CountPackets(state);
}

void SendReceive(benchmark::State& state) {
  RcuReader reader;
  Half here(Direction::kOutbound);
  Half there(Direction::kInbound);
  OutboundPipeline outbound = here.Outbound();
  InboundPipeline inbound = there.Inbound();
  UdpSource source(static_cast<std::size_t>(state.range(0)));
  Batch clear;
  Batch sealed;
  for (auto _ : state) {
    Fill(clear, source);
    outbound.Run(clear, sealed, Instant());
    inbound.Run(sealed, clear, Instant());
    if (clear.size() != kBatch) {
      state.SkipWithError("dropped");
    }
    clear.Clear();
    reader.Quiescent();
  }
  CountPackets(state);
}

enum class Way : std::uint8_t { kThere, kThereAndBack };

void Bare(benchmark::State& state, Way way) {
  BareGcm bare(Octets(kKeySize));
  // As many packets as the pipeline has, each in its own buffer: the data cache
  // shall be the same to both.
  const auto size = static_cast<std::size_t>(state.range(0));
  UdpSource source(size);
  Batch batch;
  Fill(batch, source);
  std::array<std::uint8_t, 12> nonce{};
  std::array<std::uint8_t, 8> aad{};
  std::array<std::uint8_t, 16> tag{};
  for (auto _ : state) {
    for (Packet& packet : batch) {
      const Bytes octets = packet.bytes().first(size);
      ++nonce[11];
      bare.Seal(nonce, aad, octets, tag);
      if (way == Way::kThereAndBack) {
        bare.Open(nonce, aad, octets, tag);
      }
    }
  }
  batch.Clear();
  CountPackets(state);
}

BENCHMARK(Send)
    ->Name("pipeline_out_esp_aes_128_gcm/postern")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(Bare, , Way::kThere)
    ->Name("pipeline_out_esp_aes_128_gcm/libcrypto")
    ->Apply(PacketSizes);
BENCHMARK(SendReceive)
    ->Name("pipeline_out_in_esp_aes_128_gcm/postern")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(Bare, , Way::kThereAndBack)
    ->Name("pipeline_out_in_esp_aes_128_gcm/libcrypto")
    ->Apply(PacketSizes);

}  // namespace

}  // namespace postern::bench
