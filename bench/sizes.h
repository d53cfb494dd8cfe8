// SPDX-License-Identifier: Apache-2.0
//
// The payload sizes, in octets, that every benchmark of packets runs at: the
// smallest, two in between, what fits a tunnel over Ethernet, a jumbo frame.
//
// A benchmark's name is <operation>/<whose>/<octets>. `whose` is "postern", or
// "libcrypto" or "ipsec-mb": the same operation by bare calls of that library;
// bench/report.py divides the one by the other.

#ifndef POSTERN_BENCH_SIZES_H_
#define POSTERN_BENCH_SIZES_H_

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace postern::bench {

inline void PacketSizes(benchmark::internal::Benchmark* benchmark) {
  for (const int octets : {64, 256, 576, 1408, 8960}) {
    benchmark->Arg(octets);
  }
}

inline std::vector<std::uint8_t> Octets(std::size_t count) {
  std::vector<std::uint8_t> octets(count);
  for (std::size_t i = 0; i < count; ++i) {
    octets[i] = static_cast<std::uint8_t>(i * 37 + 11);
  }
  return octets;
}

inline void CountOctets(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

}  // namespace postern::bench

#endif  // POSTERN_BENCH_SIZES_H_
