// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/legacy.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/crypto/cipher_context.h"
#include "core/crypto/des_keys.h"
#include "tests/support/hex.h"

namespace postern {
namespace {

using testing::HasSubstr;

class Legacy : public testing::Test {
 protected:
  void TearDown() override { ChooseLegacy(LegacyChoice::kForbid); }
};

// ALG-07, ALG-08
TEST_F(Legacy, IsForbiddenUnlessChosen) {
  EXPECT_FALSE(LegacyIsAllowed());
  for (const EncryptionInfo& info : AllEncryptions()) {
    const bool old =
        info.id == Encryption::kTripleDesCbc || info.id == Encryption::kDesCbc;
    const Status usable = CheckUsable(info.id);
    EXPECT_EQ(usable.ok(), !old) << info.name;
    if (old) {
      EXPECT_EQ(usable.error().code, ErrorCode::kForbidden);
      EXPECT_THAT(usable.error().message,
                  HasSubstr("set legacy = true under [crypto]"));
    }
  }
  for (const IntegrityInfo& info : AllIntegrities()) {
    EXPECT_EQ(CheckUsable(info.id).ok(), info.id != Integrity::kHmacMd5_96)
        << info.name;
  }
}

TEST_F(Legacy, IsUsableWhenChosenAndNotAfterwards) {
  ChooseLegacy(LegacyChoice::kAllow);
  EXPECT_TRUE(CheckUsable(Encryption::kTripleDesCbc).ok());
  EXPECT_TRUE(CheckUsable(Integrity::kHmacMd5_96).ok());
  ChooseLegacy(LegacyChoice::kForbid);
  EXPECT_FALSE(CheckUsable(Encryption::kTripleDesCbc).ok());
}

// An SA that libcrypto cannot compute is refused when it is added, and not at its
// first packet. In a process that has fetched nothing yet.
TEST(UsableDeathTest, IsNothingThatLibcryptoHasNot) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto count_refused = [] {
    ::EVP_set_default_properties(nullptr, "provider=nobody");
    int wrong = 0;
    for (const IntegrityInfo& info : AllIntegrities()) {
      const Status usable = CheckUsable(info.id);
      const bool is_right =
          info.id == Integrity::kNone
              ? usable.ok()
              : !usable.ok() && usable.error().code != ErrorCode::kInvalid;
      wrong += is_right ? 0 : 1;
    }
    std::_Exit(wrong);
  };
  EXPECT_EXIT(count_refused(), testing::ExitedWithCode(0), "");
}

// FIPS 81, appendix B2: the oracle of DES in CBC mode.
TEST_F(Legacy, ComputesDesWhereItsProviderIsThere) {
  ChooseLegacy(LegacyChoice::kAllow);
  if (const Status there = CheckUsable(Encryption::kDesCbc); !there.ok()) {
    EXPECT_THAT(there.error().message, HasSubstr("legacy provider"));
    GTEST_SKIP() << there.error().message;
  }
  auto context =
      CipherContext::Create(Encryption::kDesCbc, Hex("0123456789abcdef"),
                            CipherContext::Use::kEncrypt);
  ASSERT_TRUE(context.ok());
  std::vector<std::uint8_t> octets =
      Hex("4e6f77206973207468652074696d6520666f7220616c6c20");
  ASSERT_TRUE(context->Transform(Hex("1234567890abcdef"), octets).ok());
  EXPECT_EQ(ToHex(octets), "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6");
}

// CBC-07: the three keys in their order, each with its own parity bits.
TEST_F(Legacy, ComputesTripleDesAsThreeTimesDes) {
  ChooseLegacy(LegacyChoice::kAllow);
  if (!CheckUsable(Encryption::kDesCbc).ok()) {
    GTEST_SKIP() << "no DES to compare with";
  }
  const std::vector<std::vector<std::uint8_t>> keys = {Hex("0123456789abcdef"),
                                                       Hex("23456789abcdef01"),
                                                       Hex("456789abcdef0123")};
  const auto step = [&keys](std::size_t key, CipherContext::Use use,
                            std::vector<std::uint8_t>& block) {
    auto des = CipherContext::Create(Encryption::kDesCbc, keys[key], use);
    ASSERT_TRUE(des->Transform(std::vector<std::uint8_t>(8), block).ok());
  };
  std::vector<std::uint8_t> expected = Hex("0011223344556677");
  step(0, CipherContext::Use::kEncrypt, expected);
  step(1, CipherContext::Use::kDecrypt, expected);
  step(2, CipherContext::Use::kEncrypt, expected);

  std::vector<std::uint8_t> all;
  for (const auto& key : keys) {
    all.insert(all.end(), key.begin(), key.end());
  }
  auto triple = CipherContext::Create(Encryption::kTripleDesCbc, all,
                                      CipherContext::Use::kEncrypt);
  std::vector<std::uint8_t> got = Hex("0011223344556677");
  ASSERT_TRUE(triple->Transform(std::vector<std::uint8_t>(8), got).ok());
  EXPECT_EQ(ToHex(got), ToHex(expected));
}

// A weak key encrypts as it decrypts, which is what makes it one.
TEST_F(Legacy, KnowsTheWeakKeysOfDes) {
  for (const char* weak :
       {"0101010101010101", "fefefefefefefefe", "1f1f1f1f0e0e0e0e",
        "e0e0e0e0f1f1f1f1", "01fe01fe01fe01fe", "e0fee0fef1fef1fe",
        "0000000000000000", "ffffffffffffffff"}) {
    EXPECT_TRUE(IsWeakDesKey(Hex(weak))) << weak;
  }
  EXPECT_FALSE(IsWeakDesKey(Hex("0123456789abcdef")));
}

}  // namespace
}  // namespace postern
