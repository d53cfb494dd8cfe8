// SPDX-License-Identifier: Apache-2.0
//
// One warm packet through each pipeline, for bench/cache_lines.py, which looks at
// every access to memory between two stores to `postern_marker`. Tells on standard
// output where things are:
//     marker ADDRESS
//     packet ADDRESS OCTETS
//     stack ADDRESS

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "bench/instructions/half.h"
#include "core/rcu.h"

extern "C" {
volatile std::uint64_t postern_marker = 0;
}

namespace postern::bench {

namespace {

constexpr std::size_t kPayload = 1408;
constexpr int kWarmUp = 64;

std::uintptr_t AddressOf(const volatile void* thing) {
  return reinterpret_cast<std::uintptr_t>(thing);
}

// Takes one packet through both ways. The marker is set while a pipeline runs:
// to 1 outbound, to 2 inbound.
class Trip {
 public:
  void Take() {
    reader_.Quiescent();
    clear_.Push(packets_.Next());
    postern_marker = 1;
    outbound_.Run(clear_, sealed_, Instant());
    postern_marker = 0;
    postern_marker = 2;
    inbound_.Run(sealed_, opened_, Instant());
    postern_marker = 0;
    if (opened_.size() != 1) {
      std::fputs("postern_lines: the packet was refused\n", stderr);
      std::exit(1);
    }
    opened_.Clear();
  }

  void TellWhere() {
    Packet packet = packets_.Next();
    std::printf("packet %" PRIxPTR " %zu\n", AddressOf(packet.bytes().data()),
                packet.size());
    packet.Release();
    std::printf("marker %" PRIxPTR "\nstack %" PRIxPTR "\n",
                AddressOf(&postern_marker), AddressOf(&packet));
    std::fflush(stdout);
  }

 private:
  RcuReader reader_;
  Half here_{Direction::kOutbound, 1};
  Half there_{Direction::kInbound, 1};
  OutboundPipeline outbound_ = here_.Outbound();
  InboundPipeline inbound_ = there_.Inbound();
  Packets packets_{kPayload, 1};
  Batch clear_;
  Batch sealed_;
  Batch opened_;
};

}  // namespace

}  // namespace postern::bench

int main() {
  postern::bench::UseWhatValgrindKnows();
  // Not on the stack, so that what is there is the pipelines' own.
  const auto trip = std::make_unique<postern::bench::Trip>();
  for (int i = 0; i < postern::bench::kWarmUp; ++i) {
    trip->Take();
  }
  trip->TellWhere();
  trip->Take();
}
