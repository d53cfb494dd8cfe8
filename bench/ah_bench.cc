// SPDX-License-Identifier: Apache-2.0
//
// ah::Signer and Verifier, transport mode over IPv4, with each crypto backend,
// beside its bare HMAC over as many octets as the payload has.

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <vector>

#include "ah/signer.h"
#include "ah/verifier.h"
#include "bench/backends.h"
#include "bench/bare_libcrypto.h"
#include "bench/sizes.h"
#include "bench/udp_bursts.h"
#include "bench/udp_source.h"

namespace postern::bench {

namespace {

ah::Parameters ParametersOf(Integrity integrity, CryptoBackend backend) {
  ah::Parameters parameters;
  parameters.spi = Spi{0x1002};
  parameters.integrity = integrity;
  parameters.integrity_key = SecretBytes(Octets(InfoOf(integrity).key));
  parameters.backend = backend;
  return parameters;
}

// Bursts of kBurst packets, which the caller has parsed.
void Sign(benchmark::State& state, Integrity integrity, CryptoBackend backend) {
  UdpBursts source(static_cast<std::size_t>(state.range(0)));
  ah::Signer signer =
      ah::Signer::Create(ParametersOf(integrity, backend)).value();
  for (auto _ : state) {
    signer.Sign(source.Next());
    if (!source.Release()) {
      state.SkipWithError("refused");
    }
  }
  CountBursts(state);
}

void SignVerify(benchmark::State& state, Integrity integrity,
                CryptoBackend backend) {
  UdpBursts source(static_cast<std::size_t>(state.range(0)));
  const ah::Parameters parameters = ParametersOf(integrity, backend);
  ah::Signer signer = ah::Signer::Create(parameters).value();
  ah::Verifier verifier = ah::Verifier::Create(parameters).value();
  std::vector<ah::VerifyJob> verifying(kBurst);
  for (auto _ : state) {
    const std::span<OutboundJob> jobs = source.Next();
    signer.Sign(jobs);
    for (std::size_t i = 0; i < kBurst; ++i) {
      verifying[i].packet = jobs[i].packet;
      verifying[i].seq = jobs[i].seq;
    }
    verifier.Verify(verifying);
    for (const ah::VerifyJob& job : verifying) {
      if (!job.outcome || !verifier.Finish(*job.packet, *job.outcome)) {
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
void SignOne(benchmark::State& state, Integrity integrity,
             CryptoBackend backend) {
  UdpSource source(static_cast<std::size_t>(state.range(0)));
  ah::Signer signer =
      ah::Signer::Create(ParametersOf(integrity, backend)).value();
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

void Register(const std::string& name, Integrity integrity) {
  const auto add = [](const std::string& full, auto run, auto... arguments) {
    PacketSizes(benchmark::RegisterBenchmark(full.c_str(), run, arguments...));
  };
  // bench/ipsec_mb_bench.cc has the bare calls of the other backend.
  add("ah_sign_" + name + "/libcrypto", SignBare, integrity, 1);
  add("ah_sign_verify_" + name + "/libcrypto", SignBare, integrity, 2);
  add("ah_sign_one_" + name + "/libcrypto", SignBare, integrity, 1);
  for (const CryptoBackend backend : ServedBackends()) {
    const std::string ours = name + SuffixOf(backend) + "/postern";
    add("ah_sign_" + ours, Sign, integrity, backend);
    add("ah_sign_verify_" + ours, SignVerify, integrity, backend);
    add("ah_sign_one_" + ours, SignOne, integrity, backend);
  }
}

const bool kRegistered = [] {
  Register("hmac_sha1", Integrity::kHmacSha1_96);
  Register("hmac_sha256", Integrity::kHmacSha2_256_128);
  return true;
}();

}  // namespace

}  // namespace postern::bench
