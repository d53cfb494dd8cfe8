// SPDX-License-Identifier: Apache-2.0
//
// Received AH of any shape, and packets of any shape that we sign: what we
// signed we verify, and verifying changes no octet.

#include <algorithm>
#include <array>
#include <vector>

#include "ah/verifier.h"
#include "core/packet/packet_pool.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using postern::Packet;
using postern::PacketPool;
using postern::ah::Signer;
using postern::ah::Verifier;

constexpr std::uint64_t kSeq = 7;

postern::ah::Parameters TransportSa() {
  const std::array<std::uint8_t, 32> key{1, 2, 3};
  postern::ah::Parameters parameters;
  parameters.spi = postern::Spi{0x1002};
  parameters.integrity_key = postern::SecretBytes(key);
  return parameters;
}

void Receive(Verifier& verifier, PacketPool& pool, postern::ConstBytes octets) {
  Packet packet = pool.Copy(octets);
  const auto verified = verifier.Verify(packet, kSeq);
  postern::Claim("verifying changes nothing",
                 std::ranges::equal(packet.bytes(), octets));
  if (verified.ok() && verifier.Finish(packet, *verified).ok()) {
    postern::Claim("what comes out is an IP packet",
                   postern::IpView::Parse(packet.bytes()).ok());
  }
  packet.Release();
}

void SignAndReceive(Signer& signer, Verifier& verifier, PacketPool& pool,
                    postern::ConstBytes octets) {
  Packet packet = pool.Copy(octets);
  if (signer.Sign(packet, kSeq).ok()) {
    const auto view = postern::IpView::Parse(packet.bytes());
    postern::Claim("a signed packet is an IP packet", view.ok());
    if (view->protocol() == 51) {
      postern::Claim("we verify what we signed",
                     verifier.Verify(packet, kSeq).ok());
    }
  }
  packet.Release();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets,
                                      std::size_t size) {
  static PacketPool pool({.packets = 1, .payload = 65535});
  static Signer signer = std::move(Signer::Create(TransportSa())).value();
  static Verifier verifier = std::move(Verifier::Create(TransportSa())).value();
  const postern::ConstBytes input(octets, size);
  const auto view = postern::IpView::Parse(input);
  if (size > 65535 || !view.ok()) {
    return 0;
  }
  if (view->protocol() == 51) {
    (void)postern::ah::PeekAhHeader(*view);
    Receive(verifier, pool, input);
  }
  SignAndReceive(signer, verifier, pool, input.first(view->size()));
  return 0;
}
