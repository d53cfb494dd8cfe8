// SPDX-License-Identifier: Apache-2.0
//
// The SADB with one, a thousand and a million SAs: what a look-up costs, what
// one SA weighs, what adding and deleting cost. Beside each look-up stands the
// same one in std::unordered_map, which no writer may change meanwhile: the
// price of being concurrent is the ratio.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "core/keyed_hash.h"
#include "core/rcu.h"
#include "sadb/sadb.h"

namespace postern::bench {
namespace {

constexpr std::uint32_t kFirstSpi = 0x1000;
constexpr Instant kStart{std::chrono::hours(1)};

class DeafSink final : public SaEventSink {
 public:
  bool Post(const SaEvent&) override { return true; }
};

IpAddress Host(std::uint32_t number) {
  std::array<std::uint8_t, 4> octets{};
  StoreBe<std::uint32_t>(octets, 0x0a000000U + number);
  return IpAddress::FromOctets(octets);
}

SaParameters Inbound(std::uint32_t number) {
  std::array<std::uint8_t, 20> key{};
  StoreBe<std::uint32_t>(key, number);
  SaParameters sa;
  sa.direction = Direction::kInbound;
  sa.spi = Spi{kFirstSpi + number};
  sa.source = Host(2);
  sa.destination = Host(1);
  sa.encryption = Encryption::kAesGcm16;
  sa.encryption_key = SecretBytes(key);
  sa.hard.time = std::chrono::hours(8);
  return sa;
}

// To peer `number`, from us.
SaParameters Outbound(std::uint32_t number) {
  SaParameters sa = Inbound(number);
  sa.direction = Direction::kOutbound;
  sa.source = Host(1);
  sa.destination = Host(1000 + number);
  return sa;
}

// A cheap generator: the look-ups must not be in the order of the making.
class Walk {
 public:
  explicit Walk(std::uint32_t bound) : bound_(bound) {}

  std::uint32_t Next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::uint32_t>(((state_ >> 33) * bound_) >> 31);
  }

 private:
  std::uint64_t state_ = 2026;
  std::uint64_t bound_;
};

std::size_t HeapInUse() {
  const struct mallinfo2 heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

// `count` SAs, and how many octets of heap each took.
struct Filled {
  explicit Filled(std::uint32_t count, SaParameters (*make)(std::uint32_t))
      : sadb(std::make_unique<Sadb>(sink)) {
    const std::size_t before = HeapInUse();
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!sadb->Add(make(i), {}, kStart).ok()) {
        std::abort();
      }
    }
    octets_each = static_cast<double>(HeapInUse() - before) / count;
  }

  ~Filled() {
    sadb.reset();
    RcuBarrier();
  }

  DeafSink sink;
  std::unique_ptr<Sadb> sadb;
  double octets_each = 0;
};

// Made once: a benchmark's function runs several times.
const Filled& Of(std::uint32_t count, SaParameters (*make)(std::uint32_t)) {
  static std::map<std::pair<std::uint32_t, SaParameters (*)(std::uint32_t)>,
                  std::unique_ptr<Filled>>
      all;
  std::unique_ptr<Filled>& filled = all[{count, make}];
  if (filled == nullptr) {
    filled = std::make_unique<Filled>(count, make);
  }
  return *filled;
}

constexpr std::uint32_t kAll = ~0U;

// Looks up SAs at random: any of them, or of `busy` that lie apart. With a million and
// all of them busy, every look-up misses the caches; with a thousand busy ones
// the difference to a thousand in all is what the other SAs cost.
void FindInbound(benchmark::State& state, std::uint32_t busy) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  const Filled& filled = Of(count, &Inbound);
  const RcuReader reader;
  const IpAddress here = Host(1);
  Walk walk(std::min(busy, count));
  const std::uint32_t apart = std::max(1U, count / busy);
  for (auto _ : state) {
    benchmark::DoNotOptimize(filled.sadb->FindInbound(
        Spi{kFirstSpi + walk.Next() * apart}, here, IpsecProtocol::kEsp));
  }
  state.counters["octets_per_sa"] = filled.octets_each;
}

BENCHMARK_CAPTURE(FindInbound, , kAll)
    ->Name("sadb_find_inbound/postern")
    ->Arg(1)
    ->Arg(1'000)
    ->Arg(1'000'000);
BENCHMARK_CAPTURE(FindInbound, , 1'000)
    ->Name("sadb_find_inbound_1000_busy/postern")
    ->Arg(1'000)
    ->Arg(1'000'000);

void FindOutbound(benchmark::State& state, std::uint32_t busy) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  const Filled& filled = Of(count, &Outbound);
  const RcuReader reader;
  Walk walk(std::min(busy, count));
  const std::uint32_t apart = std::max(1U, count / busy);
  for (auto _ : state) {
    const IpAddress peer = Host(1000 + walk.Next() * apart);
    const FlowKey flow{.local = Host(1),
                       .remote = peer,
                       .local_port = 4711,
                       .remote_port = 80,
                       .protocol = 6};
    benchmark::DoNotOptimize(filled.sadb->FindOutbound(
        {IpsecProtocol::kEsp, IpsecMode::kTransport, Host(1), peer}, flow));
  }
  state.counters["octets_per_sa"] = filled.octets_each;
}

BENCHMARK_CAPTURE(FindOutbound, , kAll)
    ->Name("sadb_find_outbound/postern")
    ->Arg(1)
    ->Arg(1'000)
    ->Arg(1'000'000);
BENCHMARK_CAPTURE(FindOutbound, , 1'000)
    ->Name("sadb_find_outbound_1000_busy/postern")
    ->Arg(1'000)
    ->Arg(1'000'000);

struct HashIdentity {
  std::size_t operator()(const SaIdentity& identity) const {
    std::array<std::uint8_t, 21> octets{};
    Writer out(octets);
    out.Write(static_cast<std::uint8_t>(identity.protocol));
    out.Write(Number(identity.spi));
    out.Put(identity.destination.octets());
    return KeyedHash(out.written());
  }
};

void FindInUnorderedMap(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  std::unordered_map<SaIdentity, std::unique_ptr<SaParameters>, HashIdentity>
      map;
  for (std::uint32_t i = 0; i < count; ++i) {
    const SaParameters sa = Inbound(i);
    map.emplace(sa.identity(), std::make_unique<SaParameters>(sa));
  }
  const IpAddress here = Host(1);
  Walk walk(count);
  for (auto _ : state) {
    benchmark::DoNotOptimize(map.find(
        SaIdentity{Spi{kFirstSpi + walk.Next()}, here, IpsecProtocol::kEsp}));
  }
}

BENCHMARK(FindInUnorderedMap)
    ->Name("sadb_find_unordered_map")
    ->Arg(1)
    ->Arg(1'000)
    ->Arg(1'000'000);

// Beside `range` others.
void AddAndDelete(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  const Filled& filled = Of(count, &Outbound);
  const SaParameters extra = Outbound(count);
  for (auto _ : state) {
    if (!filled.sadb->Add(extra, {}, kStart).ok() ||
        !filled.sadb->Delete(extra.identity()).ok()) {
      state.SkipWithError("refused");
      break;
    }
  }
}

BENCHMARK(AddAndDelete)
    ->Name("sadb_add_delete/postern")
    ->Arg(1)
    ->Arg(1'000'000);

SaParameters Numbered() {
  SaParameters parameters = Outbound(0);
  parameters.numbers = SequenceNumbers::kExtended;
  return parameters;
}

void NextNumber(benchmark::State& state) {
  DeafSink sink;
  SecurityAssociation sa(Numbered(), {}, kStart, 1, sink);
  for (auto _ : state) {
    benchmark::DoNotOptimize(sa.NextNumber(1400, kStart));
  }
}

// Of one SA, by several workers at once: what bounds a single SA's packets a
// second, however many the cores.
void NextNumberShared(benchmark::State& state) {
  static DeafSink sink;
  static SecurityAssociation sa(Numbered(), {}, kStart, 1, sink);
  for (auto _ : state) {
    benchmark::DoNotOptimize(sa.NextNumber(1400, kStart));
  }
}

BENCHMARK(NextNumber)->Name("sadb_next_number/postern");
BENCHMARK(NextNumberShared)
    ->Name("sadb_next_number_shared")
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();

void SizeOfTypes(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(state.iterations());
  }
  state.counters["SecurityAssociation"] = sizeof(SecurityAssociation);
  state.counters["SaParameters"] = sizeof(SaParameters);
}

BENCHMARK(SizeOfTypes)->Name("sadb_sizes")->Iterations(1);

}  // namespace
}  // namespace postern::bench
