// SPDX-License-Identifier: Apache-2.0

#include "ah/verifier.h"

#include <utility>

#include "ah/icv.h"
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

  Opinion<Verified> Verify(const VerifyJob& job);
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

Opinion<Verifier::Verified> Verifier::State::Verify(const VerifyJob& job) {
  if (job.view == nullptr) {
    const Opinion<IpView> view = IpView::Parse(job.packet->bytes());
    return view.ok() ? Verify({job.packet, job.seq, &*view}) : view.error();
  }
  const IpView& view = *job.view;
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
  if (header->spi != spi ||
      header->seq != static_cast<std::uint32_t>(job.seq)) {
    return DropReason::kBadIcv;
  }
  Opinion<AuthProof> proof = icv.Verify(job.packet->bytes().first(view.size()),
                                        view.payload_offset(), job.seq);
  if (!proof.ok()) {
    return proof.error();
  }
  return Verified{*std::move(proof), view.payload_offset(), header->size,
                  header->next_header};
}

Opinion<Verifier::Verified> Verifier::Verify(Packet& packet,
                                             std::uint64_t seq) {
  return state_->Verify({.packet = &packet, .seq = seq});
}

void Verifier::Verify(std::span<VerifyJob> jobs) {
  for (VerifyJob& job : jobs) {
    job.outcome = state_->Verify(job);
  }
}

Passage Verifier::Finish(Packet& packet, const Verified& verified) {
  const Opinion<IpView> view = IpView::Parse(packet.bytes());
  if (!view.ok()) {
    return view.error();
  }
  packet.TrimBack(packet.size() - view->size());
  if (state_->mode == IpsecMode::kTunnel) {
    const std::size_t inner = verified.ah_offset + verified.ah_size;
    return StripTunnelHeader(
        packet, {inner, packet.size() - inner, verified.next_header});
  }
  const Bytes before = packet.bytes();
  CopyBytes(before.subspan(verified.ah_size, verified.ah_offset),
            before.first(verified.ah_offset));
  packet.TrimFront(verified.ah_size);
  const Bytes mended = packet.bytes();
  mended[view->protocol_offset()] = verified.next_header;
  return SetIpLength(mended, mended.size());
}

}  // namespace postern::ah
