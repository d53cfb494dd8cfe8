// SPDX-License-Identifier: Apache-2.0
//
// Project Wycheproof's own schemas: AEADs and MACs with odd sizes and with
// forgeries. DEF-24

#include <string>
#include <string_view>

#include "tests/vectors/known_algorithms.h"
#include "tests/vectors/vector_file.h"

namespace postern::vectors {
namespace {

bool IsValid(const Json& test) {
  const std::string result = test.at("result");
  if (result != "valid" && result != "invalid") {
    throw VectorError("unknown result: " + result);
  }
  return result == "valid";
}

std::string_view AeadNamed(const std::string& algorithm) {
  if (algorithm == "AES-GCM") {
    return "aes-gcm";
  }
  if (algorithm == "AES-CCM") {
    return "aes-ccm";
  }
  if (algorithm == "CHACHA20-POLY1305") {
    return "chacha20-poly1305";
  }
  throw VectorError("unknown algorithm: " + algorithm);
}

Outcome RunAead(const Json& test, const std::string& algorithm) {
  CheckFields(test, {"tcId", "comment", "flags", "key", "iv", "aad", "msg",
                     "ct", "tag", "result"});
  AeadVector vector;
  vector.algorithm = AeadNamed(algorithm);
  vector.key = HexOf(test.at("key"));
  vector.nonce = HexOf(test.at("iv"));
  vector.aad = HexOf(test.at("aad"));
  vector.clear = HexOf(test.at("msg"));
  vector.sealed = HexOf(test.at("ct"));
  vector.tag = HexOf(test.at("tag"));
  vector.valid = IsValid(test);
  return RunAeadVector(vector);
}

Outcome RunMac(const Json& test, const std::string& algorithm) {
  CheckFields(test,
              {"tcId", "comment", "flags", "key", "msg", "tag", "result"});
  MacVector vector;
  vector.key = HexOf(test.at("key"));
  vector.algorithm = IntegrityNamed(algorithm, vector.key.size());
  vector.message = HexOf(test.at("msg"));
  vector.tag = HexOf(test.at("tag"));
  vector.valid = IsValid(test);
  return RunMacVector(vector);
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
