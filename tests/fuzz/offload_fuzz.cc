// SPDX-License-Identifier: Apache-2.0
//
// The first ten octets of the input are what the kernel says of the packet that
// follows them. Whatever it says, packets that are cut lie within the promised
// sizes and parse as what they are, and joining them again reads nothing that is
// not theirs.

#include <cstring>
#include <utility>
#include <vector>

#include "core/net/coalescer.h"
#include "core/net/ip_view.h"
#include "core/net/segmenter.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using postern::Claim;
using postern::Coalescer;
using Octets = std::vector<std::uint8_t>;

void Rejoin(const std::vector<Octets>& packets) {
  Coalescer coalescer(Coalescer::Datagrams::kTogether);
  for (const Octets& packet : packets) {
    coalescer.Add(packet);
  }
  std::size_t in_runs = 0;
  for (const Coalescer::Run& run : coalescer.runs()) {
    Octets first = packets[run.first];
    const postern::VnetHeader vnet = Coalescer::Join(run, first);
    Claim("one alone is as it was",
          run.count > 1 || (first == packets[run.first] && vnet.flags == 0));
    in_runs += run.count;
  }
  Claim("every packet is in one run", in_runs == packets.size());
}

void Cut(const postern::VnetHeader& vnet, const Octets& packet) {
  auto segmenter = postern::Segmenter::Start(vnet, packet);
  if (!segmenter.ok()) {
    return;
  }
  const std::size_t largest = segmenter->next_size();
  std::vector<Octets> packets;
  while (!segmenter->done()) {
    Octets cut(segmenter->next_size());
    Claim("none is larger than the first", cut.size() <= largest);
    segmenter->CutNext(cut);
    const auto view = postern::IpView::Parse(cut);
    Claim("what is cut is a packet", view.ok() && view->size() == cut.size());
    packets.push_back(std::move(cut));
    if (packets.size() == Coalescer::kMostPackets) {
      Rejoin(packets);
      packets.clear();
    }
  }
  Rejoin(packets);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets,
                                      std::size_t size) {
  postern::VnetHeader vnet;
  if (size < sizeof(vnet)) {
    return 0;
  }
  std::memcpy(&vnet, octets, sizeof(vnet));
  Octets packet(octets + sizeof(vnet), octets + size);
  if (vnet.is_super_packet()) {
    Cut(vnet, packet);
  } else {
    static_cast<void>(postern::FinishChecksum(vnet, packet));
  }
  Rejoin({packet, packet});
  return 0;
}
