// SPDX-License-Identifier: Apache-2.0
//
// Project Wycheproof's own schemas: AEADs and MACs with odd sizes and with
// forgeries.

#include <array>
#include <optional>
#include <string>

#include "core/crypto/mac_context.h"
#include "tests/vectors/known_algorithms.h"
#include "tests/vectors/vector_file.h"

namespace postern::vectors {
namespace {

constexpr std::size_t kGcmNonceSize = 12;

bool IsValid(const Json& test) {
  const std::string result = test.at("result");
  if (result != "valid" && result != "invalid") {
    throw VectorError("unknown result: " + result);
  }
  return result == "valid";
}

Outcome RunAead(const Json& test, const std::string& algorithm) {
  if (algorithm == "CHACHA20-POLY1305") {
    return NotBuilt("chacha20-poly1305");
  }
  if (algorithm == "AES-CCM") {
    return NotBuilt("aes-ccm");
  }
  if (algorithm != "AES-GCM") {
    throw VectorError("unknown algorithm: " + algorithm);
  }
  CheckFields(test, {"tcId", "comment", "flags", "key", "iv", "aad", "msg",
                     "ct", "tag", "result"});
  AeadVector vector;
  vector.key = HexOf(test.at("key"));
  vector.nonce = HexOf(test.at("iv"));
  vector.aad = HexOf(test.at("aad"));
  vector.clear = HexOf(test.at("msg"));
  vector.sealed = HexOf(test.at("ct"));
  vector.tag = HexOf(test.at("tag"));
  vector.valid = IsValid(test);
  if (vector.valid && vector.nonce.size() != kGcmNonceSize) {
    return Skipped("AES-GCM with a nonce that is not 96 bits: not in IPsec");
  }
  return RunGcm(vector);
}

std::optional<Integrity> HmacOf(const std::string& algorithm) {
  if (algorithm == "HMACSHA1") {
    return Integrity::kHmacSha1_96;
  }
  if (algorithm == "HMACSHA256") {
    return Integrity::kHmacSha2_256_128;
  }
  return std::nullopt;
}

Outcome MacNotBuilt(const std::string& algorithm) {
  struct Name {
    const char* theirs;
    const char* ours;
  };

  constexpr std::array<Name, 4> kNames = {{{"AES-CMAC", "aes-cmac"},
                                           {"HMACSHA384", "hmac-sha2-384"},
                                           {"HMACSHA512", "hmac-sha2-512"},
                                           {"HMACMD5", "hmac-md5"}}};
  for (const Name& name : kNames) {
    if (algorithm == name.theirs) {
      return NotBuilt(name.ours);
    }
  }
  throw VectorError("unknown algorithm: " + algorithm);
}

Outcome RunMac(const Json& test, const std::string& algorithm) {
  const std::optional<Integrity> integrity = HmacOf(algorithm);
  if (!integrity.has_value()) {
    return MacNotBuilt(algorithm);
  }
  CheckFields(test,
              {"tcId", "comment", "flags", "key", "msg", "tag", "result"});
  const bool valid = IsValid(test);
  auto mac = MacContext::Create(*integrity, SecretOf(test, "key").octets());
  if (!mac.ok()) {
    return valid ? Failed(mac.error().message) : Passed();
  }
  const Outcome same =
      RunMacBurst(*mac, HexOf(test.at("msg")), HexOf(test.at("tag")));
  if ((same.kind == Outcome::Kind::kPassed) == valid) {
    return Passed();
  }
  return Failed(valid ? "a valid tag differs" : "an invalid tag is ours");
}

}  // namespace

void RunWycheproofVectors(const Json& file, Tally& tally) {
  const std::string schema = file.at("schema");
  const std::string algorithm = file.at("algorithm");
  for (const Json& group : file.at("testGroups")) {
    for (const Json& test : group.at("tests")) {
      tally.Run("tcId " + test.at("tcId").dump(), [&] {
        if (schema.starts_with("aead_test_schema")) {
          return RunAead(test, algorithm);
        }
        if (schema.starts_with("mac_test_schema")) {
          return RunMac(test, algorithm);
        }
        throw VectorError("unknown schema: " + schema);
      });
    }
  }
}

}  // namespace postern::vectors
