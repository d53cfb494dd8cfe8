// SPDX-License-Identifier: Apache-2.0
//
// MacContext beside the bare calls: HMAC-SHA1-96 and HMAC-SHA2-256-128.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <vector>

#include "bench/bare_libcrypto.h"
#include "bench/sizes.h"
#include "core/crypto/mac_context.h"

namespace postern::bench {

namespace {

void SignPostern(benchmark::State& state, Integrity algorithm) {
  const IntegrityInfo& info = InfoOf(algorithm);
  MacContext context = MacContext::Create(algorithm, Octets(info.key)).value();
  const std::vector<std::uint8_t> packet =
      Octets(static_cast<std::size_t>(state.range(0)));
  std::vector<std::uint8_t> icv(info.icv);
  for (auto _ : state) {
    if (!context.Sign({packet}, icv)) {
      state.SkipWithError("refused");
    }
  }
  CountOctets(state);
}

void SignBare(benchmark::State& state, const char* digest,
              Integrity algorithm) {
  const IntegrityInfo& info = InfoOf(algorithm);
  BareHmac bare(digest, Octets(info.key));
  const std::vector<std::uint8_t> packet =
      Octets(static_cast<std::size_t>(state.range(0)));
  std::vector<std::uint8_t> icv(info.icv);
  for (auto _ : state) {
    bare.Sign(packet, icv);
    benchmark::ClobberMemory();
  }
  CountOctets(state);
}

void VerifyPostern(benchmark::State& state, Integrity algorithm) {
  const IntegrityInfo& info = InfoOf(algorithm);
  MacContext context = MacContext::Create(algorithm, Octets(info.key)).value();
  const std::vector<std::uint8_t> packet =
      Octets(static_cast<std::size_t>(state.range(0)));
  std::vector<std::uint8_t> icv(info.icv);
  if (!context.Sign({packet}, icv)) {
    state.SkipWithError("refused");
  }
  for (auto _ : state) {
    if (!context.Verify({packet}, icv)) {
      state.SkipWithError("refused");
    }
  }
  CountOctets(state);
}

BENCHMARK_CAPTURE(SignPostern, , Integrity::kHmacSha1_96)
    ->Name("context_sign_hmac_sha1/postern")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SignBare, , "SHA1", Integrity::kHmacSha1_96)
    ->Name("context_sign_hmac_sha1/libcrypto")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SignPostern, , Integrity::kHmacSha2_256_128)
    ->Name("context_sign_hmac_sha256/postern")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SignBare, , "SHA256", Integrity::kHmacSha2_256_128)
    ->Name("context_sign_hmac_sha256/libcrypto")
    ->Apply(PacketSizes);
// Verifying is signing and a comparison.
BENCHMARK_CAPTURE(VerifyPostern, , Integrity::kHmacSha2_256_128)
    ->Name("context_verify_hmac_sha256/postern")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SignBare, , "SHA256", Integrity::kHmacSha2_256_128)
    ->Name("context_verify_hmac_sha256/libcrypto")
    ->Apply(PacketSizes);

}  // namespace

}  // namespace postern::bench
