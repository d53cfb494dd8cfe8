// SPDX-License-Identifier: Apache-2.0

#include "esp/sealer.h"

#include <algorithm>
#include <utility>

#include "core/beet_header.h"
#include "core/burst.h"
#include "core/net/identifications.h"
#include "core/net/ip_view.h"
#include "core/net/protocols.h"
#include "esp/parameters.h"
#include "esp/suite.h"
#include "esp/trailer.h"

namespace postern::esp {
namespace {

// What becomes of one IP packet:
//
//   transport   lead (its own headers)  | ESP | payload (what followed them)
//   tunnel      lead (the outer header) | ESP | payload (all of it)
//   BEET        lead (the outer header) | ESP | payload (what followed its fixed
//                                                header, of options a pseudo
//                                                header in front of them)
struct Plan {
  const IpView* view;  // of the clear packet
  std::size_t lead;
  std::size_t payload_offset;  // in the clear packet
  std::uint8_t next_header;

  std::size_t payload_size() const { return view->size() - payload_offset; }

  // Transport mode takes no fragments (RFC 4303 3.3.4), nor does BEET; a tunnel
  // takes all of any packet.
  bool sealable() const {
    return payload_offset == 0 || view->fragment() == IpView::Fragment::kWhole;
  }
};

Plan PlanForBeet(const IpView& view, const TunnelHeader& tunnel) {
  const BeetContent content = BeetContentOf(view);
  return {&view, SizeOf(tunnel), content.offset, content.protocol};
}

Plan PlanFor(const IpView& view, const std::optional<TunnelHeader>& tunnel,
             const std::optional<TunnelEndpoints>& beet) {
  if (tunnel.has_value()) {
    return beet.has_value()
               ? PlanForBeet(view, *tunnel)
               : Plan{&view, SizeOf(*tunnel), 0, ProtocolOf(view.family())};
  }
  return {&view, view.insertion_offset(), view.insertion_offset(),
          view.insertion_protocol()};
}

// Makes the packet begin so that what stands at `payload_offset` stands at
// `before`. IPv4's header and ESP's may be shorter than the IPv6 header in whose
// place they come.
bool MoveFront(Packet& packet, std::size_t payload_offset, std::size_t before) {
  if (before >= payload_offset) [[likely]] {
    return packet.Prepend(before - payload_offset);
  }
  packet.TrimFront(payload_offset - before);
  return true;
}

}  // namespace

struct Sealer::State {
  using Works = Burst<SealingSuite::Job>;

  Spi spi;
  std::optional<TunnelHeader> tunnel;
  std::optional<TunnelEndpoints> inner;  // of BEET mode
  TunnelIds ids;
  SealingSuite suite;
  std::size_t tfc_pad_to;  // 0 but in tunnel mode

  // With TFC padding.
  std::size_t PayloadSize(const Plan& plan) const {
    return std::max(plan.payload_size(), tfc_pad_to);
  }

  // Makes room in the packet and lays everything out that is not encrypted;
  // the suite shall do the rest.
  Passage LayOut(const OutboundJob& job, ConstBytes iv, Works& works);
  Passage LayOut(const Plan& plan, const OutboundJob& job, ConstBytes iv,
                 Works& works);

  // Writes the IP header of `packet` around what follows it.
  Passage WriteHeader(const Plan& plan, std::uint64_t seq, Bytes packet) const;

  // An empty `iv` is chosen.
  void Seal(std::span<OutboundJob> jobs, ConstBytes iv);
};

Passage Sealer::State::WriteHeader(const Plan& plan, std::uint64_t seq,
                                   Bytes packet) const {
  constexpr std::uint8_t kEsp = Number(IpProtocol::kEsp);
  if (tunnel.has_value()) {
    return inner.has_value()
               ? WriteBeetHeader({*inner, tunnel->endpoints}, *plan.view,
                                 suite.sizes().header(), ids.Of(seq), packet)
               : WriteTunnelHeader(*tunnel, *plan.view, kEsp, ids.Of(seq),
                                   packet);
  }
  return RewriteIpHeader(packet, plan.view->insertion_protocol_offset(), kEsp);
}

Passage Sealer::State::LayOut(const OutboundJob& job, ConstBytes iv,
                              Works& works) {
  const Opinion<IpView> view = IpView::Parse(job.packet->bytes());
  return view.ok() ? LayOut(PlanFor(*view, tunnel, inner), job, iv, works)
                   : view.error();
}

Passage Sealer::State::LayOut(const Plan& plan, const OutboundJob& job,
                              ConstBytes iv, Works& works) {
  if (!plan.sealable()) {
    return DropReason::kFragment;
  }
  Packet& packet = *job.packet;
  packet.TrimBack(packet.size() - plan.view->size());
  const std::size_t header = suite.sizes().header();
  const std::size_t payload = PayloadSize(plan);
  const std::size_t added_back =
      suite.SealedSize(payload) - header - plan.payload_size();
  if (!packet.Append(added_back) ||
      !MoveFront(packet, plan.payload_offset, plan.lead + header)) {
    return DropReason::kNoHeadroom;
  }
  const Bytes bytes = packet.bytes();
  if (!tunnel.has_value()) {
    CopyBytes(bytes, bytes.subspan(header, plan.lead));
  } else if (payload != plan.payload_size()) {
    const Bytes text = bytes.subspan(plan.lead + header, payload);
    std::ranges::fill(text.subspan(plan.payload_size()), std::uint8_t{0});
  }
  if (const Passage headed = WriteHeader(plan, job.seq, bytes); !headed.ok()) {
    return headed;
  }
  works.Push(bytes.subspan(plan.lead + header, payload), plan.next_header,
             job.seq, iv, bytes.subspan(plan.lead));
  return Pass();
}

// flatten: a packet's path is mostly spans and their checks, which cost little
// where they are inlined and twice as much where they are calls.
[[gnu::flatten]] void Sealer::State::Seal(std::span<OutboundJob> jobs,
                                          ConstBytes iv) {
  for (; jobs.size() > kBurst; jobs = jobs.subspan(kBurst)) {
    Seal(jobs.first(kBurst), iv);
  }
  Works works;
  for (OutboundJob& job : jobs) {
    job.outcome = LayOut(job, iv, works);
  }
  suite.Seal(works.elements());
  const SealingSuite::Job* work = works.begin();
  for (OutboundJob& job : jobs) {
    if (job.outcome.ok()) {
      job.outcome = (work++)->outcome;
    }
  }
}

Sealer::Sealer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Sealer::Sealer(Sealer&&) noexcept = default;
Sealer& Sealer::operator=(Sealer&&) noexcept = default;
Sealer::~Sealer() = default;

Result<Sealer> Sealer::Create(const Parameters& parameters) {
  Result<SealingSuite> suite = SealingSuite::Create(parameters);
  if (!suite.ok()) {
    return suite.error();
  }
  const bool pads = parameters.mode == IpsecMode::kTunnel;
  return Sealer(std::make_unique<State>(
      State{parameters.spi, parameters.tunnel, parameters.inner,
            TunnelIds(parameters.spi), *std::move(suite),
            pads ? parameters.tfc_pad_to : 0}));
}

std::size_t Sealer::front() const {
  const std::size_t outer =
      state_->tunnel.has_value() ? SizeOf(*state_->tunnel) : 0;
  return outer + state_->suite.sizes().header();
}

std::size_t Sealer::back() const {
  const Sizes& sizes = state_->suite.sizes();
  return sizes.alignment - 1 + kShortestTrailer + sizes.icv;
}

Passage Sealer::Seal(Packet& packet, std::uint64_t seq) {
  return SealWithIv(packet, seq, {});
}

void Sealer::Seal(std::span<OutboundJob> jobs) {
  state_->Seal(jobs, {});
}

Passage Sealer::SealDummy(Packet& packet, std::uint64_t seq) {
  const OutboundJob job{.packet = &packet, .seq = seq};
  const Opinion<IpView> view = IpView::Parse(packet.bytes());
  if (!view.ok()) {
    return view.error();
  }
  Plan plan = PlanFor(*view, state_->tunnel, state_->inner);
  plan.next_header = Number(IpProtocol::kNoNextHeader);
  State::Works works;
  const Passage laid_out = state_->LayOut(plan, job, {}, works);
  if (!laid_out.ok()) {
    return laid_out;
  }
  state_->suite.Seal(works.elements());
  return works.begin()->outcome;
}

Passage Sealer::SealWithIv(Packet& packet, std::uint64_t seq, ConstBytes iv) {
  OutboundJob job{.packet = &packet, .seq = seq};
  state_->Seal(std::span(&job, 1), iv);
  return job.outcome;
}

}  // namespace postern::esp
