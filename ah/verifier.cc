// SPDX-License-Identifier: Apache-2.0

#include "ah/verifier.h"

#include <utility>

#include "ah/icv.h"
#include "core/burst.h"
#include "core/net/protocols.h"
#include "core/tunnel_header.h"

namespace postern::ah {
namespace {

// A received AH may be padded further than a sender must in IPv4: Linux pads to
// 64 bits there unless told otherwise.
bool FitsIcv(std::size_t size, std::size_t icv, IpFamily family) {
  return size == SizeFor(icv, family) ||
         size == AlignedSize(icv, kIpv6Alignment);
}

}  // namespace

struct Verifier::State {
  Spi spi;
  IpsecMode mode;
  IcvContext icv;

  // What can be refused before any cryptography.
  Opinion<AhHeader> Check(const IpView& view, std::uint64_t seq) const;

  // Of an AH in its packet.
  struct Place {
    std::size_t size;  // of the packet
    std::size_t protocol_offset;
    AhHeader header;
  };

  // Packets whose ICVs are asked for.
  struct Asked {
    Burst<IcvContext::VerifyJob> works;
    Burst<VerifyJob*> jobs;
    Burst<Place> places;
  };

  Passage Ask(VerifyJob& job, const IpView& view, Asked& asked) const;
};

Opinion<AhHeader> PeekAhHeader(const IpView& view) {
  constexpr std::size_t kWord = 4;
  const ConstBytes octets = view.payload();
  Reader in(octets);
  const auto next_header = in.Read<std::uint8_t>();
  const auto length = in.Read<std::uint8_t>();
  const auto reserved = in.Read<std::uint16_t>();
  const auto spi = in.Read<std::uint32_t>();
  const auto seq = in.Read<std::uint32_t>();
  if (!next_header || !length || !reserved || !spi || !seq) {
    return DropReason::kTruncated;
  }
  const std::size_t size = (std::size_t{*length} + 2) * kWord;
  if (size < kFixedSize || size > octets.size()) {
    return DropReason::kBadLength;
  }
  return AhHeader{*next_header, size, Spi{*spi}, *seq};
}

Verifier::Verifier(std::unique_ptr<State> state) : state_(std::move(state)) {}

Verifier::Verifier(Verifier&&) noexcept = default;
Verifier& Verifier::operator=(Verifier&&) noexcept = default;
Verifier::~Verifier() = default;

Result<Verifier> Verifier::Create(const Parameters& parameters) {
  Result<IcvContext> icv = IcvContext::Create(parameters);
  if (!icv.ok()) {
    return icv.error();
  }
  return Verifier(std::make_unique<State>(
      State{parameters.spi, parameters.mode, *std::move(icv)}));
}

Opinion<AhHeader> Verifier::State::Check(const IpView& view,
                                         std::uint64_t seq) const {
  if (view.fragment() != IpView::Fragment::kWhole) {
    return DropReason::kFragment;
  }
  if (view.protocol() != Number(IpProtocol::kAh)) {
    return DropReason::kBadLength;
  }
  const Opinion<AhHeader> header = PeekAhHeader(view);
  if (!header.ok()) {
    return header.error();
  }
  if (!FitsIcv(header->size, icv.size(), view.family())) {
    return DropReason::kBadLength;
  }
  // The ICV says nothing about an SA or number that the packet does not name.
  if (header->spi != spi || header->seq != static_cast<std::uint32_t>(seq)) {
    return DropReason::kBadIcv;
  }
  return *header;
}

Passage Verifier::State::Ask(VerifyJob& job, const IpView& view,
                             Asked& asked) const {
  const Opinion<AhHeader> header = Check(view, job.seq);
  if (!header.ok()) {
    return header.error();
  }
  Packet& packet = *job.packet;
  const std::size_t room = icv.room_behind();
  if (!packet.Append(room)) {
    return DropReason::kNoHeadroom;
  }
  asked.works.Push(packet.bytes().first(view.size() + room),
                   view.payload_offset(), job.seq);
  packet.TrimBack(room);
  asked.jobs.Push(&job);
  asked.places.Push(view.size(), view.protocol_offset(), *header);
  return Pass();
}

Opinion<Verifier::Verified> Verifier::Verify(Packet& packet,
                                             std::uint64_t seq) {
  VerifyJob job{.packet = &packet, .seq = seq};
  Verify(std::span(&job, 1));
  return std::move(job.outcome);
}

// flatten: see esp/sealer.cc.
[[gnu::flatten]] void Verifier::Verify(std::span<VerifyJob> jobs) {
  for (; jobs.size() > kBurst; jobs = jobs.subspan(kBurst)) {
    Verify(jobs.first(kBurst));
  }
  State::Asked asked;
  for (VerifyJob& job : jobs) {
    const Opinion<IpView> view = IpView::Parse(job.packet->bytes());
    const Passage passage =
        view.ok() ? state_->Ask(job, *view, asked) : view.error();
    if (!passage.ok()) {
      job.outcome = passage.error();
    }
  }
  state_->icv.Verify(asked.works.elements());
  for (std::size_t i = 0; i < asked.works.size(); ++i) {
    IcvContext::VerifyJob& work = asked.works[i];
    const State::Place& place = asked.places[i];
    if (work.outcome.ok()) {
      asked.jobs[i]->outcome =
          Verified{*std::move(work.outcome), place.size,
                   place.protocol_offset,    work.ah_offset,
                   place.header.size,        place.header.next_header};
    } else {
      asked.jobs[i]->outcome = work.outcome.error();
    }
  }
}

Passage Verifier::Finish(Packet& packet, const Verified& verified) {
  packet.TrimBack(packet.size() - verified.size);
  if (state_->mode == IpsecMode::kTunnel) {
    const std::size_t inner = verified.ah_offset + verified.ah_size;
    return StripTunnelHeader(
        packet, {inner, packet.size() - inner, verified.next_header});
  }
  packet.CutBehind(verified.ah_offset, verified.ah_size);
  return RewriteIpHeader(packet.bytes(), verified.protocol_offset,
                         verified.next_header);
}

}  // namespace postern::ah
