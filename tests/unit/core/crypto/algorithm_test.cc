// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/algorithm.h"

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
  EXPECT_EQ(FindEncryption("des-cbc"), nullptr);
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

}  // namespace
}  // namespace postern
