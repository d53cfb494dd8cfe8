// SPDX-License-Identifier: Apache-2.0
//
// ipsec-vec/alg/1: ciphers, MACs and AEADs below any packet.

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "core/crypto/aead_context.h"
#include "core/crypto/algorithm.h"
#include "core/crypto/cipher_context.h"
#include "core/crypto/mac_context.h"
#include "tests/vectors/known_algorithms.h"
#include "tests/vectors/vector_file.h"

namespace postern::vectors {
namespace {

constexpr std::size_t kGcmTagSize = 16;

// "aes-gcm, 96-bit nonce" is aes-gcm.
std::string FirstWord(const std::string& text) {
  return text.substr(0, text.find_first_of(" ,;("));
}

Outcome RunCipher(const Json& test, const std::string& algorithm) {
  if (algorithm != "aes-cbc") {
    return NotBuilt(algorithm);
  }
  CheckCaseFields(test, {"key", "iv", "pt", "ct"});
  const SecretBytes key = SecretOf(test, "key");
  const Octets iv = HexOf(test.at("iv"));
  const Octets clear = HexOf(test.at("pt"));
  const Octets sealed = HexOf(test.at("ct"));
  Octets got = clear;
  auto encrypt = CipherContext::Create(Encryption::kAesCbc, key.octets(),
                                       CipherContext::Use::kEncrypt);
  auto decrypt = CipherContext::Create(Encryption::kAesCbc, key.octets(),
                                       CipherContext::Use::kDecrypt);
  if (!encrypt.ok() || !decrypt.ok()) {
    return Failed("the key was refused");
  }
  if (!encrypt->Transform(iv, got).ok()) {
    return Failed("encryption was refused");
  }
  const Outcome encrypted = Compare("ciphertext", got, sealed);
  if (encrypted.kind != Outcome::Kind::kPassed) {
    return encrypted;
  }
  if (!decrypt->Transform(iv, got).ok()) {
    return Failed("decryption was refused");
  }
  return Compare("plaintext", got, clear);
}

std::optional<Integrity> HmacOf(const std::string& name) {
  if (name.starts_with("hmac-sha1")) {
    return Integrity::kHmacSha1_96;
  }
  if (name.starts_with("hmac-sha256") || name.starts_with("hmac-sha2-256")) {
    return Integrity::kHmacSha2_256_128;
  }
  return std::nullopt;
}

Outcome RunMac(const Json& test, const std::string& file_algorithm) {
  const std::string algorithm = test.value("alg", file_algorithm);
  const std::optional<Integrity> integrity = HmacOf(algorithm);
  if (!integrity.has_value()) {
    return NotBuilt(algorithm);
  }
  CheckCaseFields(
      test, {"alg", "key", "msg", "tag", "tag96", "tag_full", "tag_bits"});
  auto mac = MacContext::Create(*integrity, SecretOf(test, "key").octets());
  if (!mac.ok()) {
    return Failed(mac.error().message);
  }
  const Octets message = HexOf(test.at("msg"));
  std::size_t compared = 0;
  for (const char* field : {"tag", "tag96", "tag_full"}) {
    const Octets expected = HexOf(test, field);
    if (expected.empty()) {
      continue;
    }
    const Outcome same = RunMacBurst(*mac, message, expected);
    if (same.kind != Outcome::Kind::kPassed) {
      return same;
    }
    ++compared;
  }
  return compared > 0 ? Passed() : Failed("the vector has no tag");
}

Outcome RunAead(const Json& test, const std::string& algorithm) {
  if (algorithm != "aes-gcm" && algorithm != "aes-gmac") {
    return NotBuilt(algorithm);
  }
  CheckCaseFields(test, {"key", "nonce", "aad", "pt", "ct", "tag", "result"});
  AeadVector vector;
  vector.key = HexOf(test.at("key"));
  vector.nonce = HexOf(test.at("nonce"));
  vector.aad = HexOf(test.at("aad"));
  vector.clear = HexOf(test, "pt");
  vector.sealed = HexOf(test.at("ct"));
  vector.tag = HexOf(test.at("tag"));
  const std::string result = test.value("result", "valid");
  if (result != "valid" && result != "invalid") {
    throw VectorError("unknown result: " + result);
  }
  if (vector.tag.size() != kGcmTagSize) {
    return NotBuilt("aes-gcm with a tag of " +
                    std::to_string(vector.tag.size()) + " octets");
  }
  vector.valid = result == "valid";
  return RunGcm(vector);
}

}  // namespace

void RunAlgorithmVectors(const Json& file, Tally& tally) {
  CheckCaseFields(file, {"format", "kind", "algorithm", "count", "tests"});
  const std::string kind = file.at("kind");
  const std::string algorithm = FirstWord(file.at("algorithm"));
  for (const Json& test : file.at("tests")) {
    tally.Run(test.at("id"), [&] {
      if (kind == "cipher") {
        return RunCipher(test, algorithm);
      }
      if (kind == "mac") {
        return RunMac(test, algorithm);
      }
      if (kind == "aead") {
        return RunAead(test, algorithm);
      }
      throw VectorError("unknown kind: " + kind);
    });
  }
}

}  // namespace postern::vectors
