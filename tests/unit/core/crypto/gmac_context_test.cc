// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/gmac_context.h"

#include <vector>

#include "gtest/gtest.h"

#include "tests/support/hex.h"

namespace postern {
namespace {

using Octets = std::vector<std::uint8_t>;

// GCM's test case 1 (McGrew and Viega): nothing under a key of zeros.
TEST(GmacContext, MakesGcmsTagOfNothing) {
  GmacContext gmac = GmacContext::Create(Octets(16)).value();
  Octets tag(16);
  ASSERT_TRUE(gmac.Sign(Octets(12), {}, {}, tag).ok());
  EXPECT_EQ(ToHex(tag), "58e2fccefa7e3061367f1d57a4e7455a");
}

TEST(GmacContext, DoesNotCareWhereTheTwoPartsMeet) {
  GmacContext gmac = GmacContext::Create(Octets(32, 7)).value();
  const Octets message(50, 9);
  Octets expected(16);
  ASSERT_TRUE(gmac.Sign(Octets(12), {}, message, expected).ok());
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    EXPECT_TRUE(gmac.Verify(Octets(12), ConstBytes(message).first(cut),
                            ConstBytes(message).subspan(cut), expected)
                    .ok())
        << cut;
  }
}

// GCM-12: never truncated.
TEST(GmacContext, RefusesTagsAndNoncesOfOtherSizes) {
  GmacContext gmac = GmacContext::Create(Octets(16)).value();
  Octets tag(16);
  ASSERT_TRUE(gmac.Sign(Octets(12), {}, {}, tag).ok());
  EXPECT_EQ(gmac.Verify(Octets(12), {}, {}, ConstBytes(tag).first(12)).error(),
            DropReason::kBadIcv);
  EXPECT_EQ(gmac.Verify(Octets(11), {}, {}, tag).error(), DropReason::kBadIcv);
  EXPECT_EQ(gmac.Sign(Octets(12), {}, {}, Bytes(tag).first(12)).error(),
            DropReason::kCryptoFailed);
}

TEST(GmacContext, RefusesWhatIsForged) {
  GmacContext gmac = GmacContext::Create(Octets(24, 1)).value();
  Octets message(33, 5);
  Octets tag(16);
  ASSERT_TRUE(gmac.Sign(Octets(12), {}, message, tag).ok());
  ASSERT_TRUE(gmac.Verify(Octets(12), {}, message, tag).ok());
  message[32] ^= 1;
  EXPECT_EQ(gmac.Verify(Octets(12), {}, message, tag).error(),
            DropReason::kBadIcv);
}

TEST(GmacContext, TakesKeysOfAesOnly) {
  for (std::size_t size = 0; size <= 40; ++size) {
    EXPECT_EQ(GmacContext::Create(Octets(size)).ok(),
              size == 16 || size == 24 || size == 32)
        << size;
  }
}

}  // namespace
}  // namespace postern
