// SPDX-License-Identifier: Apache-2.0

#include "esp/opener.h"

#include <utility>

#include "core/burst.h"
#include "core/net/protocols.h"
#include "core/tunnel_header.h"
#include "esp/parameters.h"
#include "esp/suite.h"
#include "esp/trailer.h"

namespace postern::esp {
namespace {

// Restores the IP header of a packet whose ESP header, `esp_size` octets with
// its IV, is to vanish.
Passage MendHeader(Packet& packet, const IpView& view, std::size_t esp_size,
                   std::uint8_t next_header) {
  const std::size_t lead = view.payload_offset();
  const Bytes before = packet.bytes();
  CopyBytes(before.subspan(esp_size, lead), before.first(lead));
  packet.TrimFront(esp_size);
  return RewriteIpHeader(packet.bytes(), view.protocol_offset(), next_header);
}

// Cuts link padding off and says where the ESP header stands.
Opinion<std::size_t> FindEsp(Packet& packet, const IpView& view) {
  if (view.fragment() != IpView::Fragment::kWhole) {
    return DropReason::kFragment;
  }
  if (view.protocol() != Number(IpProtocol::kEsp)) {
    return DropReason::kBadLength;
  }
  packet.TrimBack(packet.size() - view.size());
  return view.payload_offset();
}

Opinion<std::size_t> FindEsp(Packet& packet) {
  const Opinion<IpView> view = IpView::Parse(packet.bytes());
  if (!view.ok()) {
    return view.error();
  }
  return FindEsp(packet, *view);
}

}  // namespace

struct Opener::State {
  IpsecMode mode;
  OpeningSuite suite;

  // What Open() answers of an ESP packet that was found at `offset`.
  Opened Describe(AuthProof proof, std::size_t offset, Bytes esp) const {
    return {std::move(proof), offset, offset + suite.sizes().header(),
            suite.Plaintext(esp).size()};
  }
};

Opinion<EspHeader> PeekEspHeader(const IpView& view) {
  Reader in(view.payload());
  const auto spi = in.Read<std::uint32_t>();
  const auto seq = in.Read<std::uint32_t>();
  if (!spi || !seq) {
    return DropReason::kTruncated;
  }
  return EspHeader{Spi{*spi}, *seq};
}

Opener::Opener(std::unique_ptr<State> state) : state_(std::move(state)) {}

Opener::Opener(Opener&&) noexcept = default;
Opener& Opener::operator=(Opener&&) noexcept = default;
Opener::~Opener() = default;

Result<Opener> Opener::Create(const Parameters& parameters) {
  Result<OpeningSuite> suite = OpeningSuite::Create(parameters);
  if (!suite.ok()) {
    return suite.error();
  }
  return Opener(
      std::make_unique<State>(State{parameters.mode, *std::move(suite)}));
}

Opinion<Opener::Opened> Opener::Open(Packet& packet, std::uint64_t seq) {
  OpenJob job{.packet = &packet, .seq = seq};
  Open(std::span(&job, 1));
  return std::move(job.outcome);
}

void Opener::Open(std::span<OpenJob> jobs) {
  for (; jobs.size() > kBurst; jobs = jobs.subspan(kBurst)) {
    Open(jobs.first(kBurst));
  }
  Burst<OpeningSuite::Job> works;
  Burst<std::size_t> offsets;
  Burst<OpenJob*> found;
  for (OpenJob& job : jobs) {
    const Opinion<std::size_t> offset = job.view != nullptr
                                            ? FindEsp(*job.packet, *job.view)
                                            : FindEsp(*job.packet);
    if (!offset.ok()) {
      job.outcome = offset.error();
      continue;
    }
    works.Push(job.packet->bytes().subspan(*offset), job.seq);
    offsets.Push(*offset);
    found.Push(&job);
  }
  state_->suite.Open(works.elements());
  for (std::size_t i = 0; i < works.size(); ++i) {
    Opinion<AuthProof>& proof = works[i].outcome;
    if (proof.ok()) {
      found[i]->outcome =
          state_->Describe(*std::move(proof), offsets[i], works[i].esp);
    } else {
      found[i]->outcome = proof.error();
    }
  }
}

Opinion<Opener::Opened> Opener::OpenCovered(Packet& packet, AuthProof cover) {
  const Opinion<std::size_t> offset = FindEsp(packet);
  if (!offset.ok()) {
    return offset.error();
  }
  OpeningSuite& suite = state_->suite;
  const Bytes esp = packet.bytes().subspan(*offset);
  if (const Passage decrypted = suite.DecryptUnverified(esp); !decrypted.ok()) {
    return decrypted.error();
  }
  return state_->Describe(std::move(cover), *offset, esp);
}

Passage Opener::Finish(Packet& packet, const Opened& opened) {
  const Opinion<Trailer> trailer = ReadTrailer(
      packet.bytes().subspan(opened.payload_offset, opened.payload_size));
  if (!trailer.ok()) {
    return trailer.error();
  }
  if (trailer->next_header == Number(IpProtocol::kNoNextHeader)) {
    return DropReason::kDummyPacket;
  }
  if (state_->mode == IpsecMode::kTunnel) {
    return StripTunnelHeader(
        packet,
        {opened.payload_offset, trailer->payload_size, trailer->next_header});
  }
  const Opinion<IpView> view = IpView::Parse(packet.bytes());
  if (!view.ok()) {
    return view.error();
  }
  packet.TrimBack(packet.size() - opened.payload_offset -
                  trailer->payload_size);
  return MendHeader(packet, *view, opened.payload_offset - opened.esp_offset,
                    trailer->next_header);
}

}  // namespace postern::esp
