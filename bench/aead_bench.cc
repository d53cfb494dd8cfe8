// SPDX-License-Identifier: Apache-2.0
//
// AeadContext beside the bare calls: AES-GCM, key of 128 and 256 bits.
// Every Open() follows the Seal() that made its input; the pair is timed, since
// a message opens once.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <vector>

#include "bench/bare_libcrypto.h"
#include "bench/sizes.h"
#include "core/crypto/aead_context.h"

namespace postern::bench {

namespace {

// What one packet has besides its octets: ESP's AAD and tag (RFC 4106).
struct Surroundings {
  std::array<std::uint8_t, 12> nonce{};
  std::array<std::uint8_t, 8> aad{};
  std::array<std::uint8_t, 16> tag{};

  void NextNonce() { ++nonce[nonce[11] == 255 ? 10 : 11]; }
};

AeadContext Context(std::size_t key_size, AeadContext::Use use) {
  return AeadContext::Create(Encryption::kAesGcm16, Octets(key_size), use)
      .value();
}

void SealPostern(benchmark::State& state, std::size_t key_size) {
  AeadContext context = Context(key_size, AeadContext::Use::kSeal);
  std::vector<std::uint8_t> packet =
      Octets(static_cast<std::size_t>(state.range(0)));
  Surroundings around;
  for (auto _ : state) {
    around.NextNonce();
    const auto passed =
        context.Seal(around.nonce, around.aad, packet, around.tag);
    if (!passed) {
      state.SkipWithError("refused");
    }
  }
  CountOctets(state);
}

void SealBare(benchmark::State& state, std::size_t key_size) {
  BareGcm bare(Octets(key_size));
  std::vector<std::uint8_t> packet =
      Octets(static_cast<std::size_t>(state.range(0)));
  Surroundings around;
  for (auto _ : state) {
    around.NextNonce();
    bare.Seal(around.nonce, around.aad, packet, around.tag);
  }
  CountOctets(state);
}

void SealAndOpenPostern(benchmark::State& state, std::size_t key_size) {
  AeadContext sealer = Context(key_size, AeadContext::Use::kSeal);
  AeadContext opener = Context(key_size, AeadContext::Use::kOpen);
  std::vector<std::uint8_t> packet =
      Octets(static_cast<std::size_t>(state.range(0)));
  Surroundings around;
  for (auto _ : state) {
    around.NextNonce();
    const auto sealed =
        sealer.Seal(around.nonce, around.aad, packet, around.tag);
    const auto opened =
        opener.Open(around.nonce, around.aad, packet, around.tag);
    if (!sealed || !opened) {
      state.SkipWithError("refused");
    }
  }
  CountOctets(state);
}

void SealAndOpenBare(benchmark::State& state, std::size_t key_size) {
  BareGcm bare(Octets(key_size));
  std::vector<std::uint8_t> packet =
      Octets(static_cast<std::size_t>(state.range(0)));
  Surroundings around;
  for (auto _ : state) {
    around.NextNonce();
    bare.Seal(around.nonce, around.aad, packet, around.tag);
    bare.Open(around.nonce, around.aad, packet, around.tag);
  }
  CountOctets(state);
}

BENCHMARK_CAPTURE(SealPostern, , 16)
    ->Name("context_seal_aes_128_gcm/postern")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SealBare, , 16)
    ->Name("context_seal_aes_128_gcm/libcrypto")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SealPostern, , 32)
    ->Name("context_seal_aes_256_gcm/postern")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SealBare, , 32)
    ->Name("context_seal_aes_256_gcm/libcrypto")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SealAndOpenPostern, , 16)
    ->Name("context_seal_open_aes_128_gcm/postern")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(SealAndOpenBare, , 16)
    ->Name("context_seal_open_aes_128_gcm/libcrypto")
    ->Apply(PacketSizes);

}  // namespace

}  // namespace postern::bench
