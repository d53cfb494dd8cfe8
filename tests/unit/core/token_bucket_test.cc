// SPDX-License-Identifier: Apache-2.0

#include "core/token_bucket.h"

#include "gtest/gtest.h"

namespace postern {
namespace {

constexpr Instant kStart{std::chrono::hours(1)};
constexpr TokenBucket::Rate kRate = {.burst = 3,
                                     .refill = std::chrono::seconds(1)};

int TakeAll(TokenBucket& bucket, Instant now) {
  int taken = 0;
  while (bucket.Take(now)) {
    ++taken;
  }
  return taken;
}

TEST(TokenBucket, GivesItsBurstAndThenOneEachRefill) {
  TokenBucket bucket(kRate);
  EXPECT_EQ(TakeAll(bucket, kStart), 3);
  EXPECT_EQ(TakeAll(bucket, kStart + std::chrono::milliseconds(999)), 0);
  EXPECT_EQ(TakeAll(bucket, kStart + std::chrono::seconds(1)), 1);
  EXPECT_EQ(TakeAll(bucket, kStart + std::chrono::seconds(3)), 2);
}

TEST(TokenBucket, NeverHoldsMoreThanItsBurst) {
  TokenBucket bucket(kRate);
  EXPECT_EQ(TakeAll(bucket, kStart), 3);
  EXPECT_EQ(TakeAll(bucket, kStart + std::chrono::hours(24)), 3);
}

TEST(TokenBucket, KeepsFractionsOfARefill) {
  TokenBucket bucket(kRate);
  EXPECT_EQ(TakeAll(bucket, kStart), 3);
  for (int i = 1; i <= 4; ++i) {
    const Instant now = kStart + i * std::chrono::milliseconds(500);
    EXPECT_EQ(TakeAll(bucket, now), i % 2 == 0 ? 1 : 0) << i;
  }
}

}  // namespace
}  // namespace postern
