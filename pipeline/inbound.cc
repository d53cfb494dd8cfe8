// SPDX-License-Identifier: Apache-2.0

#include "pipeline/inbound.h"

#include <algorithm>
#include <utility>

#include "core/net/protocols.h"
#include "core/tunnel_header.h"

namespace postern {
namespace {

// What the look at a packet has found out already is not looked for again.
void PutPlace(const IpsecHeader& header, esp::OpenJob& job) {
  job.place = header.place;
}

void PutPlace(const IpsecHeader& /*header*/, ah::VerifyJob& /*job*/) {}

std::size_t ProtocolOffsetOf(const esp::Opener::Opened& opened) {
  return opened.place.protocol_offset;
}

std::size_t ProtocolOffsetOf(const ah::Verifier::Verified& verified) {
  return verified.protocol_offset;
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

Count CountOf(const esp::Opener* /*opener*/) {
  return Count::kEspOpened;
}

Count CountOf(const ah::Verifier* /*verifier*/) {
  return Count::kAhVerified;
}

// What Commit() is to know of a packet that was proven, or refused.
template <typename Job>
void Judge(Job& job, ReceivedNumber& number) {
  if (!number.outcome.ok()) {
    return;
  }
  if (job.outcome.ok()) {
    number.proof = &job.outcome->proof;
  } else {
    number.outcome = job.outcome.error();
  }
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

// Steps 2 to 8 for every packet that begins with AH or ESP. Whether any has
// another of them beneath.
bool InboundPipeline::RemoveOutermost(Instant now) {
  bool more = false;
  for (Stretch rest = arrivals_.elements(); !rest.empty();) {
    const Stretch run = NextRun(rest);
    if (run.front().packet != nullptr && run.front().header) {
      more = Remove(run, now) || more;
    }
    rest = rest.subspan(run.size());
  }
  return more;
}

// The packets at the front that one SA is to open; or one alone, for which there
// is nothing to do.
InboundPipeline::Stretch InboundPipeline::NextRun(Stretch arrivals) {
  const Arrival& first = arrivals.front();
  if (first.packet == nullptr || !first.header) {
    return arrivals.first(1);
  }
  const IpsecHeader& named = *first.header;
  const auto end = std::find_if_not(
      arrivals.begin() + 1, arrivals.end(), [&](const Arrival& a) {
        return a.packet != nullptr && a.header && a.header->NamesSaOf(named);
      });
  return arrivals.first(static_cast<std::size_t>(end - arrivals.begin()));
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

// Whether any of them has another AH or ESP beneath.
bool InboundPipeline::Remove(Stretch run, Instant now) {
  const Opinion<SecurityAssociation*> found = Find(*run.front().header);
  if (!found.ok()) {
    for (Arrival& arrival : run) {
      Refuse(arrival, found.error(), now);
    }
    return false;
  }
  SecurityAssociation& association = **found;
  if (run.front().header->protocol == IpsecProtocol::kEsp) {
    return RemoveBy(association, association.opener(parts_.worker),
                    std::span<esp::OpenJob>(esp_jobs_), run, now);
  }
  return RemoveBy(association, association.verifier(parts_.worker),
                  std::span<ah::VerifyJob>(ah_jobs_), run, now);
}

// Steps 3 to 8. Number i and job i are about run[i].
template <typename Transform, typename Job>
bool InboundPipeline::RemoveBy(SecurityAssociation& association,
                               Transform* transform, std::span<Job> jobs,
                               Stretch run, Instant now) {
  numbers_.Clear();
  for (const Arrival& arrival : run) {
    numbers_.Push(arrival.header->sequence, arrival.packet->size());
  }
  const std::span<ReceivedNumber> numbers = numbers_.elements();
  association.Check(numbers, now);
  const ReceivedNumber* checked = numbers.data();
  Job* asked = jobs.data();
  for (const Arrival& arrival : run) {
    asked->packet = arrival.packet;
    asked->seq = checked->ticket ? checked->ticket->seq() : 0;
    PutPlace(*arrival.header, *asked);
    ++asked;
    ++checked;
  }
  ForEachStretch(numbers, [&](std::size_t first, std::size_t count) {
    Prove(transform, jobs.subspan(first, count));
  });
  asked = jobs.data();
  for (ReceivedNumber& number : numbers) {
    Judge(*asked++, number);
  }
  association.Commit(numbers, now);
  return FinishAll(association, transform, jobs.data(), run, now);
}

// Steps 6 to 8 for a run whose numbers are committed. Whether any packet has
// another AH or ESP beneath.
template <typename Transform, typename Job>
bool InboundPipeline::FinishAll(SecurityAssociation& association,
                                Transform* transform, const Job* jobs,
                                Stretch run, Instant now) {
  std::size_t opened = 0;
  bool all_seen = true;
  ReceivedNumber* number = numbers_.begin();
  for (Arrival& arrival : run) {
    if (number->outcome.ok()) {
      ++opened;
      number->outcome = Finish(association, *transform, *jobs, arrival, now);
    }
    all_seen = all_seen && number->outcome.ok() && !arrival.header;
    ++jobs;
    ++number;
  }
  parts_.stats.Add(CountOf(transform), opened);
  return !all_seen && LookBeneath(association, run, now);
}

// At what Finish() has left to look at, behind all of them: a look that loads
// what was only just stored waits. And refuses what the numbers say.
bool InboundPipeline::LookBeneath(SecurityAssociation& association, Stretch run,
                                  Instant now) {
  bool more = false;
  const ReceivedNumber* number = numbers_.begin();
  for (Arrival& arrival : run) {
    Passage removed = (number++)->outcome;
    if (removed.ok() && arrival.header) {
      removed = LookAt(arrival, now);
    }
    if (removed.ok()) {
      more = more || arrival.header;
      continue;
    }
    Refuse(arrival, removed.error(), now);
    // The SA remembers forgeries for its dump.
    if (removed.error() == DropReason::kBadIcv) {
      association.CountBadIcv();
    }
  }
  return more;
}

// Whether there is nothing to find in a packet out of an SA of transport mode.
//
// That has given back the IP header that LookAt() saw, and has changed no more of
// it than protocol, length and, by the difference, the checksum
// (RewriteIpHeader()). It was sound, so it is; what can be new is what follows
// it. (A packet out of a tunnel has a header that nobody has seen.)
bool InboundPipeline::IsJustContent(const Packet& packet,
                                    std::size_t protocol_offset) const {
  const std::uint8_t protocol = packet.bytes()[protocol_offset];
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::kEsp:
    case IpProtocol::kAh:
      return false;
    case IpProtocol::kUdp:
      return !parts_.sadb.ExpectsUdp();
    default:
      return !IsIpv6Extension(protocol);
  }
}

// Steps 6 to 8. Leaves the arrival without a header exactly if it need not be
// looked at.
template <typename Transform, typename Job>
Passage InboundPipeline::Finish(SecurityAssociation& association,
                                Transform& transform, const Job& job,
                                Arrival& arrival, Instant now) {
  arrival.path.Add(association);
  const IpsecMode mode = association.parameters().mode;
  const bool tunnel = mode == IpsecMode::kTunnel;
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
  if (mode == IpsecMode::kTransport &&
      IsJustContent(*arrival.packet, ProtocolOffsetOf(*job.outcome))) {
    arrival.header.reset();
  }
  return Pass();
}

// Steps 9 and 10.
void InboundPipeline::Deliver(Batch& out, Instant now) {
  std::uint64_t octets = 0;
  std::uint64_t clear = 0;
  for (Arrival& arrival : arrivals_) {
    if (arrival.packet == nullptr) {
      continue;
    }
    if (!policy_.Repeats(std::as_const(*arrival.packet).bytes(),
                         arrival.path) &&
        !Admit(arrival, now)) {
      continue;
    }
    octets += arrival.packet->size();
    clear += arrival.path.empty() ? 1U : 0U;
    out.Push(std::move(*arrival.packet));
  }
  parts_.stats.Add(Count::kInboundOctets, octets);
  parts_.stats.Add(Count::kInboundClear, clear);
  parts_.stats.Add(Count::kInboundProtected, out.size() - clear);
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
