// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/mac_context.h"

#include <openssl/err.h>

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/hex.h"

namespace postern {
namespace {

ConstBytes Octets(std::string_view text) {
  // The octets of a text: the only way to see characters as octets.
  return {reinterpret_cast<const std::uint8_t*>(text.data()),  // NOLINT
          text.size()};
}

MacContext Make(Integrity algorithm, ConstBytes key) {
  return MacContext::Create(algorithm, key).value();
}

std::string FullMac(Integrity algorithm, ConstBytes key, ConstBytes message) {
  MacContext context = Make(algorithm, key);
  std::vector<std::uint8_t> mac(algorithm == Integrity::kHmacSha1_96 ? 20 : 32);
  EXPECT_TRUE(context.Sign({message}, mac).ok());
  return ToHex(mac);
}

TEST(MacContext, ComputesTheHmacSha1CasesOfRfc2202) {
  constexpr auto kSha1 = Integrity::kHmacSha1_96;
  const std::vector<std::uint8_t> long_key(80, 0xaa);
  EXPECT_EQ(
      FullMac(kSha1, std::vector<std::uint8_t>(20, 0x0b), Octets("Hi There")),
      "b617318655057264e28bc0b6fb378c8ef146be00");
  EXPECT_EQ(
      FullMac(kSha1, Octets("Jefe"), Octets("what do ya want for nothing?")),
      "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(FullMac(kSha1, std::vector<std::uint8_t>(20, 0xaa),
                    std::vector<std::uint8_t>(50, 0xdd)),
            "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
  EXPECT_EQ(FullMac(kSha1, long_key,
                    Octets("Test Using Larger Than Block-Size Key - Hash Key "
                           "First")),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

TEST(MacContext, ComputesTheHmacSha256CasesOfRfc4231) {
  constexpr auto kSha256 = Integrity::kHmacSha2_256_128;
  EXPECT_EQ(
      FullMac(kSha256, std::vector<std::uint8_t>(20, 0x0b), Octets("Hi There")),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(
      FullMac(kSha256, Octets("Jefe"), Octets("what do ya want for nothing?")),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      FullMac(kSha256, std::vector<std::uint8_t>(131, 0xaa),
              Octets("Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(MacContext, TruncatesToTheFirstOctets) {
  MacContext context =
      Make(Integrity::kHmacSha2_256_128, std::vector<std::uint8_t>(20, 0x0b));
  std::vector<std::uint8_t> icv(16);
  ASSERT_TRUE(context.Sign({Octets("Hi There")}, icv).ok());
  EXPECT_EQ(ToHex(icv), "b0344c61d8db38535ca8afceaf0bf12b");
}

// As many as a burst has and more: backends treat few messages differently.
TEST(MacContext, SignsEachMessageOfABurstOfAnyLength) {
  const std::vector<std::uint8_t> key(20, 0x0b);

  const struct {
    Integrity algorithm;
    std::string_view icv;
  } cases[] = {
      {Integrity::kHmacSha1_96, "b617318655057264e28bc0b6"},
      {Integrity::kHmacSha2_256_128, "b0344c61d8db38535ca8afceaf0bf12b"}};

  for (const auto& one : cases) {
    MacContext context = Make(one.algorithm, key);
    for (std::size_t count = 0; count <= 70; ++count) {
      std::vector<std::vector<std::uint8_t>> icvs(
          count, std::vector<std::uint8_t>(one.icv.size() / 2));
      std::vector<MacContext::SignJob> jobs;
      for (auto& icv : icvs) {
        jobs.push_back({.message = Octets("Hi There"), .icv = icv});
      }
      context.Sign(jobs);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_TRUE(jobs[i].outcome.ok()) << i << " of " << count;
        ASSERT_EQ(ToHex(icvs[i]), one.icv) << i << " of " << count;
      }
    }
  }
}

// One bad job harms no other: wrong, too short and too long ICVs, and nothing
// to sign.
TEST(MacContext, JudgesEachMessageOfABurst) {
  MacContext context =
      Make(Integrity::kHmacSha1_96, std::vector<std::uint8_t>(20, 0x0b));
  const std::vector<std::uint8_t> mac =
      Hex("b617318655057264e28bc0b6fb378c8ef146be00");
  std::vector<std::uint8_t> wrong = mac;
  wrong[11] ^= 1;
  std::vector<MacContext::VerifyJob> jobs;
  for (int i = 0; i < 50; ++i) {
    const std::size_t size = i % 7 == 2 ? 11 : i % 7 == 4 ? 20 : 12;
    jobs.push_back({.message = Octets("Hi There"),
                    .icv = ConstBytes(i % 7 == 3 ? wrong : mac).first(size)});
  }
  context.Verify(jobs);
  for (int i = 0; i < 50; ++i) {
    const bool sound = i % 7 < 2 || i % 7 > 4;
    const auto& outcome = jobs[static_cast<std::size_t>(i)].outcome;
    EXPECT_EQ(outcome.ok(), sound) << i;
    EXPECT_TRUE(sound || outcome.error() == DropReason::kBadIcv) << i;
  }
  std::vector<std::uint8_t> icv(21);
  std::vector<MacContext::SignJob> signing(
      20, {.message = Octets("Hi There"), .icv = Bytes(icv).first(12)});
  signing[5].icv = icv;
  context.Sign(signing);
  for (std::size_t i = 0; i < signing.size(); ++i) {
    EXPECT_EQ(signing[i].outcome.ok(), i != 5) << i;
  }
}

// RFC 2104 of nothing, by Python's hmac.
TEST(MacContext, SignsNothingAmongOthers) {
  MacContext context =
      Make(Integrity::kHmacSha1_96, std::vector<std::uint8_t>(20, 0x0b));
  std::vector<std::vector<std::uint8_t>> icvs(16,
                                              std::vector<std::uint8_t>(12));
  std::vector<MacContext::SignJob> jobs;
  for (auto& icv : icvs) {
    jobs.push_back({.message = Octets("Hi There"), .icv = icv});
  }
  jobs[3].message = {};
  context.Sign(jobs);
  for (std::size_t i = 0; i < icvs.size(); ++i) {
    EXPECT_EQ(ToHex(icvs[i]),
              i == 3 ? "123fd78bda0100786ae86b76" : "b617318655057264e28bc0b6");
  }
}

TEST(MacContext, StartsAfreshWithEachMessage) {
  MacContext context =
      Make(Integrity::kHmacSha1_96, std::vector<std::uint8_t>(20, 0x0b));
  std::vector<std::uint8_t> first(12);
  std::vector<std::uint8_t> second(12);
  ASSERT_TRUE(context.Sign({Octets("something else")}, first).ok());
  ASSERT_TRUE(context.Sign({Octets("Hi There")}, second).ok());
  EXPECT_EQ(ToHex(second), "b617318655057264e28bc0b6");
}

TEST(MacContext, VerifiesTheIcvOfTheRfc) {
  MacContext context =
      Make(Integrity::kHmacSha1_96, std::vector<std::uint8_t>(20, 0x0b));
  EXPECT_TRUE(
      context.Verify({Octets("Hi There")}, Hex("b617318655057264e28bc0b6"))
          .ok());
}

// AUT-07
TEST(MacContext, RefusesEveryIcvWithOneBitWrong) {
  MacContext context =
      Make(Integrity::kHmacSha1_96, std::vector<std::uint8_t>(20, 0x0b));
  for (std::size_t bit = 0; bit < 96; ++bit) {
    std::vector<std::uint8_t> icv = Hex("b617318655057264e28bc0b6");
    icv[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto verified = context.Verify({Octets("Hi There")}, icv);
    ASSERT_FALSE(verified.ok()) << bit;
    EXPECT_EQ(verified.error(), DropReason::kBadIcv);
  }
}

TEST(MacContext, RefusesAnIcvOfAnotherSize) {
  MacContext context =
      Make(Integrity::kHmacSha1_96, std::vector<std::uint8_t>(20, 0x0b));
  const std::vector<std::uint8_t> mac =
      Hex("b617318655057264e28bc0b6fb378c8ef146be00");
  for (std::size_t size = 0; size <= mac.size(); ++size) {
    if (size == 12) {
      continue;
    }
    const auto verified =
        context.Verify({Octets("Hi There")}, ConstBytes(mac).first(size));
    ASSERT_FALSE(verified.ok()) << size;
    EXPECT_EQ(verified.error(), DropReason::kBadIcv);
  }
}

TEST(MacContext, RefusesToSignMoreThanTheDigestHas) {
  MacContext context =
      Make(Integrity::kHmacSha1_96, std::vector<std::uint8_t>(20, 0x0b));
  std::vector<std::uint8_t> icv(21);
  EXPECT_EQ(context.Sign({Octets("Hi There")}, icv).error(),
            DropReason::kCryptoFailed);
}

TEST(MacContext, RefusesAnEmptyKeyAndNoAlgorithm) {
  EXPECT_EQ(MacContext::Create(Integrity::kHmacSha1_96, {}).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(MacContext::Create(Integrity::kNone, Hex("00")).error().code,
            ErrorCode::kInvalid);
}

TEST(MacContext, LeavesLibcryptosErrorQueueEmpty) {
  MacContext context =
      Make(Integrity::kHmacSha2_256_128, std::vector<std::uint8_t>(32, 1));
  std::vector<std::uint8_t> icv(16);
  EXPECT_FALSE(context.Verify({Octets("x")}, icv).ok());
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace postern
