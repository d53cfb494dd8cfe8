// SPDX-License-Identifier: Apache-2.0
//
// UdpBursts lends out bursts of a UdpSource's packets as jobs for a transform,
// each with the view that a pipeline would have made of it.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_BENCH_UDP_BURSTS_H_
#define POSTERN_BENCH_UDP_BURSTS_H_

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/udp_source.h"
#include "core/burst.h"
#include "core/packet/outbound_job.h"

namespace postern::bench {

class UdpBursts {
 public:
  explicit UdpBursts(std::size_t payload) : source_(payload) {}

  UdpBursts(const UdpBursts&) = delete;
  UdpBursts& operator=(const UdpBursts&) = delete;

  std::span<OutboundJob> Next() {
    for (std::size_t i = 0; i < kBurst; ++i) {
      packets_[i] = source_.Next();
      jobs_[i] = {.packet = &packets_[i], .seq = ++seq_};
    }
    return jobs_;
  }

  // Gives the burst back. False when a packet of it was refused.
  bool Release() {
    bool all = true;
    for (std::size_t i = 0; i < kBurst; ++i) {
      all = all && jobs_[i].outcome.ok();
      packets_[i].Release();
    }
    return all;
  }

 private:
  UdpSource source_;
  std::array<Packet, kBurst> packets_;
  std::array<OutboundJob, kBurst> jobs_;
  std::uint64_t seq_ = 0;
};

// What report.py needs to tell the cost of a packet.
inline void CountBursts(benchmark::State& state) {
  state.counters["packets"] = static_cast<double>(kBurst);
  state.SetBytesProcessed(state.iterations() * state.range(0) *
                          static_cast<std::int64_t>(kBurst));
}

}  // namespace postern::bench

#endif  // POSTERN_BENCH_UDP_BURSTS_H_
