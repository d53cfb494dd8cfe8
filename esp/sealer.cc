// SPDX-License-Identifier: Apache-2.0

#include "esp/sealer.h"

#include <algorithm>
#include <utility>

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
struct Plan {
  IpView view;  // of the clear packet
  std::size_t lead;
  std::size_t payload_offset;  // in the clear packet
  std::uint8_t next_header;

  std::size_t payload_size() const { return view.size() - payload_offset; }
};

Opinion<Plan> PlanFor(const IpView& view,
                      const std::optional<TunnelHeader>& tunnel) {
  if (tunnel.has_value()) {
    return Plan{view, SizeOf(*tunnel), 0, ProtocolOf(view.family())};
  }
  if (view.fragment() != IpView::Fragment::kWhole) {
    return DropReason::kFragment;
  }
  return Plan{view, view.insertion_offset(), view.insertion_offset(),
              view.insertion_protocol()};
}

Opinion<Plan> PlanFor(ConstBytes clear,
                      const std::optional<TunnelHeader>& tunnel) {
  const Opinion<IpView> view = IpView::Parse(clear);
  if (!view.ok()) {
    return view.error();
  }
  return PlanFor(*view, tunnel);
}

// The identification of the outer IPv4 header: it does not repeat within 65536
// packets of the SA (RFC 6864), and needs no counter.
std::uint16_t IdentificationOf(Spi spi, std::uint64_t seq) {
  return static_cast<std::uint16_t>(Number(spi) + seq);
}

}  // namespace

struct Sealer::State {
  Spi spi;
  std::optional<TunnelHeader> tunnel;
  SealingSuite suite;

  // Turns `packet`, whose clear content is laid out, into the sealed packet.
  // An absent `iv` is chosen here.
  Passage Finish(const Plan& plan, ConstBytes payload, std::uint64_t seq,
                 std::optional<ConstBytes> iv, Bytes packet);
  Passage SealInPlace(const OutboundJob& job, std::optional<ConstBytes> iv);
};

Passage Sealer::State::Finish(const Plan& plan, ConstBytes payload,
                              std::uint64_t seq, std::optional<ConstBytes> iv,
                              Bytes packet) {
  constexpr std::uint8_t kEsp = Number(IpProtocol::kEsp);
  Passage headed = Pass();
  if (tunnel.has_value()) {
    headed = WriteTunnelHeader(*tunnel, plan.view, kEsp,
                               IdentificationOf(spi, seq), packet);
  } else {
    packet[plan.view.insertion_protocol_offset()] = kEsp;
    headed = SetIpLength(packet, packet.size());
  }
  if (!headed.ok()) {
    return headed;
  }
  const SealingSuite::Clear clear{payload, plan.next_header};
  const Bytes esp = packet.subspan(plan.lead);
  return iv.has_value() ? suite.SealWithIv(clear, seq, *iv, esp)
                        : suite.Seal(clear, seq, esp);
}

Passage Sealer::State::SealInPlace(const OutboundJob& job,
                                   std::optional<ConstBytes> iv) {
  Packet& packet = *job.packet;
  const Opinion<Plan> plan = job.view != nullptr
                                 ? PlanFor(*job.view, tunnel)
                                 : PlanFor(packet.bytes(), tunnel);
  if (!plan.ok()) {
    return plan.error();
  }
  packet.TrimBack(packet.size() - plan->view.size());
  const std::size_t header = suite.sizes().header();
  const std::size_t added_front = plan->lead - plan->payload_offset + header;
  const std::size_t added_back =
      suite.SealedSize(plan->payload_size()) - header - plan->payload_size();
  if (!packet.Append(added_back) || !packet.Prepend(added_front)) {
    return DropReason::kNoHeadroom;
  }
  const Bytes bytes = packet.bytes();
  if (!tunnel.has_value()) {
    CopyBytes(bytes, bytes.subspan(added_front, plan->lead));
  }
  const ConstBytes payload =
      bytes.subspan(plan->lead + header, plan->payload_size());
  return Finish(*plan, payload, job.seq, iv, bytes);
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
  return Sealer(std::make_unique<State>(
      State{parameters.spi, parameters.tunnel, *std::move(suite)}));
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
  return state_->SealInPlace({.packet = &packet, .seq = seq}, std::nullopt);
}

void Sealer::Seal(std::span<OutboundJob> jobs) {
  for (OutboundJob& job : jobs) {
    job.outcome = state_->SealInPlace(job, std::nullopt);
  }
}

Passage Sealer::SealWithIv(Packet& packet, std::uint64_t seq, ConstBytes iv) {
  return state_->SealInPlace({.packet = &packet, .seq = seq}, iv);
}

Passage Sealer::SealInto(ConstBytes clear, std::uint64_t seq, Packet& sealed) {
  const Opinion<Plan> plan = PlanFor(clear, state_->tunnel);
  if (!plan.ok()) {
    return plan.error();
  }
  const std::size_t esp_size = state_->suite.SealedSize(plan->payload_size());
  sealed.TrimBack(sealed.size());
  if (!sealed.Append(plan->lead + esp_size)) {
    return DropReason::kNoHeadroom;
  }
  if (!state_->tunnel.has_value()) {
    CopyBytes(sealed.bytes(), clear.first(plan->lead));
  }
  const ConstBytes payload =
      clear.subspan(plan->payload_offset, plan->payload_size());
  return state_->Finish(*plan, payload, seq, std::nullopt, sealed.bytes());
}

}  // namespace postern::esp
