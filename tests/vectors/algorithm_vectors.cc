// SPDX-License-Identifier: Apache-2.0
//
// ipsec-vec/alg/1: ciphers, MACs and AEADs below any packet. DEF-24

#include <string>

#include "core/crypto/algorithm.h"
#include "core/crypto/cipher_context.h"
#include "tests/vectors/known_algorithms.h"
#include "tests/vectors/vector_file.h"

namespace postern::vectors {
namespace {

// "aes-gcm, 96-bit nonce" is aes-gcm.
std::string FirstWord(const std::string& text) {
  return text.substr(0, text.find_first_of(" ,;("));
}

// The IV as the cipher wants it: of CTR the first counter block (CTR-02).
Octets CipherIvOf(const Json& test, Encryption encryption) {
  Octets iv = HexOf(test, "iv");
  if (encryption != Encryption::kAesCtr) {
    return iv;
  }
  Octets block = HexOf(test.at("nonce"));
  block.insert(block.end(), iv.begin(), iv.end());
  block.insert(block.end(), {0, 0, 0, 1});
  if (test.contains("counter_block_1") &&
      block != HexOf(test.at("counter_block_1"))) {
    throw VectorError("counter_block_1 is not nonce, iv, 1");
  }
  return block;
}

Outcome RunCipher(const Json& test, const std::string& algorithm) {
  const Encryption encryption = EncryptionNamed(algorithm, 0, ImplicitIv::kNo);
  CheckCaseFields(test, {"key", "iv", "nonce", "counter_block_1", "pt", "ct"});
  const SecretBytes key = SecretOf(test, "key");
  const Octets iv = CipherIvOf(test, encryption);
  const Octets clear = HexOf(test.at("pt"));
  const Octets sealed = HexOf(test.at("ct"));
  Octets got = clear;
  auto encrypt = CipherContext::Create(encryption, key.octets(),
                                       CipherContext::Use::kEncrypt);
  auto decrypt = CipherContext::Create(encryption, key.octets(),
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

Outcome RunMac(const Json& test, const std::string& file_algorithm) {
  CheckCaseFields(
      test, {"alg", "key", "msg", "tag", "tag96", "tag_full", "tag_bits"});
  MacVector vector;
  vector.key = HexOf(test.at("key"));
  vector.algorithm =
      IntegrityNamed(test.value("alg", file_algorithm), vector.key.size());
  vector.message = HexOf(test.at("msg"));
  std::size_t compared = 0;
  for (const char* field : {"tag", "tag96", "tag_full"}) {
    vector.tag = HexOf(test, field);
    if (vector.tag.empty()) {
      continue;
    }
    const Outcome outcome = RunMacVector(vector);
    if (outcome.kind != Outcome::Kind::kPassed) {
      return outcome;
    }
    ++compared;
  }
  return compared > 0 ? Passed() : Failed("the vector has no tag");
}

Outcome RunAead(const Json& test, const std::string& algorithm) {
  CheckCaseFields(test, {"key", "nonce", "aad", "pt", "ct", "tag", "result"});
  AeadVector vector;
  vector.algorithm = algorithm;
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
  vector.valid = result == "valid";
  return RunAeadVector(vector);
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
