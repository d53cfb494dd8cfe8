// SPDX-License-Identifier: Apache-2.0
//
// The internet checksum, alone and while copying, beside the bare copy.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "bench/sizes.h"
#include "core/net/checksum.h"

namespace postern::bench {

namespace {

void Sum(benchmark::State& state) {
  const std::vector<std::uint8_t> from =
      Octets(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    InternetSum sum;
    sum.Add(from);
    benchmark::DoNotOptimize(sum.Checksum());
  }
  CountOctets(state);
}

void SumCopying(benchmark::State& state) {
  const std::vector<std::uint8_t> from =
      Octets(static_cast<std::size_t>(state.range(0)));
  std::vector<std::uint8_t> to(from.size());
  for (auto _ : state) {
    InternetSum sum;
    sum.AddCopying(to, from);
    benchmark::DoNotOptimize(sum.Checksum());
    benchmark::ClobberMemory();
  }
  CountOctets(state);
}

void Copy(benchmark::State& state) {
  const std::vector<std::uint8_t> from =
      Octets(static_cast<std::size_t>(state.range(0)));
  std::vector<std::uint8_t> to(from.size());
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::ClobberMemory();
  }
  CountOctets(state);
}

BENCHMARK(Sum)->Name("checksum/postern")->Apply(PacketSizes);
BENCHMARK(SumCopying)->Name("checksum_copying/postern")->Apply(PacketSizes);
BENCHMARK(Copy)->Name("copy/libc")->Apply(PacketSizes);

}  // namespace

}  // namespace postern::bench
