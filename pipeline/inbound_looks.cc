// SPDX-License-Identifier: Apache-2.0
//
// The part of the inbound pipeline that sees what a packet is: as it came, and
// after each removal.

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/net/plain_ip.h"
#include "core/net/protocols.h"
#include "pipeline/inbound.h"

namespace postern {
namespace {

// Of a fragment: whether AH or ESP may stand in its datagram. In IPv6 they may
// follow options that only the first fragment shows, and ESP in UDP ports.
bool MayHoldIpsec(const IpView& view, const Packet& packet, const Sadb& sadb) {
  const auto place = FragmentPlace::Of(view, packet.bytes());
  if (!place) {
    return false;
  }
  switch (static_cast<IpProtocol>(place->protocol)) {
    case IpProtocol::kAh:
    case IpProtocol::kEsp:
      return true;
    case IpProtocol::kUdp:
      return sadb.ExpectsUdp();
    case IpProtocol::kDestinationOptions:
    case IpProtocol::kRouting:
      return view.family() == IpFamily::kV6;
    default:
      return false;
  }
}

// SAs are named by what is never used again, since fragments outlast a batch.
// Every SA authenticates what it carries (SAD-17).
Reassembler::Way WayOf(const TransformPath& path) {
  using Way = Reassembler::Way;
  static_assert(std::tuple_size_v<decltype(Way::by)> >=
                TransformPath::kMaxDepth);
  Way way{.origin =
              path.empty() ? Way::Origin::kAnybody : Way::Origin::kProven};
  std::ranges::transform(path.associations(), way.by.begin(),
                         &SecurityAssociation::generation_id);
  return way;
}

}  // namespace

void InboundPipeline::Enter(Batch& in, Instant now) {
  parts_.stats.Add(Count::kInboundPackets, in.size());
  arrivals_.Clear();
  for (Packet& packet : in) {
    Arrival& arrival = arrivals_.Push();
    arrival.packet = &packet;
    if (LookAtPlainEsp(arrival)) [[likely]] {
      continue;
    }
    if (const Passage seen = LookAt(arrival, now); !seen.ok()) {
      Refuse(arrival, seen.error(), now);
    }
  }
}

// Whether the packet is what nearly all are that arrive. Then this has done what
// LookAt() would have done. flatten: see esp/sealer.cc.
[[gnu::flatten]] bool InboundPipeline::LookAtPlainEsp(Arrival& arrival) {
  Packet& packet = *arrival.packet;
  const ConstBytes octets = std::as_const(packet).bytes();
  std::size_t size = SeePlainEsp<PlainIpv4>(octets, arrival);
  if (size == 0) {
    size = SeePlainEsp<PlainIpv6>(octets, arrival);
  }
  if (size != 0) {
    packet.TrimBack(packet.size() - size);
  }
  return size != 0;
}

// Sees what the packet is now: AH or ESP that may be removed, or what it holds.
// flatten: see esp/sealer.cc. Nobody else is handed the view: it stays in
// registers.
[[gnu::flatten]] Passage InboundPipeline::LookAt(Arrival& arrival,
                                                 Instant now) {
  Packet& packet = *arrival.packet;
  const Opinion<IpView> view = IpView::Parse(std::as_const(packet).bytes());
  if (!view.ok()) {
    return view.error();
  }
  packet.TrimBack(packet.size() - view->size());
  const Passage peeked = PeekIpsecHeader(*view, arrival.header);
  if (arrival.path.empty()) {
    Remember(*view, arrival.header, arrival.came);
  }
  if (!HasRightChecksum(*view, packet)) {
    return DropReason::kBadIpHeader;
  }
  if (view->fragment() != IpView::Fragment::kWhole ||
      (!IsProtected(*view) && parts_.sadb.ExpectsUdp())) {
    return LookCloser(arrival, now);
  }
  if (IsProtected(*view) && arrival.path.full()) {
    return DropReason::kTooManyTransforms;
  }
  return peeked;
}

// At what LookAt() has seen to be a fragment, or what may be ESP in UDP.
[[gnu::noinline]] Passage InboundPipeline::LookCloser(Arrival& arrival,
                                                      Instant now) {
  Packet& packet = *arrival.packet;
  const Opinion<IpView> view = IpView::Parse(std::as_const(packet).bytes());
  if (!view.ok()) {
    return view.error();
  }
  if (view->fragment() != IpView::Fragment::kWhole &&
      (MayHoldIpsec(*view, packet, parts_.sadb) ||
       (arrival.path.empty() && policy_.WantsWhole(*view)))) {
    return PutTogether(arrival, *view, now);
  }
  if (!IsProtected(*view)) {
    return parts_.sadb.ExpectsUdp() ? LookIntoUdp(arrival, *view, now) : Pass();
  }
  if (arrival.path.full()) {
    return DropReason::kTooManyTransforms;
  }
  return PeekIpsecHeader(*view, arrival.header);
}

// Step 1. The fragment is gone then, or the whole packet stands in its place.
Passage InboundPipeline::PutTogether(Arrival& arrival, const IpView& view,
                                     Instant now) {
  Packet& packet = *arrival.packet;
  const Opinion<Reassembler::Taken> taken =
      reassembler_.Take(packet, view, WayOf(arrival.path), now);
  if (!taken.ok()) {
    return taken.error();
  }
  parts_.stats.Add(Count::kFragmentsTaken);
  if (*taken == Reassembler::Taken::kMadeWhole) {
    parts_.stats.Add(Count::kReassembled);
    return LookAt(arrival, now);
  }
  packet.Release();
  arrival.packet = nullptr;
  return Pass();
}

}  // namespace postern
