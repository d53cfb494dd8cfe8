// SPDX-License-Identifier: Apache-2.0

#include "pipeline/inbound.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/net/protocols.h"
#include "core/tunnel_header.h"

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

// A worker has no transform where its key could not be scheduled.
void Prove(esp::Opener* opener, std::span<esp::OpenJob> jobs) {
  if (opener != nullptr) {
    opener->Open(jobs);
    return;
  }
  for (esp::OpenJob& job : jobs) {
    job.outcome = DropReason::kSaNotUsable;
  }
}

void Prove(ah::Verifier* verifier, std::span<ah::VerifyJob> jobs) {
  if (verifier != nullptr) {
    verifier->Verify(jobs);
    return;
  }
  for (ah::VerifyJob& job : jobs) {
    job.outcome = DropReason::kSaNotUsable;
  }
}

// Calls `visit(first, count)` for each stretch of packets that nothing speaks
// against so far.
template <typename Visit>
void ForEachStretch(std::span<const ReceivedNumber> numbers,
                    const Visit& visit) {
  const auto passed = [](const ReceivedNumber& number) {
    return number.outcome.ok();
  };
  const auto at = [&](auto place) {
    return static_cast<std::size_t>(place - numbers.begin());
  };
  for (auto first = std::ranges::find_if(numbers, passed);
       first != numbers.end();) {
    const auto end = std::find_if_not(first, numbers.end(), passed);
    visit(at(first), at(end) - at(first));
    first = std::find_if(end, numbers.end(), passed);
  }
}

Count CountOf(const esp::Opener& /*opener*/) {
  return Count::kEspOpened;
}

Count CountOf(const ah::Verifier& /*verifier*/) {
  return Count::kAhVerified;
}

}  // namespace

InboundPipeline::InboundPipeline(const Parts& parts)
    : parts_(parts),
      policy_(parts.system, parts.flows),
      reassembler_(parts.reassembly, &parts.audit, parts.stats),
      notices_(parts.notices) {}

Rest InboundPipeline::Run(Batch& in, Batch& out, Instant now) {
  policy_.BeginBatch();
  reassembler_.Expire(now);
  Enter(in, now);
  while (RemoveOutermost(now)) {
  }
  Deliver(out, now);
  in.Clear();
  return Rest::kDone;
}

void InboundPipeline::Enter(Batch& in, Instant now) {
  parts_.stats.Add(Count::kInboundPackets, in.size());
  arrivals_.Clear();
  for (Packet& packet : in) {
    Arrival& arrival = arrivals_.Push();
    arrival.packet = &packet;
    if (const Passage seen = LookAt(arrival, now); !seen.ok()) {
      Refuse(arrival, seen.error(), now);
    }
  }
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

// Steps 2 to 8 for every packet that begins with AH or ESP. False when none
// does.
bool InboundPipeline::RemoveOutermost(Instant now) {
  bool any = false;
  for (Stretch rest = arrivals_.elements(); !rest.empty();) {
    const Stretch run = NextRun(rest);
    if (run.front().packet != nullptr && run.front().header) {
      Remove(run, now);
      any = true;
    }
    rest = rest.subspan(run.size());
  }
  return any;
}

// The packets at the front that one SA is to open; or one alone, for which there
// is nothing to do.
InboundPipeline::Stretch InboundPipeline::NextRun(Stretch arrivals) {
  const Arrival& first = arrivals.front();
  if (first.packet == nullptr || !first.header) {
    return arrivals.first(1);
  }
  const auto end =
      std::find_if_not(arrivals.begin(), arrivals.end(), [&](const Arrival& a) {
        return a.packet != nullptr && a.header &&
               a.header->NamesSaOf(*first.header);
      });
  return arrivals.first(static_cast<std::size_t>(end - arrivals.begin()));
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

// Step 2.
Opinion<SecurityAssociation*> InboundPipeline::Find(
    const IpsecHeader& header) const {
  if (Number(header.spi) == 0) {
    return DropReason::kSpiReserved;
  }
  SecurityAssociation* const association =
      parts_.sadb.FindInbound(header.spi, header.destination, header.protocol);
  return association == nullptr
             ? Opinion<SecurityAssociation*>(DropReason::kNoSaForSpi)
             : association;
}

void InboundPipeline::Remove(Stretch run, Instant now) {
  const Opinion<SecurityAssociation*> found = Find(*run.front().header);
  if (!found.ok()) {
    for (Arrival& arrival : run) {
      Refuse(arrival, found.error(), now);
    }
    return;
  }
  SecurityAssociation& association = **found;
  if (run.front().header->protocol == IpsecProtocol::kEsp) {
    RemoveBy(association, association.opener(parts_.worker),
             std::span<esp::OpenJob>(esp_jobs_), run, now);
  } else {
    RemoveBy(association, association.verifier(parts_.worker),
             std::span<ah::VerifyJob>(ah_jobs_), run, now);
  }
}

// Steps 3 to 8. Number i and job i are about run[i].
template <typename Transform, typename Job>
void InboundPipeline::RemoveBy(SecurityAssociation& association,
                               Transform* transform, std::span<Job> jobs,
                               Stretch run, Instant now) {
  numbers_.Clear();
  for (const Arrival& arrival : run) {
    ReceivedNumber& number = numbers_.Push();
    number.wire_seq = arrival.header->sequence;
    number.octets = arrival.packet->size();
  }
  const std::span<ReceivedNumber> numbers = numbers_.elements();
  association.Check(numbers, now);
  for (std::size_t i = 0; i < run.size(); ++i) {
    jobs[i].packet = run[i].packet;
    jobs[i].seq = numbers[i].ticket ? numbers[i].ticket->seq() : 0;
  }
  ForEachStretch(numbers, [&](std::size_t first, std::size_t count) {
    Prove(transform, jobs.subspan(first, count));
  });
  for (std::size_t i = 0; i < run.size(); ++i) {
    if (!numbers[i].outcome.ok()) {
      continue;
    }
    if (jobs[i].outcome.ok()) {
      numbers[i].proof = &jobs[i].outcome->proof;
    } else {
      numbers[i].outcome = jobs[i].outcome.error();
    }
  }
  association.Commit(numbers, now);
  for (std::size_t i = 0; i < run.size(); ++i) {
    if (numbers[i].outcome.ok()) {
      numbers[i].outcome =
          Finish(association, *transform, jobs[i], run[i], now);
    }
  }
  // Behind all of them: a look that loads what was only just stored waits.
  for (std::size_t i = 0; i < run.size(); ++i) {
    const Passage removed =
        numbers[i].outcome.ok() ? LookAt(run[i], now) : numbers[i].outcome;
    if (removed.ok()) {
      continue;
    }
    Refuse(run[i], removed.error(), now);
    // The SA remembers forgeries for its dump.
    if (removed.error() == DropReason::kBadIcv) {
      association.CountBadIcv();
    }
  }
}

// Steps 6 to 8.
template <typename Transform, typename Job>
Passage InboundPipeline::Finish(SecurityAssociation& association,
                                Transform& transform, const Job& job,
                                Arrival& arrival, Instant now) {
  parts_.stats.Add(CountOf(transform));
  arrival.path.Add(association);
  const bool tunnel = association.parameters().mode == IpsecMode::kTunnel;
  const std::uint8_t outer =
      tunnel ? TrafficClassOf(std::as_const(*arrival.packet).bytes()) : 0;
  const Passage finished = transform.Finish(*arrival.packet, *job.outcome);
  if (!finished.ok()) {
    return finished;
  }
  if (tunnel) {
    LookAtMarks(outer, arrival, now);
  }
  if (arrival.udp) {
    LeaveUdp(association, job.seq, arrival, now);
  }
  return Pass();
}

// Steps 9 and 10.
void InboundPipeline::Deliver(Batch& out, Instant now) {
  for (Arrival& arrival : arrivals_) {
    if (arrival.packet == nullptr) {
      continue;
    }
    if (!policy_.Repeats(std::as_const(*arrival.packet).bytes(),
                         arrival.path) &&
        !Admit(arrival, now)) {
      continue;
    }
    parts_.stats.Add(arrival.path.empty() ? Count::kInboundClear
                                          : Count::kInboundProtected);
    parts_.stats.Add(Count::kInboundOctets, arrival.packet->size());
    out.Push(std::move(*arrival.packet));
  }
}

// Step 9. Otherwise the packet is gone: it was news, or is refused.
bool InboundPipeline::Admit(Arrival& arrival, Instant now) {
  const Opinion<IpView> view =
      IpView::Parse(std::as_const(*arrival.packet).bytes());
  if (view.ok() && arrival.path.empty() && TakeNews(arrival, *view, now)) {
    return false;
  }
  const Passage admitted =
      view.ok() ? policy_.Admit(*view, arrival.path, now) : view.error();
  if (!admitted.ok()) {
    Refuse(arrival, admitted.error(), now);
  }
  return admitted.ok();
}

// Whether the packet was such news, and is gone.
bool InboundPipeline::TakeNews(Arrival& arrival, const IpView& view,
                               Instant now) {
  const auto news = PathMtuNews::Of(view);
  if (!news) {
    return false;
  }
  const Passage believed = Believe(*news, parts_.path_mtu, parts_.sadb, now);
  if (!believed.ok()) {
    Refuse(arrival, believed.error(), now);
    return true;
  }
  parts_.stats.Add(Count::kPathMtuLowered);
  arrival.packet->Release();
  arrival.packet = nullptr;
  return true;
}

void InboundPipeline::Refuse(Arrival& arrival, DropReason reason, Instant now) {
  parts_.stats.Drop(reason);
  if (reason != DropReason::kDummyPacket &&
      reason != DropReason::kNatKeepalive) {
    parts_.audit.Audit(Describe(arrival, reason, now));
  }
  arrival.packet->Release();
  arrival.packet = nullptr;
}

}  // namespace postern
