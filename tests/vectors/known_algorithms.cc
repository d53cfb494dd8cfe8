// SPDX-License-Identifier: Apache-2.0

#include "tests/vectors/known_algorithms.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "core/crypto/aead_context.h"

namespace postern::vectors {
namespace {

// What the names in the vectors begin with, longest first where it matters.
constexpr std::array<std::string_view, 15> kNotBuilt = {
    "3des-cbc",           "aes-ctr",       "aes-ccm",     "chacha20-poly1305",
    "null-auth-aes-gmac", "hmac-md5",      "hmac-sha384", "hmac-sha512",
    "hmac-sha2-384",      "hmac-sha2-512", "aes-cmac",    "aes-xcbc",
    "aes-gmac",           "aes-gcm with",  "implicit IV",
};

}  // namespace

Outcome NotBuilt(const std::string& algorithm) {
  const bool known = std::any_of(
      kNotBuilt.begin(), kNotBuilt.end(),
      [&](std::string_view name) { return algorithm.starts_with(name); });
  if (!known) {
    throw VectorError("unknown algorithm: " + algorithm);
  }
  return Skipped(algorithm + ": not built yet");
}

Outcome RunMacBurst(MacContext& mac, ConstBytes message,
                    const Octets& expected) {
  std::vector<Octets> icvs(kLanes, Octets(expected.size()));
  std::vector<MacContext::SignJob> jobs(kLanes);
  for (std::size_t i = 0; i < kLanes; ++i) {
    jobs[i].message = message;
    jobs[i].icv = icvs[i];
  }
  mac.Sign(jobs);
  for (std::size_t i = 0; i < kLanes; ++i) {
    if (!jobs[i].outcome.ok()) {
      return Failed("signing was refused");
    }
    const Outcome same = Compare("tag", icvs[i], expected);
    if (same.kind != Outcome::Kind::kPassed) {
      return same;
    }
  }
  return Passed();
}

Outcome RunGcm(const AeadVector& vector) {
  auto sealer = AeadContext::Create(Encryption::kAesGcm16, vector.key,
                                    AeadContext::Use::kSeal);
  auto opener = AeadContext::Create(Encryption::kAesGcm16, vector.key,
                                    AeadContext::Use::kOpen);
  if (!sealer.ok() || !opener.ok()) {
    return vector.valid ? Failed("the key was refused") : Passed();
  }
  Octets opened = vector.sealed;
  const bool accepted =
      opener->Open(vector.nonce, vector.aad, opened, vector.tag).ok();
  if (!vector.valid) {
    return accepted ? Failed("an invalid vector was accepted") : Passed();
  }
  if (!accepted) {
    return Failed("a valid vector was refused");
  }
  Octets sealed = vector.clear;
  Octets tag(vector.tag.size());
  if (!sealer->Seal(vector.nonce, vector.aad, sealed, tag).ok()) {
    return Failed("sealing was refused");
  }
  for (const Outcome& same : {Compare("plaintext", opened, vector.clear),
                              Compare("ciphertext", sealed, vector.sealed),
                              Compare("tag", tag, vector.tag)}) {
    if (same.kind != Outcome::Kind::kPassed) {
      return same;
    }
  }
  return Passed();
}

}  // namespace postern::vectors
