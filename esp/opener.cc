// SPDX-License-Identifier: Apache-2.0

#include "esp/opener.h"

#include <optional>
#include <utility>

#include "core/beet_header.h"
#include "core/burst.h"
#include "core/net/protocols.h"
#include "core/tunnel_header.h"
#include "esp/parameters.h"
#include "esp/suite.h"
#include "esp/trailer.h"

namespace postern::esp {
namespace {

// Restores the IP header of a packet whose ESP header, and IV, are to vanish.
Passage MendHeader(Packet& packet, const Place& place, std::size_t vanishing,
                   std::uint8_t next_header) {
  packet.CutBehind(place.esp_offset, vanishing);
  return RewriteIpHeader(packet.bytes(), place.protocol_offset, next_header);
}

// Looks for ESP; cuts link padding off.
Opinion<Place> FindEsp(Packet& packet) {
  const Opinion<IpView> view = IpView::Parse(packet.bytes());
  if (!view.ok()) {
    return view.error();
  }
  if (view->fragment() != IpView::Fragment::kWhole) {
    return DropReason::kFragment;
  }
  if (view->protocol() != Number(IpProtocol::kEsp)) {
    return DropReason::kBadLength;
  }
  packet.TrimBack(packet.size() - view->size());
  return Place::In(*view);
}

}  // namespace

struct Opener::State {
  IpsecMode mode;
  std::optional<TunnelEndpoints> inner;  // in BEET mode
  OpeningSuite suite;

  // The plaintext of a packet that was opened there, with its trailer.
  ConstBytes TextOf(const Packet& packet, const Place& place) const {
    const ConstBytes esp = packet.bytes().subspan(place.esp_offset);
    return suite.Plaintext(esp);
  }
};

Opener::Opener(std::unique_ptr<State> state) : state_(std::move(state)) {}

Opener::Opener(Opener&&) noexcept = default;
Opener& Opener::operator=(Opener&&) noexcept = default;
Opener::~Opener() = default;

Result<Opener> Opener::Create(const Parameters& parameters) {
  Result<OpeningSuite> suite = OpeningSuite::Create(parameters);
  if (!suite.ok()) {
    return suite.error();
  }
  return Opener(std::make_unique<State>(
      State{parameters.mode, parameters.inner, *std::move(suite)}));
}

Opinion<Opener::Opened> Opener::Open(Packet& packet, std::uint64_t seq) {
  OpenJob job{.packet = &packet, .seq = seq};
  Open(std::span(&job, 1));
  return std::move(job.outcome);
}

// flatten: see esp/sealer.cc.
[[gnu::flatten]] void Opener::Open(std::span<OpenJob> jobs) {
  for (; jobs.size() > kBurst; jobs = jobs.subspan(kBurst)) {
    Open(jobs.first(kBurst));
  }
  Burst<OpeningSuite::Job> works;
  Burst<Place> places;
  Burst<OpenJob*> asked;
  for (OpenJob& job : jobs) {
    Place place = job.place;
    if (place.esp_offset == 0) {
      const Opinion<Place> found = FindEsp(*job.packet);
      if (!found.ok()) {
        job.outcome = found.error();
        continue;
      }
      place = *found;
    }
    works.Push(job.packet->bytes().subspan(place.esp_offset), job.seq);
    places.Push(place);
    asked.Push(&job);
  }
  state_->suite.Open(works.elements());
  for (std::size_t i = 0; i < works.size(); ++i) {
    Opinion<AuthProof>& proof = works[i].outcome;
    if (proof.ok()) {
      asked[i]->outcome = Opened{*std::move(proof), places[i]};
    } else {
      asked[i]->outcome = proof.error();
    }
  }
}

Opinion<Opener::Opened> Opener::OpenCovered(Packet& packet, AuthProof cover) {
  const Opinion<Place> found = FindEsp(packet);
  if (!found.ok()) {
    return found.error();
  }
  const Bytes esp = packet.bytes().subspan(found->esp_offset);
  if (const Passage decrypted = state_->suite.DecryptUnverified(esp);
      !decrypted.ok()) {
    return decrypted.error();
  }
  return Opened{std::move(cover), *found};
}

[[gnu::flatten]] Passage Opener::Finish(Packet& packet, const Opened& opened) {
  const std::size_t headers = state_->suite.sizes().header();
  const std::size_t offset = opened.place.esp_offset + headers;
  const Opinion<Trailer> trailer =
      ReadTrailer(state_->TextOf(packet, opened.place));
  if (!trailer.ok()) {
    return trailer.error();
  }
  if (trailer->next_header == Number(IpProtocol::kNoNextHeader)) {
    return DropReason::kDummyPacket;
  }
  if (state_->mode != IpsecMode::kTransport) {
    const TunnelContent content{offset, trailer->payload_size,
                                trailer->next_header};
    return state_->inner.has_value()
               ? StripBeetHeader(packet, *state_->inner, content)
               : StripTunnelHeader(packet, content);
  }
  packet.TrimBack(packet.size() - offset - trailer->payload_size);
  return MendHeader(packet, opened.place, headers, trailer->next_header);
}

}  // namespace postern::esp
