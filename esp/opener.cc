// SPDX-License-Identifier: Apache-2.0

#include "esp/opener.h"

#include <utility>

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
  const Bytes mended = packet.bytes();
  mended[view.protocol_offset()] = next_header;
  return SetIpLength(mended, mended.size());
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

  Opinion<Opened> Open(const OpenJob& job);
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

Opinion<Opener::Opened> Opener::State::Open(const OpenJob& job) {
  Packet& packet = *job.packet;
  const Opinion<std::size_t> offset =
      job.view != nullptr ? FindEsp(packet, *job.view) : FindEsp(packet);
  if (!offset.ok()) {
    return offset.error();
  }
  const Bytes esp = packet.bytes().subspan(*offset);
  Opinion<AuthProof> proof = suite.Open(esp, job.seq);
  if (!proof.ok()) {
    return proof.error();
  }
  return Opened{*std::move(proof), *offset, *offset + suite.sizes().header(),
                suite.Plaintext(esp).size()};
}

Opinion<Opener::Opened> Opener::Open(Packet& packet, std::uint64_t seq) {
  return state_->Open({.packet = &packet, .seq = seq});
}

void Opener::Open(std::span<OpenJob> jobs) {
  for (OpenJob& job : jobs) {
    job.outcome = state_->Open(job);
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
  return Opened{std::move(cover), *offset, *offset + suite.sizes().header(),
                suite.Plaintext(esp).size()};
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
