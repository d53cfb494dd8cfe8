// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/algorithm.h"

#include <linux/pfkeyv2.h>

#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace postern {
namespace {

TEST(Algorithm, FindsEachByItsName) {
  for (const EncryptionInfo& info : AllEncryptions()) {
    EXPECT_EQ(FindEncryption(info.name), &info) << info.name;
    EXPECT_EQ(&InfoOf(info.id), &info) << info.name;
  }
  for (const IntegrityInfo& info : AllIntegrities()) {
    EXPECT_EQ(FindIntegrity(info.name), &info) << info.name;
    EXPECT_EQ(&InfoOf(info.id), &info) << info.name;
  }
}

TEST(Algorithm, FindsNothingUnderAnotherName) {
  EXPECT_EQ(FindEncryption("blowfish-cbc"), nullptr);  // ALG-08
  EXPECT_EQ(FindIntegrity("des-mac"), nullptr);
  EXPECT_EQ(FindEncryption(""), nullptr);
  EXPECT_EQ(FindIntegrity("HMAC-SHA1-96"), nullptr);
}

TEST(Algorithm, NamesEachOnce) {
  std::set<std::string_view> names;
  for (const EncryptionInfo& info : AllEncryptions()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
  }
  for (const IntegrityInfo& info : AllIntegrities()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
  }
}

// RFC 4106 section 8.1, RFC 3602, RFC 4868, RFC 2404.
TEST(Algorithm, HasTheSizesOfTheRfcs) {
  const EncryptionInfo& gcm = InfoOf(Encryption::kAesGcm16);
  EXPECT_EQ(gcm.salt, 4U);
  EXPECT_EQ(gcm.iv, 8U);
  EXPECT_EQ(gcm.icv, 16U);
  const EncryptionInfo& cbc = InfoOf(Encryption::kAesCbc);
  EXPECT_EQ(cbc.iv, 16U);
  EXPECT_EQ(cbc.block, 16U);
  EXPECT_EQ(cbc.salt, 0U);
  // AUT-02, AUT-03
  EXPECT_EQ(InfoOf(Integrity::kHmacSha2_256_128).key, 32U);
  EXPECT_EQ(InfoOf(Integrity::kHmacSha2_256_128).icv, 16U);
  EXPECT_EQ(InfoOf(Integrity::kHmacSha1_96).key, 20U);
  EXPECT_EQ(InfoOf(Integrity::kHmacSha1_96).icv, 12U);
}

// ESP-09: at least four octets, whatever the cipher.
TEST(Algorithm, PadsNothingToLessThanFourOctets) {
  for (const EncryptionInfo& info : AllEncryptions()) {
    EXPECT_GE(info.block, 4U) << info.name;
    EXPECT_EQ(info.block % 4, 0U) << info.name;
  }
}

// PFX-15: the numbers as Linux's header has them (linux/pfkeyv2.h).
TEST(Algorithm, HasLinuxsNumbersOfPfKey) {
  const std::map<Encryption, int> encryptions = {
      {Encryption::kNull, SADB_EALG_NULL},
      {Encryption::kDesCbc, SADB_EALG_DESCBC},
      {Encryption::kTripleDesCbc, SADB_EALG_3DESCBC},
      {Encryption::kAesCbc, SADB_X_EALG_AESCBC},
      {Encryption::kAesCtr, SADB_X_EALG_AESCTR},
      {Encryption::kAesCcm8, SADB_X_EALG_AES_CCM_ICV8},
      {Encryption::kAesCcm12, SADB_X_EALG_AES_CCM_ICV12},
      {Encryption::kAesCcm16, SADB_X_EALG_AES_CCM_ICV16},
      {Encryption::kAesGcm8, SADB_X_EALG_AES_GCM_ICV8},
      {Encryption::kAesGcm12, SADB_X_EALG_AES_GCM_ICV12},
      {Encryption::kAesGcm16, SADB_X_EALG_AES_GCM_ICV16},
      {Encryption::kCamelliaCbc, SADB_X_EALG_CAMELLIACBC},
      {Encryption::kNullAuthAesGmac, SADB_X_EALG_NULL_AES_GMAC}};
  for (const EncryptionInfo& info : AllEncryptions()) {
    const auto found = encryptions.find(info.id);
    EXPECT_EQ(info.pfkey_id, found != encryptions.end() ? found->second : 0)
        << info.name;
  }
  const std::map<Integrity, int> integrities = {
      {Integrity::kHmacMd5_96, SADB_AALG_MD5HMAC},
      {Integrity::kHmacSha1_96, SADB_AALG_SHA1HMAC},
      {Integrity::kHmacSha2_256_128, SADB_X_AALG_SHA2_256HMAC},
      {Integrity::kHmacSha2_384_192, SADB_X_AALG_SHA2_384HMAC},
      {Integrity::kHmacSha2_512_256, SADB_X_AALG_SHA2_512HMAC},
      {Integrity::kAesXcbc96, SADB_X_AALG_AES_XCBC_MAC}};
  for (const IntegrityInfo& info : AllIntegrities()) {
    const auto found = integrities.find(info.id);
    EXPECT_EQ(info.pfkey_id, found != integrities.end() ? found->second : 0)
        << info.name;
  }
}

// AUT-03, GCM-04, GCM-12, CCM-01, CHA-04: no other length.
TEST(Algorithm, TruncatesAsTheRfcsSay) {
  EXPECT_EQ(InfoOf(Integrity::kHmacSha2_384_192).icv, 24U);
  EXPECT_EQ(InfoOf(Integrity::kHmacSha2_512_256).icv, 32U);
  EXPECT_EQ(InfoOf(Integrity::kAesCmac96).icv, 12U);
  EXPECT_EQ(InfoOf(Integrity::kAesXcbc96).icv, 12U);
  EXPECT_EQ(InfoOf(Integrity::kAes256Gmac).icv, 16U);
  EXPECT_EQ(InfoOf(Encryption::kNullAuthAesGmac).icv, 16U);
  EXPECT_EQ(InfoOf(Encryption::kChaCha20Poly1305).icv, 16U);
  EXPECT_EQ(InfoOf(Encryption::kAesGcm8).icv, 8U);
  EXPECT_EQ(InfoOf(Encryption::kAesCcm12).icv, 12U);
  EXPECT_EQ(InfoOf(Encryption::kAesCcm8).nonce(), 11U);  // CCM-02
}

// One row of the tables in docs/crypto.md.
std::string RowOf(const EncryptionInfo& info) {
  const auto iv_of = [&info]() -> std::string {
    switch (info.iv_rule) {
      case EncryptionInfo::IvRule::kNoIv:
        return "-";
      case EncryptionInfo::IvRule::kUnpredictable:
        return std::to_string(info.iv) + ", random";
      case EncryptionInfo::IvRule::kCounter:
        return std::to_string(info.iv) + ", number";
      case EncryptionInfo::IvRule::kImplicit:
        return "number, not sent";
    }
    return "";
  };
  std::string keys = ListOfSizes(info.key_sizes);
  keys.resize(keys.find(" octets"));
  return "| `" + std::string(info.name) + "` | " + std::string(info.rfc) +
         " | " + std::to_string(info.ikev2_id) + " | " +
         (info.pfkey_id != 0 ? std::to_string(info.pfkey_id) : "-") + " | " +
         std::string(NameOf(info.status)) + " | " + keys + " | " +
         std::to_string(info.salt) + " | " + iv_of() + " | " +
         std::to_string(info.icv) + " | " + std::to_string(info.block) + " |\n";
}

std::string RowOf(const IntegrityInfo& info) {
  return "| `" + std::string(info.name) + "` | " + std::string(info.rfc) +
         " | " + std::to_string(info.ikev2_id) + " | " +
         (info.pfkey_id != 0 ? std::to_string(info.pfkey_id) : "-") + " | " +
         std::string(NameOf(info.status)) + " | " + std::to_string(info.key) +
         " | " + std::to_string(info.salt) + " | " + std::to_string(info.iv) +
         " | " + std::to_string(info.icv) + " |\n";
}

TEST(Algorithm, IsDocumentedAsItIs) {
  std::ifstream stream(POSTERN_DOCS "/crypto.md");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  std::string encryptions;
  for (const EncryptionInfo& info : AllEncryptions()) {
    encryptions += RowOf(info);
  }
  EXPECT_NE(text.find(encryptions), std::string::npos)
      << "docs/crypto.md must have these rows:\n"
      << encryptions;
  std::string integrities;
  for (const IntegrityInfo& info : AllIntegrities()) {
    if (info.id != Integrity::kNone) {
      integrities += RowOf(info);
    }
  }
  EXPECT_NE(text.find(integrities), std::string::npos)
      << "docs/crypto.md must have these rows:\n"
      << integrities;
}

}  // namespace
}  // namespace postern
