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

// Restores the IP header of a packet whose ESP header is to vanish.
Passage MendHeader(Packet& packet, const Opener::Opened& opened,
                   std::uint8_t next_header) {
  const std::size_t vanishing = opened.payload_offset - opened.esp_offset;
  const Bytes before = packet.bytes();
  CopyBytes(before.subspan(vanishing, opened.esp_offset),
            before.first(opened.esp_offset));
  packet.TrimFront(vanishing);
  return RewriteIpHeader(packet.bytes(), opened.protocol_offset, next_header);
}

// Where an ESP header stands.
struct Found {
  std::size_t protocol_offset;  // of the octet that names it
  std::size_t offset;
};

Passage CheckIsEsp(const Opinion<IpView>& view) {
  if (!view.ok()) {
    return view.error();
  }
  if (view->fragment() != IpView::Fragment::kWhole) {
    return DropReason::kFragment;
  }
  return view->protocol() == Number(IpProtocol::kEsp) ? Pass()
                                                      : DropReason::kBadLength;
}

// The ESP packet within; cuts link padding off.
Bytes TakeEsp(Packet& packet, const IpView& view) {
  packet.TrimBack(packet.size() - view.size());
  return packet.bytes().subspan(view.payload_offset());
}

}  // namespace

struct Opener::State {
  IpsecMode mode;
  std::optional<TunnelEndpoints> inner;  // in BEET mode
  OpeningSuite suite;

  // What Open() answers of an ESP packet that was found there.
  Opened Describe(AuthProof proof, const Found& found, Bytes esp) const {
    return {std::move(proof), found.protocol_offset, found.offset,
            found.offset + suite.sizes().header(), suite.Plaintext(esp).size()};
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
  Burst<Found> places;
  Burst<OpenJob*> asked;
  for (OpenJob& job : jobs) {
    const Opinion<IpView> view = IpView::Parse(job.packet->bytes());
    if (const Passage is_esp = CheckIsEsp(view); !is_esp.ok()) {
      job.outcome = is_esp.error();
      continue;
    }
    works.Push(TakeEsp(*job.packet, *view), job.seq);
    places.Push(view->protocol_offset(), view->payload_offset());
    asked.Push(&job);
  }
  state_->suite.Open(works.elements());
  for (std::size_t i = 0; i < works.size(); ++i) {
    Opinion<AuthProof>& proof = works[i].outcome;
    if (proof.ok()) {
      asked[i]->outcome =
          state_->Describe(*std::move(proof), places[i], works[i].esp);
    } else {
      asked[i]->outcome = proof.error();
    }
  }
}

Opinion<Opener::Opened> Opener::OpenCovered(Packet& packet, AuthProof cover) {
  const Opinion<IpView> view = IpView::Parse(packet.bytes());
  if (const Passage is_esp = CheckIsEsp(view); !is_esp.ok()) {
    return is_esp.error();
  }
  OpeningSuite& suite = state_->suite;
  const Found found{view->protocol_offset(), view->payload_offset()};
  const Bytes esp = TakeEsp(packet, *view);
  if (const Passage decrypted = suite.DecryptUnverified(esp); !decrypted.ok()) {
    return decrypted.error();
  }
  return state_->Describe(std::move(cover), found, esp);
}

[[gnu::flatten]] Passage Opener::Finish(Packet& packet, const Opened& opened) {
  const Opinion<Trailer> trailer = ReadTrailer(
      packet.bytes().subspan(opened.payload_offset, opened.payload_size));
  if (!trailer.ok()) {
    return trailer.error();
  }
  if (trailer->next_header == Number(IpProtocol::kNoNextHeader)) {
    return DropReason::kDummyPacket;
  }
  if (state_->mode != IpsecMode::kTransport) {
    const TunnelContent content{opened.payload_offset, trailer->payload_size,
                                trailer->next_header};
    return state_->inner.has_value()
               ? StripBeetHeader(packet, *state_->inner, content)
               : StripTunnelHeader(packet, content);
  }
  packet.TrimBack(packet.size() - opened.payload_offset -
                  trailer->payload_size);
  return MendHeader(packet, opened, trailer->next_header);
}

}  // namespace postern::esp
