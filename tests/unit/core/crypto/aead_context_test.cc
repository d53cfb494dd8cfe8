// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/aead_context.h"

#include <openssl/err.h>

#include <algorithm>
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

TEST(AeadContext, SealsTheNistCaseWhereverHeadAndTailMeet) {
  AeadContext context = Make(Use::kSeal);
  const std::vector<std::uint8_t> plain = Hex(kPlain);
  for (std::size_t cut = 0; cut <= plain.size(); ++cut) {
    std::vector<std::uint8_t> sealed(plain.size());
    std::vector<std::uint8_t> tag(16);
    ASSERT_TRUE(context
                    .Seal({.nonce = Hex(kNonce),
                           .aad = Hex(kAad),
                           .head = ConstBytes(plain).first(cut),
                           .tail = ConstBytes(plain).subspan(cut)},
                          sealed, tag)
                    .ok());
    EXPECT_EQ(ToHex(sealed), kSealed) << cut;
    EXPECT_EQ(ToHex(tag), kTag) << cut;
  }
}

TEST(AeadContext, SealsInPlace) {
  AeadContext context = Make(Use::kSeal);
  const std::vector<std::uint8_t> plain = Hex(kPlain);
  std::vector<std::uint8_t> buffer = plain;
  std::vector<std::uint8_t> tag(16);
  ASSERT_TRUE(context
                  .Seal({.nonce = Hex(kNonce),
                         .aad = Hex(kAad),
                         .head = ConstBytes(buffer).first(11),
                         .tail = ConstBytes(plain).subspan(11)},
                        buffer, tag)
                  .ok());
  EXPECT_EQ(ToHex(buffer), kSealed);
  EXPECT_EQ(ToHex(tag), kTag);
}

TEST(AeadContext, OpensTheNistCaseInPlaceAndElsewhere) {
  AeadContext context = Make(Use::kOpen);
  std::vector<std::uint8_t> buffer = Hex(kSealed);
  std::vector<std::uint8_t> elsewhere(buffer.size());
  EXPECT_TRUE(
      context.Open(Hex(kNonce), Hex(kAad), buffer, Hex(kTag), elsewhere).ok());
  EXPECT_EQ(ToHex(elsewhere), kPlain);
  EXPECT_EQ(ToHex(buffer), kSealed);
  EXPECT_TRUE(
      context.Open(Hex(kNonce), Hex(kAad), buffer, Hex(kTag), buffer).ok());
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
  ASSERT_TRUE(
      context.Seal({.nonce = nonce, .aad = {}, .head = {}, .tail = {}}, {}, tag)
          .ok());
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
      std::vector<std::uint8_t> opened(16, 0x77);
      const auto verdict =
          context.Open(changed[0], changed[1], changed[2], changed[3], opened);
      ASSERT_FALSE(verdict.ok()) << which << ": " << bit;
      EXPECT_EQ(verdict.error(), DropReason::kBadIcv);
      EXPECT_EQ(ToHex(opened), std::string(32, '0'));
    }
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(AeadContext, OpensAgainAfterARefusal) {
  AeadContext context = Make(Use::kOpen);
  std::vector<std::uint8_t> opened(16);
  ASSERT_FALSE(
      context.Open(Hex(kNonce), {}, Hex(kSealed), Hex(kTag), opened).ok());
  EXPECT_TRUE(
      context.Open(Hex(kNonce), Hex(kAad), Hex(kSealed), Hex(kTag), opened)
          .ok());
  EXPECT_EQ(ToHex(opened), kPlain);
}

TEST(AeadContext, RefusesShortTagsAndNoncesOfOtherSizes) {
  AeadContext open = Make(Use::kOpen);
  AeadContext seal = Make(Use::kSeal);
  std::vector<std::uint8_t> out(16);
  std::vector<std::uint8_t> tag = Hex(kTag);
  for (std::size_t size = 0; size < 16; ++size) {
    EXPECT_EQ(open.Open(Hex(kNonce), Hex(kAad), Hex(kSealed),
                        ConstBytes(tag).first(size), out)
                  .error(),
              DropReason::kBadIcv);
  }
  const std::vector<std::uint8_t> plain = Hex(kPlain);
  for (const std::size_t size : {0U, 8U, 11U, 13U, 16U}) {
    const std::vector<std::uint8_t> nonce(size);
    EXPECT_EQ(open.Open(nonce, Hex(kAad), Hex(kSealed), tag, out).error(),
              DropReason::kBadIcv);
    EXPECT_EQ(seal.Seal({.nonce = nonce, .aad = {}, .head = plain, .tail = {}},
                        out, tag)
                  .error(),
              DropReason::kCryptoFailed);
  }
}

TEST(AeadContext, RefusesASealThatDoesNotFitItsRoom) {
  AeadContext context = Make(Use::kSeal);
  const std::vector<std::uint8_t> plain = Hex(kPlain);
  const std::vector<std::uint8_t> nonce = Hex(kNonce);
  std::vector<std::uint8_t> out(16);
  std::vector<std::uint8_t> tag(16);
  EXPECT_EQ(context
                .Seal({.nonce = nonce, .aad = {}, .head = plain, .tail = {}},
                      Bytes(out).first(15), tag)
                .error(),
            DropReason::kCryptoFailed);
  EXPECT_EQ(context
                .Seal({.nonce = nonce, .aad = {}, .head = plain, .tail = {}},
                      out, Bytes(tag).first(12))
                .error(),
            DropReason::kCryptoFailed);
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
