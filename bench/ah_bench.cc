// SPDX-License-Identifier: Apache-2.0
//
// ah::Signer and Verifier, transport mode over IPv4, beside bare HMAC over as
// many octets as the payload has.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <vector>

#include "ah/signer.h"
#include "ah/verifier.h"
#include "bench/bare_libcrypto.h"
#include "bench/sizes.h"
#include "bench/udp_source.h"

namespace postern::bench {

namespace {

ah::Parameters ParametersOf(Integrity integrity) {
  ah::Parameters parameters;
  parameters.spi = Spi{0x1002};
  parameters.integrity = integrity;
  parameters.integrity_key = SecretBytes(Octets(InfoOf(integrity).key));
  return parameters;
}

void Sign(benchmark::State& state, Integrity integrity) {
  UdpSource source(static_cast<std::size_t>(state.range(0)));
  ah::Signer signer = ah::Signer::Create(ParametersOf(integrity)).value();
  std::uint64_t seq = 0;
  for (auto _ : state) {
    Packet packet = source.Next();
    if (!signer.Sign(packet, ++seq)) {
      state.SkipWithError("refused");
    }
    packet.Release();
  }
  CountOctets(state);
}

void SignVerify(benchmark::State& state, Integrity integrity) {
  UdpSource source(static_cast<std::size_t>(state.range(0)));
  ah::Signer signer = ah::Signer::Create(ParametersOf(integrity)).value();
  ah::Verifier verifier = ah::Verifier::Create(ParametersOf(integrity)).value();
  std::uint64_t seq = 0;
  for (auto _ : state) {
    Packet packet = source.Next();
    if (!signer.Sign(packet, ++seq)) {
      state.SkipWithError("refused");
    }
    const auto verified = verifier.Verify(packet, seq);
    if (!verified || !verifier.Finish(packet, *verified)) {
      state.SkipWithError("refused");
    }
    packet.Release();
  }
  CountOctets(state);
}

void SignBare(benchmark::State& state, Integrity integrity, int times) {
  const char* const digest =
      integrity == Integrity::kHmacSha1_96 ? "SHA1" : "SHA256";
  BareHmac bare(digest, Octets(InfoOf(integrity).key));
  const std::vector<std::uint8_t> octets =
      Octets(static_cast<std::size_t>(state.range(0)));
  std::array<std::uint8_t, 12> icv{};
  for (auto _ : state) {
    for (int i = 0; i < times; ++i) {
      bare.Sign(octets, icv);
      benchmark::ClobberMemory();
    }
  }
  CountOctets(state);
}

BENCHMARK_CAPTURE(Sign, , Integrity::kHmacSha1_96)
    ->Name("ah_sign_hmac_sha1/postern")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SignBare, , Integrity::kHmacSha1_96, 1)
    ->Name("ah_sign_hmac_sha1/libcrypto")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(Sign, , Integrity::kHmacSha2_256_128)
    ->Name("ah_sign_hmac_sha256/postern")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SignBare, , Integrity::kHmacSha2_256_128, 1)
    ->Name("ah_sign_hmac_sha256/libcrypto")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SignVerify, , Integrity::kHmacSha2_256_128)
    ->Name("ah_sign_verify_hmac_sha256/postern")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SignBare, , Integrity::kHmacSha2_256_128, 2)
    ->Name("ah_sign_verify_hmac_sha256/libcrypto")
    ->Apply(PacketSizes);

}  // namespace

}  // namespace postern::bench
