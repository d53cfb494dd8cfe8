// SPDX-License-Identifier: Apache-2.0
//
// The part of the outbound pipeline that is about fragments, and about packets
// that do not fit their way (RFC 4301 7, 8; RFC 2473 7).

#include <algorithm>
#include <utility>

#include "core/net/fragmenter.h"
#include "core/net/sender_error.h"
#include "pipeline/outbound.h"

namespace postern {
namespace {

constexpr std::size_t kLeastIpv6Mtu = 1280;  // RFC 8200 5
constexpr std::size_t kLeastIpv4Mtu = 68;    // RFC 791

const SaParameters& OutermostOf(const Bundle& bundle) {
  return bundle.associations().back()->parameters();
}

bool IsTunnel(const Bundle* bundle) {
  return bundle != nullptr && OutermostOf(*bundle).mode == IpsecMode::kTunnel;
}

std::size_t SizeOnTheWay(const Bundle* bundle, const IpView& view,
                         Bundle::Counting counting = Bundle::Counting::kAll) {
  return bundle == nullptr
             ? view.size()
             : bundle->ProtectedSize(view.size(), view.insertion_offset(),
                                     counting);
}

bool ForbidsFragments(const IpView& view, const Packet& packet) {
  constexpr std::uint16_t kDontFragment = 0x4000;
  return (LoadBe<std::uint16_t>(packet.bytes().subspan(6)) & kDontFragment) !=
             0 &&
         view.family() == IpFamily::kV4;
}

// Whether the outermost SA may carry fragments of what its selector names.
bool ShowsInPieces(const Bundle& bundle) {
  const Selector& selector = OutermostOf(bundle).selector;
  return selector.source_port.any() && selector.destination_port.any() &&
         selector.message.any();
}

// Who sent a fragment: those of two sockets never make one packet.
Reassembler::Way WayOf(const Packet& packet) {
  const Owner& sender = packet.sender();
  return {.by = {static_cast<std::uint64_t>(sender.kind),
                 static_cast<std::uint64_t>(sender.cookie)}};
}

}  // namespace

// Once a train.
void OutboundPipeline::LookAtWay(Instant now) {
  const Bundle* const bundle = train_.bundle();
  way_mtu_ = parts_.wire_mtu;
  surely_fits_ = way_mtu_;
  if (bundle == nullptr || bundle->empty()) {
    return;
  }
  const SecurityAssociation& outermost = *bundle->associations().back();
  if (const auto told = outermost.path_mtu().At(now)) [[unlikely]] {
    way_mtu_ = std::min(way_mtu_, *told);
  }
  const std::size_t pads = outermost.parameters().tfc_pad_to;
  const std::size_t fits = way_mtu_ - std::min(way_mtu_, bundle->overhead());
  surely_fits_ = pads <= fits ? fits : 0;
}

// Step 5, of a fragment or of what may not fit.
void OutboundPipeline::LoadUnusual(Packet packet, const IpView& view,
                                   Batch& out, Instant now) {
  const Bundle* const bundle = train_.bundle();
  if (view.fragment() != IpView::Fragment::kWhole && bundle != nullptr &&
      bundle->wants_whole()) {
    Gather(std::move(packet), view, out, now);
  } else if (SizeOnTheWay(bundle, view) <= way_mtu_) {
    train_.Add(std::move(packet));
  } else if (!train_.empty()) {
    // Those before it go first, and may bring about another decision.
    Dispatch(out, now);
    Take(std::move(packet), out, now);
  } else {
    Shrink(std::move(packet), view, out, now);
  }
}

bool OutboundPipeline::IsGathering(const Packet& packet,
                                   const IpView& view) const {
  return reassembler_.Knows(view, packet.bytes(), WayOf(packet));
}

void OutboundPipeline::Gather(Packet packet, const IpView& view, Batch& out,
                              Instant now) {
  const Opinion<Reassembler::Taken> taken =
      reassembler_.Take(packet, view, WayOf(packet), now);
  if (!taken.ok()) {
    Refuse(packet, taken.error());
    return;
  }
  parts_.stats.Add(Count::kFragmentsTaken);
  if (*taken == Reassembler::Taken::kWaits) {
    packet.Release();
    return;
  }
  parts_.stats.Add(Count::kReassembled);
  packet.NoteWasInFragments();
  Take(std::move(packet), out, now);
}

// REQUIRES: the train is empty, and its bundle is the packet's.
void OutboundPipeline::Shrink(Packet packet, const IpView& view, Batch& out,
                              Instant now) {
  switch (RemedyFor(packet, view)) {
    case Remedy::kCutAfter:
      CutAfter(std::move(packet), out, now);
      return;
    case Remedy::kCutBefore:
      CutBefore(std::move(packet), out, now);
      return;
    case Remedy::kTell:
      Tell(packet, view, now);
      break;
    case Remedy::kDrop:
      break;
  }
  Refuse(packet, DropReason::kTooBig);
}

// RFC 2473 7.1, 7.2 for tunnels; in transport mode this host is the source,
// which may always cut (RFC 8200 4.5).
OutboundPipeline::Remedy OutboundPipeline::RemedyFor(const Packet& packet,
                                                     const IpView& view) const {
  const Bundle* const bundle = train_.bundle();
  const bool v4 = view.family() == IpFamily::kV4;
  const bool pads_too_much =
      SizeOnTheWay(bundle, view, Bundle::Counting::kWithoutTfc) <= way_mtu_;
  const bool may_cut = pads_too_much || (v4 ? !ForbidsFragments(view, packet)
                                            : packet.was_in_fragments() ||
                                                  view.size() <= kLeastIpv6Mtu);
  if (!may_cut) {
    return Remedy::kTell;
  }
  const bool carried = parts_.wire_fragments == Parts::Fragments::kCarried;
  // Later fragments show nothing of what the SA's selector asks for.
  const bool takes_pieces = bundle == nullptr || ShowsInPieces(*bundle);
  const bool is_cut_before = v4 && IsTunnel(bundle) && !pads_too_much &&
                             (!carried || OutermostOf(*bundle).dont_fragment ==
                                              TunnelHeader::DontFragment::kSet);
  if (is_cut_before && takes_pieces) {
    return Remedy::kCutBefore;
  }
  if (is_cut_before && !carried) {
    return Remedy::kTell;
  }
  return carried ? Remedy::kCutAfter : Remedy::kDrop;
}

void OutboundPipeline::Refuse(Packet& packet, DropReason reason) {
  parts_.stats.Drop(reason);
  packet.Release();
}

// What one packet became, or nothing.
OutboundPipeline::Packets OutboundPipeline::ProtectAlone(Packet packet,
                                                         const Bundle* bundle,
                                                         Instant now) {
  Packets left;
  train_.Add(std::move(packet));
  if (bundle != nullptr && !bundle->empty()) {
    Protect(*bundle, left, now);  // a train of one leaves nothing
  }
  Packets made;
  train_.SplitOff(0, made);
  return made;
}

void OutboundPipeline::CutAfter(Packet packet, Batch& out, Instant now) {
  const Bundle* const bundle = train_.bundle();
  Packets pieces;
  for (Packet& whole : ProtectAlone(std::move(packet), bundle, now)) {
    const Opinion<IpView> made = IpView::Parse(std::as_const(whole).bytes());
    const Passage cut = made.ok()
                            ? CutIntoFragments(whole, *made, way_mtu_,
                                               fragment_ids_.Next(), pieces)
                            : Passage(made.error());
    if (!cut.ok()) {
      Refuse(whole, cut.error());
      continue;
    }
    parts_.stats.Add(Count::kPacketsCut);
    parts_.stats.Add(Count::kFragmentsSent, pieces.size());
    parts_.stats.Add(bundle == nullptr ? Count::kOutboundClear
                                       : Count::kOutboundProtected);
    whole.Release();
  }
  for (Packet& piece : pieces) {
    parts_.stats.Add(Count::kOutboundOctets, piece.size());
    Emit(std::move(piece), out);
  }
}

// Each fragment is a packet of its own for the tunnel's SA.
void OutboundPipeline::CutBefore(Packet packet, Batch& out, Instant now) {
  const Bundle* const bundle = train_.bundle();
  Bundle within;
  for (SecurityAssociation* association : bundle->associations()) {
    if (association != bundle->associations().back()) {
      within.Add(*association);
    }
  }
  Bundle tunnel;
  tunnel.Add(*bundle->associations().back());
  const std::size_t most = tunnel.LargestWithin(way_mtu_, 0);
  for (Packet& whole : ProtectAlone(std::move(packet), &within, now)) {
    Packets pieces;
    const Opinion<IpView> made = IpView::Parse(std::as_const(whole).bytes());
    Passage cut = made.ok() ? CutIntoFragments(whole, *made, most, 0, pieces)
                            : Passage(made.error());
    if (!cut.ok()) {
      Refuse(whole, cut.error());
      continue;
    }
    whole.Release();
    parts_.stats.Add(Count::kPacketsCut);
    for (Packet& piece : pieces) {
      for (Packet& sealed : ProtectAlone(std::move(piece), &tunnel, now)) {
        if (sealed.size() > way_mtu_) {
          Refuse(sealed, DropReason::kTooBig);  // TFC padding made it so
          continue;
        }
        parts_.stats.Add(Count::kFragmentsSent);
        parts_.stats.Add(Count::kOutboundProtected);
        parts_.stats.Add(Count::kOutboundOctets, sealed.size());
        Emit(std::move(sealed), out);
      }
    }
  }
}

// The MTU for packets like this one; IPv6 has none below 1280, and what is not
// larger is cut.
std::size_t OutboundPipeline::MtuToTell(const IpView& view) const {
  const Bundle* const bundle = train_.bundle();
  const std::size_t fits =
      bundle == nullptr
          ? way_mtu_
          : bundle->LargestWithin(way_mtu_, view.insertion_offset());
  return std::max(
      fits, view.family() == IpFamily::kV4 ? kLeastIpv4Mtu : kLeastIpv6Mtu);
}

// RFC 4301 8.2.1.
void OutboundPipeline::Tell(const Packet& packet, const IpView& view,
                            Instant now) {
  if (!MayBeToldOf(view) || told_.size() >= kTold || !telling_.Take(now)) {
    return;
  }
  Packet error = MakeTooBigError(packet, view, MtuToTell(view));
  if (error) {
    parts_.stats.Add(Count::kTooBigTold);
    told_.Push(std::move(error));
  }
}

void OutboundPipeline::Emit(Packet packet, Batch& out) {
  if (pending_.empty() && !out.full()) {
    out.Push(std::move(packet));
  } else {
    pending_.push_back(std::move(packet));
  }
}

void OutboundPipeline::EmitPending(Batch& out) {
  while (!pending_.empty() && !out.full()) {
    out.Push(std::move(pending_.front()));
    pending_.pop_front();
  }
}

}  // namespace postern
