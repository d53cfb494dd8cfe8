// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/cipher_context.h"

#include <openssl/err.h>

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
  std::vector<std::uint8_t> buffer = Hex(kPlain);
  ASSERT_TRUE(context.Transform(Hex(kIv), buffer).ok());
  EXPECT_EQ(ToHex(buffer), kSealed);
}

TEST(CipherContext, Decrypts) {
  CipherContext context = Make(Use::kDecrypt);
  std::vector<std::uint8_t> buffer = Hex(kSealed);
  ASSERT_TRUE(context.Transform(Hex(kIv), buffer).ok());
  EXPECT_EQ(ToHex(buffer), kPlain);
}

TEST(CipherContext, TakesTheIvOfEachPacketAlone) {
  CipherContext context = Make(Use::kEncrypt);
  std::vector<std::uint8_t> first = Hex(kPlain);
  std::vector<std::uint8_t> second = Hex(kPlain);
  ASSERT_TRUE(context.Transform(std::vector<std::uint8_t>(16, 9), first).ok());
  ASSERT_TRUE(context.Transform(Hex(kIv), second).ok());
  EXPECT_NE(first, second);
  EXPECT_EQ(ToHex(second), kSealed);
}

// More than a burst, with refusals among them.
TEST(CipherContext, TransformsEachMessageOfALongBurst) {
  for (const Use use : {Use::kEncrypt, Use::kDecrypt}) {
    CipherContext context = Make(use);
    const std::vector<std::uint8_t> iv = Hex(kIv);
    const bool encrypts = use == Use::kEncrypt;
    std::vector<std::vector<std::uint8_t>> buffers(
        75, Hex(encrypts ? kPlain : kSealed));
    std::vector<CipherContext::Job> jobs;
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const std::size_t size = i % 10 == 3 ? 47 : i % 10 == 7 ? 0 : 48;
      jobs.push_back({.iv = iv, .octets = Bytes(buffers[i]).first(size)});
    }
    context.Transform(jobs);
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const bool whole = jobs[i].octets.size() == 48;
      EXPECT_EQ(jobs[i].outcome.ok(), i % 10 != 3) << i;
      EXPECT_EQ(ToHex(buffers[i]), whole == encrypts ? kSealed : kPlain) << i;
    }
  }
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
  std::vector<std::uint8_t> room(std::size_t{1} << 17);
  const auto transform = [&](std::size_t iv, std::size_t size) {
    return context.Transform(std::vector<std::uint8_t>(iv),
                             Bytes(room).first(size));
  };
  EXPECT_EQ(transform(16, 15).error(), DropReason::kCryptoFailed);
  EXPECT_EQ(transform(16, 17).error(), DropReason::kCryptoFailed);
  EXPECT_EQ(transform(8, 16).error(), DropReason::kCryptoFailed);
  EXPECT_EQ(transform(16, 65536).error(), DropReason::kCryptoFailed);
  EXPECT_EQ(room, std::vector<std::uint8_t>(room.size()));
  EXPECT_TRUE(transform(16, 0).ok());
  EXPECT_TRUE(transform(16, 32).ok());
  EXPECT_TRUE(transform(16, 65520).ok());
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace postern
