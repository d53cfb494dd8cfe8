// SPDX-License-Identifier: Apache-2.0

#include "ah/signer.h"

#include <algorithm>
#include <utility>

#include "ah/icv.h"
#include "core/net/ip_view.h"
#include "core/net/protocols.h"

namespace postern::ah {
namespace {

constexpr std::uint8_t kAh = Number(IpProtocol::kAh);

// RFC 4302 2.2: in words of 32 bits less two, in IPv6 too.
std::uint8_t LengthField(std::size_t size) {
  return static_cast<std::uint8_t>(size / 4 - 2);
}

// The identification of the outer IPv4 header: it does not repeat within 65536
// packets of the SA (RFC 6864), and needs no counter.
std::uint16_t IdentificationOf(Spi spi, std::uint64_t seq) {
  return static_cast<std::uint16_t>(Number(spi) + seq);
}

}  // namespace

struct Signer::State {
  Spi spi;
  std::optional<TunnelHeader> tunnel;
  IcvContext icv;

  Passage Sign(const OutboundJob& job);
  Passage Insert(Packet& packet, const IpView& view, std::uint64_t seq);
  Passage Encapsulate(Packet& packet, const IpView& view, std::uint64_t seq);

  // Writes the AH, `size` octets at `offset`, and signs.
  struct Place {
    std::size_t offset;
    std::size_t size;
    std::uint8_t next_header;
  };

  Passage Finish(Bytes packet, const Place& place, std::uint64_t seq);
};

Passage Signer::State::Insert(Packet& packet, const IpView& view,
                              std::uint64_t seq) {
  if (view.fragment() != IpView::Fragment::kWhole) {
    return DropReason::kFragment;
  }
  const std::size_t lead = view.insertion_offset();
  const Place place{lead, SizeFor(icv.size(), view.family()),
                    view.insertion_protocol()};
  if (!packet.Prepend(place.size)) {
    return DropReason::kNoHeadroom;
  }
  const Bytes bytes = packet.bytes();
  CopyBytes(bytes, bytes.subspan(place.size, lead));
  bytes[view.insertion_protocol_offset()] = kAh;
  if (const Passage sized = SetIpLength(bytes, bytes.size()); !sized.ok()) {
    return sized;
  }
  return Finish(bytes, place, seq);
}

Passage Signer::State::Encapsulate(Packet& packet, const IpView& view,
                                   std::uint64_t seq) {
  const IpFamily outer = tunnel->endpoints.source.family();
  const Place place{SizeOf(*tunnel), SizeFor(icv.size(), outer),
                    ProtocolOf(view.family())};
  if (!packet.Prepend(place.offset + place.size)) {
    return DropReason::kNoHeadroom;
  }
  const Bytes bytes = packet.bytes();
  const Passage headed =
      WriteTunnelHeader(*tunnel, view, kAh, IdentificationOf(spi, seq), bytes);
  return headed.ok() ? Finish(bytes, place, seq) : headed;
}

Passage Signer::State::Finish(Bytes packet, const Place& place,
                              std::uint64_t seq) {
  const Bytes header = packet.subspan(place.offset, place.size);
  std::fill(header.begin(), header.end(), std::uint8_t{0});
  Writer out(header);
  out.Write(place.next_header);
  out.Write(LengthField(place.size));
  out.Write(std::uint16_t{0});  // reserved
  out.Write(Number(spi));
  out.Write(static_cast<std::uint32_t>(seq));
  return icv.Sign(packet, place.offset, seq);
}

Passage Signer::State::Sign(const OutboundJob& job) {
  if (job.view == nullptr) {
    const Opinion<IpView> view = IpView::Parse(job.packet->bytes());
    return view.ok() ? Sign({job.packet, job.seq, &*view}) : view.error();
  }
  Packet& packet = *job.packet;
  packet.TrimBack(packet.size() - job.view->size());
  return tunnel.has_value() ? Encapsulate(packet, *job.view, job.seq)
                            : Insert(packet, *job.view, job.seq);
}

Signer::Signer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;
Signer::~Signer() = default;

Result<Signer> Signer::Create(const Parameters& parameters) {
  Result<IcvContext> icv = IcvContext::Create(parameters);
  if (!icv.ok()) {
    return icv.error();
  }
  return Signer(std::make_unique<State>(
      State{parameters.spi, parameters.tunnel, *std::move(icv)}));
}

std::size_t Signer::front() const {
  const std::size_t outer =
      state_->tunnel.has_value() ? SizeOf(*state_->tunnel) : 0;
  return outer + SizeFor(state_->icv.size(), IpFamily::kV6);
}

Passage Signer::Sign(Packet& packet, std::uint64_t seq) {
  return state_->Sign({.packet = &packet, .seq = seq});
}

void Signer::Sign(std::span<OutboundJob> jobs) {
  for (OutboundJob& job : jobs) {
    job.outcome = state_->Sign(job);
  }
}

}  // namespace postern::ah
