// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/aead_context.h"

#include <openssl/err.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/hex.h"

namespace postern {
namespace {

using Use = AeadContext::Use;

// NIST CAVP gcmEncryptExtIV128, 128-bit plaintext, 128-bit AAD and tag.
constexpr std::string_view kKey = "c939cc13397c1d37de6ae0e1cb7c423c";
constexpr std::string_view kNonce = "b3d8cc017cbb89b39e0f67e2";
constexpr std::string_view kAad = "24825602bd12a984e0092d3e448eda5f";
constexpr std::string_view kPlain = "c3b3c41f113a31b73d9a5cd432103069";
constexpr std::string_view kSealed = "93fe7d9e9bfd10348a5606e5cafa7354";
constexpr std::string_view kTag = "0032a1dc85f1c9786925a2e71d8272dd";

AeadContext Make(Use use) {
  return AeadContext::Create(Encryption::kAesGcm16, Hex(kKey), use).value();
}

TEST(AeadContext, SealsTheNistCase) {
  AeadContext context = Make(Use::kSeal);
  std::vector<std::uint8_t> buffer = Hex(kPlain);
  std::vector<std::uint8_t> tag(16);
  ASSERT_TRUE(context.Seal(Hex(kNonce), Hex(kAad), buffer, tag).ok());
  EXPECT_EQ(ToHex(buffer), kSealed);
  EXPECT_EQ(ToHex(tag), kTag);
}

TEST(AeadContext, OpensTheNistCase) {
  AeadContext context = Make(Use::kOpen);
  std::vector<std::uint8_t> buffer = Hex(kSealed);
  EXPECT_TRUE(context.Open(Hex(kNonce), Hex(kAad), buffer, Hex(kTag)).ok());
  EXPECT_EQ(ToHex(buffer), kPlain);
}

// NIST's zero key and nonce with nothing to seal: GCM test case 1.
TEST(AeadContext, SealsNothing) {
  AeadContext context =
      AeadContext::Create(Encryption::kAesGcm16,
                          std::vector<std::uint8_t>(16, 0), Use::kSeal)
          .value();
  const std::vector<std::uint8_t> nonce(12, 0);
  std::vector<std::uint8_t> tag(16);
  ASSERT_TRUE(context.Seal(nonce, {}, {}, tag).ok());
  EXPECT_EQ(ToHex(tag), "58e2fccefa7e3061367f1d57a4e7455a");
}

TEST(AeadContext, RefusesAnyBitChangedAndReadsNothingOut) {
  AeadContext context = Make(Use::kOpen);
  const std::vector<std::uint8_t> parts[] = {Hex(kNonce), Hex(kAad),
                                             Hex(kSealed), Hex(kTag)};
  for (std::size_t which = 0; which < 4; ++which) {
    for (std::size_t bit = 0; bit < 8 * parts[which].size(); ++bit) {
      std::vector<std::uint8_t> changed[] = {parts[0], parts[1], parts[2],
                                             parts[3]};
      changed[which][bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      const auto verdict =
          context.Open(changed[0], changed[1], changed[2], changed[3]);
      ASSERT_FALSE(verdict.ok()) << which << ": " << bit;
      EXPECT_EQ(verdict.error(), DropReason::kBadIcv);
      EXPECT_EQ(ToHex(changed[2]), std::string(32, '0'));
    }
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(AeadContext, OpensAgainAfterARefusal) {
  AeadContext context = Make(Use::kOpen);
  std::vector<std::uint8_t> buffer = Hex(kSealed);
  ASSERT_FALSE(context.Open(Hex(kNonce), {}, buffer, Hex(kTag)).ok());
  buffer = Hex(kSealed);
  EXPECT_TRUE(context.Open(Hex(kNonce), Hex(kAad), buffer, Hex(kTag)).ok());
  EXPECT_EQ(ToHex(buffer), kPlain);
}

TEST(AeadContext, RefusesShortTagsAndNoncesOfOtherSizes) {
  AeadContext open = Make(Use::kOpen);
  AeadContext seal = Make(Use::kSeal);
  std::vector<std::uint8_t> buffer = Hex(kSealed);
  std::vector<std::uint8_t> tag = Hex(kTag);
  for (std::size_t size = 0; size < 16; ++size) {
    EXPECT_EQ(
        open.Open(Hex(kNonce), Hex(kAad), buffer, ConstBytes(tag).first(size))
            .error(),
        DropReason::kBadIcv);
    EXPECT_EQ(seal.Seal(Hex(kNonce), Hex(kAad), buffer, Bytes(tag).first(size))
                  .error(),
              DropReason::kCryptoFailed);
  }
  for (const std::size_t size : {0U, 8U, 11U, 13U, 16U}) {
    const std::vector<std::uint8_t> nonce(size);
    EXPECT_EQ(open.Open(nonce, Hex(kAad), buffer, tag).error(),
              DropReason::kBadIcv);
    EXPECT_EQ(seal.Seal(nonce, {}, buffer, tag).error(),
              DropReason::kCryptoFailed);
  }
  EXPECT_EQ(ToHex(buffer), kSealed);
}

TEST(AeadContext, RefusesKeysOfOtherSizesAndAlgorithmsThatAreNoAead) {
  for (const std::size_t size : {0U, 12U, 20U, 28U, 36U}) {
    const auto made = AeadContext::Create(
        Encryption::kAesGcm16, std::vector<std::uint8_t>(size, 1), Use::kSeal);
    ASSERT_FALSE(made.ok()) << size;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
  }
  for (const Encryption algorithm : {Encryption::kNull, Encryption::kAesCbc}) {
    EXPECT_EQ(
        AeadContext::Create(algorithm, Hex(kKey), Use::kSeal).error().code,
        ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace postern
