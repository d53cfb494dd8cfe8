// SPDX-License-Identifier: Apache-2.0
//
// OutboundPolicy and InboundPolicy with a warm flow table: what every packet
// after a flow's first one pays for policy.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/rcu.h"
#include "policy/decide.h"
#include "tests/support/fake_socket_owner.h"

namespace postern::bench {
namespace {

class SilentSink : public SaEventSink {
 public:
  bool Post(const SaEvent& /*event*/) override { return true; }
};

constexpr std::size_t kTableSize = 65'536;

IpAddress Here() {
  return IpAddress::Parse("10.9.1.1").value();
}

IpAddress Peer() {
  return IpAddress::Parse("10.9.2.1").value();
}

using Segment = std::array<std::uint8_t, 40>;

// An IPv4 packet with a bare TCP ACK.
Segment AckSegment(const FlowKey& key, Direction direction) {
  Segment segment{0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6};
  const bool out = direction == Direction::kOutbound;
  const Bytes octets(segment);
  CopyBytes(octets.subspan(12), (out ? key.local : key.remote).octets());
  CopyBytes(octets.subspan(16), (out ? key.remote : key.local).octets());
  StoreBe(octets.subspan(20), out ? key.local_port : key.remote_port);
  StoreBe(octets.subspan(22), out ? key.remote_port : key.local_port);
  segment[32] = 0x50;  // five words of header
  segment[33] = 0x10;  // ACK
  return segment;
}

FlowKey KeyOf(std::uint16_t port) {
  return {Here(), Peer(), port, 80, Number(IpProtocol::kTcp)};
}

// A host with `flows` TCP connections whose sockets have AH at this level.
class Host {
 public:
  Host(std::size_t flows, Level level) {
    SaParameters ah;
    ah.protocol = IpsecProtocol::kAh;
    ah.spi = Spi{0x1000};
    ah.source = Here();
    ah.destination = Peer();
    ah.integrity = Integrity::kHmacSha2_256_128;
    ah.integrity_key = SecretBytes(std::vector<std::uint8_t>(32, 1));
    (void)sadb_.Add(ah, {}, Instant());
    ah.direction = Direction::kInbound;
    std::swap(ah.source, ah.destination);
    ah.integrity_key = SecretBytes(std::vector<std::uint8_t>(32, 2));
    (void)sadb_.Add(ah, {}, Instant());
    path_.Add(*sadb_.Get(ah.identity()));
    for (std::size_t i = 0; i < flows; ++i) {
      OpenConnection(SocketCookie{i + 1}, static_cast<std::uint16_t>(1024 + i),
                     level);
    }
  }

  Decision Decide(std::size_t flow) {
    return outbound_.Decide(*IpView::Parse(outbound_packets_[flow]), Owner(),
                            Instant());
  }

  bool Admit(std::size_t flow) {
    return inbound_
        .Admit(*IpView::Parse(inbound_packets_[flow]), path_, Instant())
        .ok();
  }

 private:
  void OpenConnection(SocketCookie cookie, std::uint16_t port, Level level) {
    const FlowKey key = KeyOf(port);
    kernel_.Open(key, cookie);
    sockets_.Obtain(cookie).value()->SetLevel(Category::kAh, level);
    outbound_packets_.push_back(AckSegment(key, Direction::kOutbound));
    inbound_packets_.push_back(AckSegment(key, Direction::kInbound));
  }

  const RcuReader reader_;
  SilentSink sink_;
  Sadb sadb_{sink_};
  SystemPolicy system_;
  SocketTable sockets_;
  FakeSocketOwner kernel_;
  WorkerStats stats_;
  FlowResolver flows_{{system_, sockets_, kernel_, stats_}, kTableSize};
  OutboundPolicy outbound_{sadb_, flows_};
  InboundPolicy inbound_{system_, flows_};
  TransformPath path_;
  std::vector<Segment> outbound_packets_;
  std::vector<Segment> inbound_packets_;
};

// What the policy costs includes this; reported for the difference.
void ParseAlone(benchmark::State& state) {
  const Segment packet = AckSegment(KeyOf(1024), Direction::kOutbound);
  for (auto _ : state) {
    benchmark::DoNotOptimize(IpView::Parse(packet)->payload_offset());
  }
}

void DecideWarm(benchmark::State& state, Level level) {
  const auto flows = static_cast<std::size_t>(state.range(0));
  Host host(flows, level);
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(host.Decide(next).index());
    next = next + 1 == flows ? 0 : next + 1;
  }
}

void AdmitWarm(benchmark::State& state, Level level) {
  const auto flows = static_cast<std::size_t>(state.range(0));
  Host host(flows, level);
  std::size_t next = 0;
  for (auto _ : state) {
    if (!host.Admit(next)) {
      state.SkipWithError("refused");
    }
    next = next + 1 == flows ? 0 : next + 1;
  }
}

BENCHMARK(ParseAlone)->Name("policy_parse_alone");
BENCHMARK_CAPTURE(DecideWarm, , Level::kNone)
    ->Name("policy_decide/none")
    ->Arg(1)
    ->Arg(10'000);
BENCHMARK_CAPTURE(DecideWarm, , Level::kRequire)
    ->Name("policy_decide/ah_require")
    ->Arg(1)
    ->Arg(10'000);
BENCHMARK_CAPTURE(AdmitWarm, , Level::kNone)
    ->Name("policy_admit/none")
    ->Arg(1)
    ->Arg(10'000);
BENCHMARK_CAPTURE(AdmitWarm, , Level::kRequire)
    ->Name("policy_admit/ah_require")
    ->Arg(1)
    ->Arg(10'000);

}  // namespace
}  // namespace postern::bench
