// SPDX-License-Identifier: Apache-2.0
//
// esp::Sealer and Opener, transport mode over IPv4, with each crypto backend,
// beside what their ciphers cost in its bare calls over as many octets. The
// difference is the headers, the trailer, the IV and the packet.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "bench/backends.h"
#include "bench/bare_libcrypto.h"
#include "bench/sizes.h"
#include "bench/udp_bursts.h"
#include "bench/udp_source.h"
#include "esp/opener.h"
#include "esp/sealer.h"

namespace postern::bench {

namespace {

constexpr std::size_t kHmacKey = 32;

// The encryption's name is the table's, `key` its octets (0 for NULL).
struct Suite {
  Encryption encryption;
  std::size_t key;
  Integrity integrity;
};

constexpr Suite kGcm128{Encryption::kAesGcm16, 16, Integrity::kNone};
constexpr Suite kGcm256{Encryption::kAesGcm16, 32, Integrity::kNone};
constexpr Suite kCbc{Encryption::kAesCbc, 16, Integrity::kHmacSha2_256_128};
constexpr Suite kNull{Encryption::kNull, 0, Integrity::kHmacSha2_256_128};

esp::Parameters ParametersOf(const Suite& suite, CryptoBackend backend) {
  esp::Parameters parameters;
  parameters.spi = Spi{0x1001};
  parameters.encryption = suite.encryption;
  parameters.encryption_key = SecretBytes(Octets(suite.key));
  parameters.salt = SecretBytes(Octets(InfoOf(suite.encryption).salt));
  parameters.integrity = suite.integrity;
  parameters.integrity_key = SecretBytes(Octets(InfoOf(suite.integrity).key));
  parameters.backend = backend;
  return parameters;
}

// Bursts of kBurst packets, which the caller has parsed.
void Seal(benchmark::State& state, const Suite& suite, CryptoBackend backend) {
  UdpBursts source(static_cast<std::size_t>(state.range(0)));
  esp::Sealer sealer =
      esp::Sealer::Create(ParametersOf(suite, backend)).value();
  for (auto _ : state) {
    const std::span<OutboundJob> jobs = source.Next();
    sealer.Seal(jobs);
    if (!source.Release()) {
      state.SkipWithError("refused");
    }
  }
  CountBursts(state);
}

void SealOpen(benchmark::State& state, const Suite& suite,
              CryptoBackend backend) {
  UdpBursts source(static_cast<std::size_t>(state.range(0)));
  const esp::Parameters parameters = ParametersOf(suite, backend);
  esp::Sealer sealer = esp::Sealer::Create(parameters).value();
  esp::Opener opener = esp::Opener::Create(parameters).value();
  std::vector<esp::OpenJob> opening(kBurst);
  for (auto _ : state) {
    const std::span<OutboundJob> jobs = source.Next();
    sealer.Seal(jobs);
    for (std::size_t i = 0; i < kBurst; ++i) {
      opening[i].packet = jobs[i].packet;
      opening[i].seq = jobs[i].seq;
    }
    opener.Open(opening);
    for (const esp::OpenJob& job : opening) {
      if (!job.outcome || !opener.Finish(*job.packet, *job.outcome)) {
        state.SkipWithError("refused");
      }
    }
    if (!source.Release()) {
      state.SkipWithError("refused");
    }
  }
  CountBursts(state);
}

// One packet at a time, unparsed: what a lonely packet costs.
void SealOne(benchmark::State& state, const Suite& suite,
             CryptoBackend backend) {
  UdpSource source(static_cast<std::size_t>(state.range(0)));
  esp::Sealer sealer =
      esp::Sealer::Create(ParametersOf(suite, backend)).value();
  std::uint64_t seq = 0;
  for (auto _ : state) {
    Packet packet = source.Next();
    if (!sealer.Seal(packet, ++seq)) {
      state.SkipWithError("refused");
    }
    packet.Release();
  }
  CountOctets(state);
}

// What libcrypto does for one packet of a suite.
class BareSuite {
 public:
  BareSuite(const Suite& suite, std::size_t octets)
      : octets_(Octets(octets)),
        gcm_(
            Octets(suite.encryption == Encryption::kAesGcm16 ? suite.key : 16)),
        cbc_(Octets(16)),
        hmac_("SHA256", Octets(kHmacKey)),
        encryption_(suite.encryption) {}

  void Seal() {
    ++nonce_[15];
    if (encryption_ == Encryption::kAesGcm16) {
      gcm_.Seal(ConstBytes(nonce_).first(12), aad_, octets_, tag_);
      return;
    }
    if (encryption_ == Encryption::kAesCbc) {
      cbc_.Encrypt(nonce_, octets_);
    }
    hmac_.Sign(octets_, tag_);
  }

  void Open() {
    if (encryption_ == Encryption::kAesGcm16) {
      gcm_.Open(ConstBytes(nonce_).first(12), aad_, octets_, tag_);
      return;
    }
    hmac_.Sign(octets_, tag_);
    if (encryption_ == Encryption::kAesCbc) {
      cbc_.Decrypt(nonce_, octets_);
    }
  }

 private:
  std::vector<std::uint8_t> octets_;
  BareGcm gcm_;
  BareCbc cbc_;
  BareHmac hmac_;
  Encryption encryption_;
  std::array<std::uint8_t, 16> nonce_{};
  std::array<std::uint8_t, 8> aad_{};
  std::array<std::uint8_t, 16> tag_{};
};

void SealBare(benchmark::State& state, const Suite& suite) {
  BareSuite bare(suite, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    bare.Seal();
  }
  CountOctets(state);
}

void SealOpenBare(benchmark::State& state, const Suite& suite) {
  BareSuite bare(suite, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    bare.Seal();
    bare.Open();
  }
  CountOctets(state);
}

void Register(const std::string& name, const Suite& suite) {
  const auto add = [](const std::string& full, auto run, auto... arguments) {
    PacketSizes(benchmark::RegisterBenchmark(full.c_str(), run, arguments...));
  };
  // bench/ipsec_mb_bench.cc has the bare calls of the other backend.
  add("esp_seal_" + name + "/libcrypto", SealBare, suite);
  add("esp_seal_open_" + name + "/libcrypto", SealOpenBare, suite);
  add("esp_seal_one_" + name + "/libcrypto", SealBare, suite);
  for (const CryptoBackend backend : ServedBackends()) {
    const std::string ours = name + SuffixOf(backend) + "/postern";
    add("esp_seal_" + ours, Seal, suite, backend);
    add("esp_seal_open_" + ours, SealOpen, suite, backend);
    add("esp_seal_one_" + ours, SealOne, suite, backend);
  }
}

const bool kRegistered = [] {
  Register("aes_128_gcm", kGcm128);
  Register("aes_256_gcm", kGcm256);
  Register("aes_128_cbc_hmac_sha256", kCbc);
  Register("null_hmac_sha256", kNull);
  return true;
}();

}  // namespace

}  // namespace postern::bench
