// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/cipher_context.h"

#include <openssl/err.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/hex.h"

namespace postern {
namespace {

using Use = CipherContext::Use;

// RFC 3602 section 4, case 3.
constexpr std::string_view kKey = "6c3ea0477630ce21a2ce334aa746c2cd";
constexpr std::string_view kIv = "c782dc4c098c66cbd9cd27d825682c81";
constexpr std::string_view kPlain =
    "5468697320697320612034382d62797465206d657373616765202865786163746c7920332"
    "041455320626c6f636b7329";
constexpr std::string_view kSealed =
    "d0a02b3836451753d493665d33f0e8862dea54cdb293abc7506939276772f8d5021c19216b"
    "ad525c8579695d83ba2684";

CipherContext Make(Use use) {
  return CipherContext::Create(Encryption::kAesCbc, Hex(kKey), use).value();
}

TEST(CipherContext, EncryptsTheCasesOfRfc3602) {
  CipherContext context = Make(Use::kEncrypt);
  const std::vector<std::uint8_t> plain = Hex(kPlain);
  std::vector<std::uint8_t> out(plain.size());
  ASSERT_TRUE(context.Transform(Hex(kIv), plain, {}, out).ok());
  EXPECT_EQ(ToHex(out), kSealed);
}

TEST(CipherContext, DecryptsInPlace) {
  CipherContext context = Make(Use::kDecrypt);
  std::vector<std::uint8_t> buffer = Hex(kSealed);
  ASSERT_TRUE(context.Transform(Hex(kIv), buffer, {}, buffer).ok());
  EXPECT_EQ(ToHex(buffer), kPlain);
}

// The seam between payload and trailer falls anywhere in a block.
TEST(CipherContext, EncryptsInPlaceWhereverHeadAndTailMeet) {
  CipherContext context = Make(Use::kEncrypt);
  const std::vector<std::uint8_t> plain = Hex(kPlain);
  for (std::size_t cut = 0; cut <= plain.size(); ++cut) {
    std::vector<std::uint8_t> buffer(plain.size(), 0xee);
    std::copy_n(plain.begin(), cut, buffer.begin());
    ASSERT_TRUE(context
                    .Transform(Hex(kIv), ConstBytes(buffer).first(cut),
                               ConstBytes(plain).subspan(cut), buffer)
                    .ok());
    EXPECT_EQ(ToHex(buffer), kSealed) << cut;
  }
}

TEST(CipherContext, TakesTheIvOfEachPacketAlone) {
  CipherContext context = Make(Use::kEncrypt);
  const std::vector<std::uint8_t> plain = Hex(kPlain);
  std::vector<std::uint8_t> first(plain.size());
  std::vector<std::uint8_t> second(plain.size());
  ASSERT_TRUE(
      context.Transform(std::vector<std::uint8_t>(16, 9), plain, {}, first)
          .ok());
  ASSERT_TRUE(context.Transform(Hex(kIv), plain, {}, second).ok());
  EXPECT_NE(first, second);
  EXPECT_EQ(ToHex(second), kSealed);
}

TEST(CipherContext, TakesKeysOfAllThreeSizes) {
  for (const std::size_t size : {16U, 24U, 32U}) {
    EXPECT_TRUE(CipherContext::Create(Encryption::kAesCbc,
                                      std::vector<std::uint8_t>(size, 1),
                                      Use::kEncrypt)
                    .ok());
  }
}

TEST(CipherContext, RefusesKeysOfOtherSizes) {
  for (const std::size_t size : {0U, 8U, 15U, 17U, 20U, 33U, 64U}) {
    const auto made = CipherContext::Create(
        Encryption::kAesCbc, std::vector<std::uint8_t>(size, 1), Use::kEncrypt);
    ASSERT_FALSE(made.ok()) << size;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
  }
}

TEST(CipherContext, RefusesAlgorithmsThatAreNotPlainCiphers) {
  for (const Encryption algorithm :
       {Encryption::kNull, Encryption::kAesGcm16}) {
    EXPECT_EQ(
        CipherContext::Create(algorithm, Hex(kKey), Use::kEncrypt).error().code,
        ErrorCode::kInvalid);
  }
}

TEST(CipherContext, RefusesLengthsThatAreNoBlocksAndIvsOfOtherSizes) {
  CipherContext context = Make(Use::kEncrypt);
  std::vector<std::uint8_t> room(32);
  const auto transform = [&](std::size_t iv, std::size_t head, std::size_t tail,
                             std::size_t out) {
    const std::vector<std::uint8_t> zero(64);
    return context.Transform(
        ConstBytes(zero).first(iv), ConstBytes(zero).first(head),
        ConstBytes(zero).first(tail), Bytes(room).first(out));
  };
  EXPECT_EQ(transform(16, 15, 0, 15).error(), DropReason::kCryptoFailed);
  EXPECT_EQ(transform(16, 16, 1, 17).error(), DropReason::kCryptoFailed);
  EXPECT_EQ(transform(16, 16, 0, 32).error(), DropReason::kCryptoFailed);
  EXPECT_EQ(transform(8, 16, 0, 16).error(), DropReason::kCryptoFailed);
  EXPECT_TRUE(transform(16, 16, 16, 32).ok());
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace postern
