// SPDX-License-Identifier: Apache-2.0
//
// Whole pipelines without I/O: parsing, policy with a warm flow table, the
// sequence number, the lifetime, the replay window and the transform, in batches
// of kBurst packets, beside what the transform's algorithms alone cost in bare
// calls of the same crypto library. A MAC alone covers 28 to 52 octets more in
// the pipeline than in the bare call: headers.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "bench/backends.h"
#include "bench/sizes.h"
#include "bench/udp_bursts.h"
#include "bench/udp_source.h"
#include "core/rcu.h"
#include "pipeline/inbound.h"
#include "pipeline/outbound.h"
#include "tests/support/fake_socket_owner.h"

namespace postern::bench {

namespace {

constexpr std::size_t kManyFlows = 64;

// One SA, and how often the flow changes.
struct Case {
  std::string name;
  IpsecProtocol protocol = IpsecProtocol::kEsp;
  Encryption encryption = Encryption::kNull;
  Integrity integrity = Integrity::kNone;
  std::size_t flows = 1;
};

std::vector<Case> Cases() {
  constexpr Integrity kSha256 = Integrity::kHmacSha2_256_128;
  return {
      {"esp_aes_128_gcm", IpsecProtocol::kEsp, Encryption::kAesGcm16},
      {"esp_aes_128_gcm_64_flows", IpsecProtocol::kEsp, Encryption::kAesGcm16,
       Integrity::kNone, kManyFlows},
      {"esp_aes_128_cbc_hmac_sha256", IpsecProtocol::kEsp, Encryption::kAesCbc,
       kSha256},
      {"ah_hmac_sha256", IpsecProtocol::kAh, Encryption::kNull, kSha256},
  };
}

SaParameters SaOf(const Case& of, Direction direction) {
  SaParameters sa;
  sa.direction = direction;
  sa.protocol = of.protocol;
  sa.spi = Spi{0x1001};
  sa.source = HereAddress();
  sa.destination = PeerAddress();
  sa.encryption = of.encryption;
  if (of.encryption != Encryption::kNull) {
    sa.encryption_key = SecretBytes(Octets(16 + InfoOf(of.encryption).salt));
  }
  sa.integrity = of.integrity;
  if (of.integrity != Integrity::kNone) {
    sa.integrity_key = SecretBytes(Octets(InfoOf(of.integrity).key));
  }
  return sa;
}

class SilentSinks : public SaEventSink, public AuditSink {
 public:
  bool Post(const SaEvent& /*event*/) override { return true; }

  void Audit(const AuditEvent& /*event*/) override {}
};

// Half a host: one direction of the path from here to the peer, at system level
// REQUIRE for what the SA does.
class Half {
 public:
  Half(const Case& of, Direction direction) {
    Route everything;
    everything.prefix = IpPrefix::Parse("0.0.0.0/0").value();
    everything.levels.Set(of.protocol == IpsecProtocol::kAh
                              ? Category::kAh
                              : Category::kEspTransport,
                          Level::kRequire);
    system_.Replace(RouteTable::Create({everything}).value());
    if (!sadb_.Add(SaOf(of, direction), {}, Instant()).ok()) {
      std::abort();
    }
    const bool out = direction == Direction::kOutbound;
    for (std::size_t i = 0; i < of.flows; ++i) {
      const auto port = static_cast<std::uint16_t>(UdpSource::kLocalPort + i);
      FlowKey key{HereAddress(), PeerAddress(), port, UdpSource::kRemotePort,
                  Number(IpProtocol::kUdp)};
      if (!out) {
        std::swap(key.local, key.remote);
        std::swap(key.local_port, key.remote_port);
      }
      kernel_.Open(key, SocketCookie{i + 1});
    }
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
  while (batch.size() < kBurst) {
    batch.Push(source.Next());
  }
}

void Send(benchmark::State& state, const Case& of, CryptoBackend backend) {
  RcuReader reader;
  static_cast<void>(ChooseBackend(backend));
  Half here(of, Direction::kOutbound);
  OutboundPipeline outbound = here.Outbound();
  UdpSource source(static_cast<std::size_t>(state.range(0)));
  source.Spread(of.flows);
  Batch clear;
  Batch sealed;
  for (auto _ : state) {
    Fill(clear, source);
    outbound.Run(clear, sealed, Instant());
    if (sealed.size() != kBurst) {
      state.SkipWithError("dropped");
    }
    sealed.Clear();
    reader.Quiescent();
  }
  CountBursts(state);
}

void SendReceive(benchmark::State& state, const Case& of,
                 CryptoBackend backend) {
  RcuReader reader;
  static_cast<void>(ChooseBackend(backend));
  Half here(of, Direction::kOutbound);
  Half there(of, Direction::kInbound);
  OutboundPipeline outbound = here.Outbound();
  InboundPipeline inbound = there.Inbound();
  UdpSource source(static_cast<std::size_t>(state.range(0)));
  source.Spread(of.flows);
  Batch clear;
  Batch sealed;
  for (auto _ : state) {
    Fill(clear, source);
    outbound.Run(clear, sealed, Instant());
    inbound.Run(sealed, clear, Instant());
    if (clear.size() != kBurst) {
      state.SkipWithError("dropped");
    }
    clear.Clear();
    reader.Quiescent();
  }
  CountBursts(state);
}

// The pipelines' own share: the batches are made and emptied, nothing is done.
void FillAlone(benchmark::State& state) {
  UdpSource source(static_cast<std::size_t>(state.range(0)));
  Batch batch;
  for (auto _ : state) {
    Fill(batch, source);
    benchmark::DoNotOptimize(batch.begin());
    batch.Clear();
  }
  CountBursts(state);
}

const bool kRegistered = [] {
  const auto add = [](const std::string& name, auto run, auto... arguments) {
    PacketSizes(benchmark::RegisterBenchmark(name.c_str(), run, arguments...));
  };
  add("pipeline_fill/postern", FillAlone);
  for (const Case& of : Cases()) {
    for (const CryptoBackend backend : ServedBackends()) {
      const std::string ours = of.name + SuffixOf(backend) + "/postern";
      add("pipeline_out_" + ours, Send, of, backend);
      add("pipeline_out_in_" + ours, SendReceive, of, backend);
    }
  }
  return true;
}();

}  // namespace

}  // namespace postern::bench
