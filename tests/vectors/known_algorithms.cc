// SPDX-License-Identifier: Apache-2.0

#include "tests/vectors/known_algorithms.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/crypto/aead_context.h"
#include "core/crypto/gmac_context.h"
#include "core/crypto/mac_context.h"

namespace postern::vectors {
namespace {

struct EncryptionName {
  std::string_view name;
  ImplicitIv implicit;
  Encryption id;  // one for each ICV
};

constexpr auto kIv = ImplicitIv::kNo;
constexpr auto kIiv = ImplicitIv::kYes;

constexpr std::array<EncryptionName, 17> kEncryptions = {{
    {"null", kIv, Encryption::kNull},
    {"aes-cbc", kIv, Encryption::kAesCbc},
    {"aes-ctr", kIv, Encryption::kAesCtr},
    {"aes-gcm", kIv, Encryption::kAesGcm16},
    {"aes-gcm", kIv, Encryption::kAesGcm12},
    {"aes-gcm", kIv, Encryption::kAesGcm8},
    {"aes-ccm", kIv, Encryption::kAesCcm16},
    {"aes-ccm", kIv, Encryption::kAesCcm12},
    {"aes-ccm", kIv, Encryption::kAesCcm8},
    {"chacha20-poly1305", kIv, Encryption::kChaCha20Poly1305},
    {"null-auth-aes-gmac", kIv, Encryption::kNullAuthAesGmac},
    {"camellia-cbc", kIv, Encryption::kCamelliaCbc},
    {"aes-gcm", kIiv, Encryption::kAesGcm16Iiv},
    {"aes-ccm", kIiv, Encryption::kAesCcm8Iiv},
    {"chacha20-poly1305", kIiv, Encryption::kChaCha20Poly1305Iiv},
    {"3des-cbc", kIv, Encryption::kTripleDesCbc},
    {"des-cbc", kIv, Encryption::kDesCbc},
}};

struct IntegrityName {
  std::string_view name;
  Integrity id;
};

// The transform's name, the bare algorithm's, and Wycheproof's.
constexpr std::array<IntegrityName, 26> kIntegrities = {{
    {"none", Integrity::kNone},
    {"hmac-sha1-96", Integrity::kHmacSha1_96},
    {"hmac-sha1", Integrity::kHmacSha1_96},
    {"HMACSHA1", Integrity::kHmacSha1_96},
    {"hmac-sha2-256-128", Integrity::kHmacSha2_256_128},
    {"hmac-sha256-128", Integrity::kHmacSha2_256_128},
    {"hmac-sha256", Integrity::kHmacSha2_256_128},
    {"HMACSHA256", Integrity::kHmacSha2_256_128},
    {"hmac-sha2-384-192", Integrity::kHmacSha2_384_192},
    {"hmac-sha384-192", Integrity::kHmacSha2_384_192},
    {"hmac-sha384", Integrity::kHmacSha2_384_192},
    {"HMACSHA384", Integrity::kHmacSha2_384_192},
    {"hmac-sha2-512-256", Integrity::kHmacSha2_512_256},
    {"hmac-sha512-256", Integrity::kHmacSha2_512_256},
    {"hmac-sha512", Integrity::kHmacSha2_512_256},
    {"HMACSHA512", Integrity::kHmacSha2_512_256},
    {"hmac-md5-96", Integrity::kHmacMd5_96},
    {"hmac-md5", Integrity::kHmacMd5_96},
    {"HMACMD5", Integrity::kHmacMd5_96},
    {"aes-cmac-96", Integrity::kAesCmac96},
    {"aes-cmac", Integrity::kAesCmac96},
    {"AES-CMAC", Integrity::kAesCmac96},
    {"aes-xcbc-96", Integrity::kAesXcbc96},
    {"aes-xcbc-mac-96", Integrity::kAesXcbc96},
    {"aes-xcbc-mac", Integrity::kAesXcbc96},
    {"aes-xcbc", Integrity::kAesXcbc96},
}};

std::optional<Encryption> FindEncryption(std::string_view name, std::size_t icv,
                                         ImplicitIv implicit) {
  for (const EncryptionName& known : kEncryptions) {
    if (known.name == name && known.implicit == implicit &&
        (icv == 0 || InfoOf(known.id).icv == icv)) {
      return known.id;
    }
  }
  return std::nullopt;
}

bool IsAead(std::string_view name) {
  const auto found = FindEncryption(name, 0, ImplicitIv::kNo);
  return found && InfoOf(*found).kind == EncryptionInfo::Kind::kAead;
}

Outcome FirstOf(std::initializer_list<Outcome> outcomes) {
  for (const Outcome& outcome : outcomes) {
    if (outcome.kind != Outcome::Kind::kPassed) {
      return outcome;
    }
  }
  return Passed();
}

// The tag over what is no text is GMAC's, in any two parts.
Outcome RunGmac(const AeadVector& vector) {
  auto gmac = GmacContext::Create(vector.key);
  if (!gmac.ok()) {
    return Failed(gmac.error().message);
  }
  const ConstBytes all = vector.aad;
  for (const std::size_t cut : {std::size_t{0}, all.size() / 2, all.size()}) {
    const bool accepted =
        gmac->Verify(vector.nonce, all.first(cut), all.subspan(cut), vector.tag)
            .ok();
    Octets tag(vector.tag.size());
    if (accepted != vector.valid) {
      return Failed("GMAC judges a tag otherwise");
    }
    if (vector.valid &&
        (!gmac->Sign(vector.nonce, all.first(cut), all.subspan(cut), tag)
              .ok() ||
         tag != vector.tag)) {
      return Failed("GMAC makes another tag");
    }
  }
  return Passed();
}

Outcome RunByContexts(const AeadVector& vector, Encryption algorithm) {
  auto sealer =
      AeadContext::Create(algorithm, vector.key, AeadContext::Use::kSeal);
  auto opener =
      AeadContext::Create(algorithm, vector.key, AeadContext::Use::kOpen);
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
  return FirstOf({Compare("plaintext", opened, vector.clear),
                  Compare("ciphertext", sealed, vector.sealed),
                  Compare("tag", tag, vector.tag)});
}

Outcome SignsAlike(MacContext& mac, const MacVector& vector) {
  std::vector<Octets> icvs(kLanes, Octets(vector.tag.size()));
  std::vector<MacContext::SignJob> jobs(kLanes);
  for (std::size_t i = 0; i < kLanes; ++i) {
    jobs[i].message = vector.message;
    jobs[i].icv = icvs[i];
  }
  mac.Sign(jobs);
  for (std::size_t i = 0; i < kLanes; ++i) {
    if (!jobs[i].outcome.ok()) {
      return Failed("signing was refused");
    }
    const Outcome same = Compare("tag", icvs[i], vector.tag);
    if (same.kind != Outcome::Kind::kPassed) {
      return same;
    }
  }
  return Passed();
}

}  // namespace

Encryption EncryptionNamed(std::string_view name, std::size_t icv,
                           ImplicitIv implicit) {
  const auto found = FindEncryption(name, icv, implicit);
  if (!found) {
    throw VectorError("unknown algorithm: " + std::string(name) +
                      " with an ICV of " + std::to_string(icv) + " octets");
  }
  return *found;
}

Integrity IntegrityNamed(std::string_view name, std::size_t key) {
  for (const IntegrityName& known : kIntegrities) {
    if (known.name == name) {
      return known.id;
    }
  }
  for (const IntegrityInfo& info : AllIntegrities()) {
    if (name == "aes-gmac" && info.kind == IntegrityInfo::Kind::kGmac &&
        info.key == key) {
      return info.id;
    }
  }
  throw VectorError("unknown algorithm: " + std::string(name));
}

Outcome RunAeadVector(const AeadVector& vector) {
  const bool gmac = vector.algorithm == "aes-gmac";
  const std::string name(gmac ? "aes-gcm" : vector.algorithm);
  if (!IsAead(name)) {
    throw VectorError("unknown algorithm: " + name);
  }
  const auto exact = FindEncryption(name, vector.tag.size(), ImplicitIv::kNo);
  const Encryption algorithm =
      exact.value_or(EncryptionNamed(name, 0, ImplicitIv::kNo));
  if (vector.valid && !exact) {
    return NotApplicable(name + " with a tag of " +
                         std::to_string(vector.tag.size()) +
                         " octets: not in IPsec");
  }
  if (vector.valid && vector.nonce.size() != InfoOf(algorithm).nonce()) {
    return NotApplicable(name + " with a nonce of another size than " +
                         std::to_string(InfoOf(algorithm).nonce()) +
                         " octets: not in IPsec");
  }
  const Outcome outcome = RunByContexts(vector, algorithm);
  return gmac ? FirstOf({outcome, RunGmac(vector)}) : outcome;
}

Outcome RunMacVector(const MacVector& vector) {
  const IntegrityInfo& info = InfoOf(vector.algorithm);
  auto mac = MacContext::Create(vector.algorithm, vector.key);
  if (!mac.ok() && vector.valid &&
      info.kind == IntegrityInfo::Kind::kBlockMac &&
      vector.key.size() != info.key) {
    return NotApplicable(std::string(info.name) + " with a key of " +
                         std::to_string(vector.key.size()) +
                         " octets: not in IPsec");
  }
  if (!mac.ok()) {
    return vector.valid ? Failed(mac.error().message) : Passed();
  }
  const Outcome same = SignsAlike(*mac, vector);
  const bool verified = mac->Verify(vector.message, vector.tag).ok();
  if (verified && !vector.valid) {
    return Failed("an invalid tag was accepted");
  }
  if (!verified && vector.valid && vector.tag.size() == info.icv) {
    return Failed("a valid tag was refused");
  }
  if (vector.valid) {
    return same;
  }
  return same.kind == Outcome::Kind::kPassed ? Failed("an invalid tag is ours")
                                             : Passed();
}

}  // namespace postern::vectors
