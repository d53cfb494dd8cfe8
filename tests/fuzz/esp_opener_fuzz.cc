// SPDX-License-Identifier: Apache-2.0
//
// ESP-38, what happens behind the proof: an authentic peer may still send anything as
// plaintext. The input is a packet without its ICV; with NULL encryption and
// the ICV that a peer would compute, all of it reaches the trailer and the inner
// headers.

#include <array>

#include "core/crypto/mac_context.h"
#include "core/packet/packet_pool.h"
#include "esp/opener.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using postern::IpAddress;
using postern::Packet;
using postern::PacketPool;
using postern::esp::Opener;
using postern::esp::Parameters;

constexpr std::uint64_t kSeq = 1;
constexpr postern::Integrity kIntegrity = postern::Integrity::kHmacSha1_96;
constexpr std::array<std::uint8_t, 20> kKey{1, 2, 3};
constexpr std::size_t kIcvSize = 12;

// `inner`: in BEET mode, the address that both ends have inside.
Opener MakeOpener(postern::IpsecMode mode, const char* inner = nullptr) {
  Parameters parameters;
  parameters.spi = postern::Spi{0x1001};
  parameters.mode = mode;
  parameters.integrity = kIntegrity;
  parameters.integrity_key = postern::SecretBytes(kKey);
  if (postern::HasOuterHeader(mode)) {
    parameters.tunnel.emplace();
  }
  if (inner != nullptr) {
    const IpAddress end = IpAddress::Parse(inner).value();
    parameters.inner = postern::TunnelEndpoints{end, end};
  }
  postern::Result<Opener> opener = Opener::Create(parameters);
  if (!opener.ok()) {
    std::fprintf(stderr, "%s\n", opener.error().message.c_str());
    std::abort();
  }
  return std::move(opener).value();
}

// Appends the ICV over everything from the ESP header on (RFC 4303 2.8).
bool Authenticate(Packet& packet, std::size_t esp_offset) {
  static postern::MacContext mac =
      std::move(postern::MacContext::Create(kIntegrity, kKey)).value();
  const std::size_t size = packet.size();
  if (!packet.Append(kIcvSize) ||
      !postern::SetIpLength(packet.bytes(), packet.size()).ok()) {
    return false;
  }
  const postern::Bytes octets = packet.bytes();
  return mac
      .Sign({octets.subspan(esp_offset, size - esp_offset)},
            octets.subspan(size))
      .ok();
}

// What an IP header says of its packet's size. In transport mode what follows
// may still be anything: the pipeline parses it again.
void CheckOutcome(postern::ConstBytes octets) {
  const bool is_v4 = !octets.empty() && octets[0] >> 4 == 4;
  postern::Claim("an IP header comes out", octets.size() >= (is_v4 ? 20 : 40));
  const std::size_t size =
      is_v4 ? postern::LoadBe<std::uint16_t>(octets.subspan(2))
            : 40 + postern::LoadBe<std::uint16_t>(octets.subspan(4));
  postern::Claim("its length is the packet's", size == octets.size());
}

void Open(Opener& opener, PacketPool& pool, const postern::IpView& view,
          postern::ConstBytes octets) {
  Packet packet = pool.Copy(octets);
  if (!Authenticate(packet, view.payload_offset())) {
    packet.Release();
    return;
  }
  const auto opened = opener.Open(packet, kSeq);
  if (opened.ok()) {
    const std::size_t before = packet.size();
    postern::Claim("ESP is in the packet", opened->place.esp_offset < before);
    if (opener.Finish(packet, *opened).ok()) {
      postern::Claim("opening makes packets smaller", packet.size() < before);
      CheckOutcome(packet.bytes());
    }
  }
  packet.Release();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets,
                                      std::size_t size) {
  static PacketPool pool({.packets = 1, .payload = 65535});
  static Opener transport = MakeOpener(postern::IpsecMode::kTransport);
  static Opener tunnel = MakeOpener(postern::IpsecMode::kTunnel);
  static Opener beet4 = MakeOpener(postern::IpsecMode::kBeet, "192.0.2.1");
  static Opener beet6 = MakeOpener(postern::IpsecMode::kBeet, "2001:db8::1");
  const postern::ConstBytes input(octets, size);
  const auto view = postern::IpView::Parse(input);
  if (size > 65535 || !view.ok() || view->protocol() != 50) {
    return 0;
  }
  Open(transport, pool, *view, input.first(view->size()));
  Open(tunnel, pool, *view, input.first(view->size()));
  Open(beet4, pool, *view, input.first(view->size()));
  Open(beet6, pool, *view, input.first(view->size()));
  return 0;
}
