// SPDX-License-Identifier: Apache-2.0

#include "ah/signer.h"

#include <algorithm>
#include <utility>

#include "ah/icv.h"
#include "core/burst.h"
#include "core/net/identifications.h"
#include "core/net/ip_view.h"
#include "core/net/protocols.h"

namespace postern::ah {
namespace {

constexpr std::uint8_t kAh = Number(IpProtocol::kAh);

// RFC 4302 2.2: in words of 32 bits less two, in IPv6 too.
std::uint8_t LengthField(std::size_t size) {
  return static_cast<std::uint8_t>(size / 4 - 2);
}

}  // namespace

struct Signer::State {
  using Works = Burst<IcvContext::SignJob>;

  Spi spi;
  std::optional<TunnelHeader> tunnel;
  TunnelIds ids;
  IcvContext icv;

  // Makes room in the packet and writes everything but the ICV.
  Passage LayOut(const OutboundJob& job, const IpView& view, Works& works);

  // An empty `iv` is chosen.
  void Sign(std::span<OutboundJob> jobs, ConstBytes iv);

  // An AH's place in the packet that is made.
  struct Place {
    std::size_t offset;
    std::size_t size;
    std::uint8_t next_header;
  };

  Opinion<Place> Insert(Packet& packet, const IpView& view) const;
  Opinion<Place> Encapsulate(Packet& packet, const IpView& view,
                             std::uint64_t seq) const;
};

Opinion<Signer::State::Place> Signer::State::Insert(Packet& packet,
                                                    const IpView& view) const {
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
  const Passage named =
      RewriteIpHeader(bytes, view.insertion_protocol_offset(), kAh);
  return named.ok() ? Opinion<Place>(place) : named.error();
}

Opinion<Signer::State::Place> Signer::State::Encapsulate(
    Packet& packet, const IpView& view, std::uint64_t seq) const {
  const IpFamily outer = tunnel->endpoints.source.family();
  const Place place{SizeOf(*tunnel), SizeFor(icv.size(), outer),
                    ProtocolOf(view.family())};
  if (!packet.Prepend(place.offset + place.size)) {
    return DropReason::kNoHeadroom;
  }
  const Passage headed =
      WriteTunnelHeader(*tunnel, view, kAh, ids.Of(seq), packet.bytes());
  return headed.ok() ? Opinion<Place>(place) : headed.error();
}

Passage Signer::State::LayOut(const OutboundJob& job, const IpView& view,
                              Works& works) {
  Packet& packet = *job.packet;
  packet.TrimBack(packet.size() - view.size());
  const Opinion<Place> place = tunnel.has_value()
                                   ? Encapsulate(packet, view, job.seq)
                                   : Insert(packet, view);
  if (!place.ok()) {
    return place.error();
  }
  const Bytes header = packet.bytes().subspan(place->offset, place->size);
  std::fill(header.begin(), header.end(), std::uint8_t{0});
  header[0] = place->next_header;
  header[1] = LengthField(place->size);
  StoreBe(header.subspan(4), Number(spi));
  StoreBe(header.subspan(8), static_cast<std::uint32_t>(job.seq));
  if (!packet.Append(icv.room_behind())) {
    return DropReason::kNoHeadroom;
  }
  works.Push(packet.bytes(), place->offset, job.seq, ConstBytes());
  packet.TrimBack(icv.room_behind());
  return Pass();
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
  return Signer(std::make_unique<State>(State{parameters.spi, parameters.tunnel,
                                              TunnelIds(parameters.spi),
                                              *std::move(icv)}));
}

std::size_t Signer::front() const {
  const std::size_t outer =
      state_->tunnel.has_value() ? SizeOf(*state_->tunnel) : 0;
  return outer + SizeFor(state_->icv.size(), IpFamily::kV6);
}

Passage Signer::Sign(Packet& packet, std::uint64_t seq) {
  OutboundJob job{.packet = &packet, .seq = seq};
  Sign(std::span(&job, 1));
  return job.outcome;
}

Passage Signer::SignWithIv(Packet& packet, std::uint64_t seq, ConstBytes iv) {
  OutboundJob job{.packet = &packet, .seq = seq};
  state_->Sign(std::span(&job, 1), iv);
  return job.outcome;
}

void Signer::Sign(std::span<OutboundJob> jobs) {
  state_->Sign(jobs, {});
}

// flatten: see esp/sealer.cc.
[[gnu::flatten]] void Signer::State::Sign(std::span<OutboundJob> jobs,
                                          ConstBytes iv) {
  for (; jobs.size() > kBurst; jobs = jobs.subspan(kBurst)) {
    Sign(jobs.first(kBurst), iv);
  }
  Works works;
  for (OutboundJob& job : jobs) {
    const Opinion<IpView> view = IpView::Parse(job.packet->bytes());
    job.outcome = view.ok() ? LayOut(job, *view, works) : view.error();
  }
  if (!iv.empty()) {
    for (IcvContext::SignJob& work : works) {
      work.iv = iv;
    }
  }
  icv.Sign(works.elements());
  const IcvContext::SignJob* work = works.begin();
  for (OutboundJob& job : jobs) {
    if (job.outcome.ok()) {
      job.outcome = (work++)->outcome;
    }
  }
}

}  // namespace postern::ah
