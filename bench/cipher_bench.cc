// SPDX-License-Identifier: Apache-2.0
//
// CipherContext beside the bare calls: AES-CBC, key of 128 bits.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <vector>

#include "bench/bare_libcrypto.h"
#include "bench/sizes.h"
#include "core/crypto/cipher_context.h"

namespace postern::bench {

namespace {

constexpr std::size_t kKeySize = 16;

void Transform(benchmark::State& state, CipherContext::Use use) {
  CipherContext context =
      CipherContext::Create(Encryption::kAesCbc, Octets(kKeySize), use).value();
  std::vector<std::uint8_t> packet =
      Octets(static_cast<std::size_t>(state.range(0)));
  std::array<std::uint8_t, 16> iv{};
  for (auto _ : state) {
    ++iv[0];
    if (!context.Transform(iv, packet)) {
      state.SkipWithError("refused");
    }
  }
  CountOctets(state);
}

void EncryptBare(benchmark::State& state) {
  BareCbc bare(Octets(kKeySize));
  std::vector<std::uint8_t> packet =
      Octets(static_cast<std::size_t>(state.range(0)));
  std::array<std::uint8_t, 16> iv{};
  for (auto _ : state) {
    ++iv[0];
    bare.Encrypt(iv, packet);
  }
  CountOctets(state);
}

void DecryptBare(benchmark::State& state) {
  BareCbc bare(Octets(kKeySize));
  std::vector<std::uint8_t> packet =
      Octets(static_cast<std::size_t>(state.range(0)));
  std::array<std::uint8_t, 16> iv{};
  for (auto _ : state) {
    ++iv[0];
    bare.Decrypt(iv, packet);
  }
  CountOctets(state);
}

BENCHMARK_CAPTURE(Transform, , CipherContext::Use::kEncrypt)
    ->Name("context_encrypt_aes_128_cbc/postern")
    ->Apply(PacketSizes);
BENCHMARK(EncryptBare)
    ->Name("context_encrypt_aes_128_cbc/libcrypto")
    ->Apply(PacketSizes);
BENCHMARK_CAPTURE(Transform, , CipherContext::Use::kDecrypt)
    ->Name("context_decrypt_aes_128_cbc/postern")
    ->Apply(PacketSizes);
BENCHMARK(DecryptBare)
    ->Name("context_decrypt_aes_128_cbc/libcrypto")
    ->Apply(PacketSizes);

}  // namespace

}  // namespace postern::bench
