// SPDX-License-Identifier: Apache-2.0
//
// Fragments as anybody may send them. The input is packets, each behind its
// length in two octets; the first octet of all lets time pass between them.

#include <chrono>

#include "core/packet/packet_pool.h"
#include "pipeline/reassembler.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using postern::IpView;
using postern::Reassembler;

void Offer(Reassembler& reassembler, postern::PacketPool& pool,
           postern::ConstBytes octets, postern::Instant now) {
  postern::Packet packet = pool.Copy(octets);
  if (!packet) {
    return;
  }
  const auto view = IpView::Parse(std::as_const(packet).bytes());
  if (view.ok() && view->fragment() != IpView::Fragment::kWhole) {
    packet.TrimBack(packet.size() - view->size());
    const auto again =
        IpView::Parse(std::as_const(packet).bytes());  // of its own size
    const auto taken = reassembler.Take(packet, *again, {}, now);
    if (taken.ok() && *taken == Reassembler::Taken::kMadeWhole) {
      const auto whole = IpView::Parse(std::as_const(packet).bytes());
      postern::Claim("what was put together has a header", whole.ok());
      postern::Claim("its length is the packet's",
                     whole->size() == packet.size());
      postern::Claim("it is no fragment any more",
                     whole->fragment() == IpView::Fragment::kWhole);
      postern::Claim("there is room for a header", packet.headroom() >= 256);
    }
  }
  packet.Release();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets,
                                      std::size_t size) {
  static postern::PacketPool pool({.packets = 1, .payload = 9216});
  if (size == 0) {
    return 0;
  }
  postern::WorkerStats stats;
  Reassembler reassembler({.datagrams = 4, .per_source = 2}, nullptr, stats);
  postern::Instant now(std::chrono::hours(1));
  postern::Reader input({octets + 1, size - 1});
  while (const auto length = input.Read<std::uint16_t>()) {
    const auto packet = input.Take(*length);
    if (!packet) {
      break;
    }
    now += std::chrono::seconds(octets[0] % 40);
    reassembler.Expire(now);
    Offer(reassembler, pool, *packet, now);
    postern::Claim("memory is bounded", reassembler.size() <= 4);
  }
  return 0;
}
