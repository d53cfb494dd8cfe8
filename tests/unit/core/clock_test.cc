// SPDX-License-Identifier: Apache-2.0

#include "core/clock.h"

#include <chrono>
#include <optional>

#include "gtest/gtest.h"

namespace postern {
namespace {

using std::chrono::seconds;

TEST(Clock, NothingIsNeverTheEarlier) {
  constexpr Instant kOne{seconds(1)};
  constexpr Instant kTwo{seconds(2)};
  EXPECT_EQ(Earlier(kOne, kTwo), kOne);
  EXPECT_EQ(Earlier(kTwo, kOne), kOne);
  EXPECT_EQ(Earlier(kOne, kOne), kOne);
  EXPECT_EQ(Earlier(std::nullopt, kTwo), kTwo);
  EXPECT_EQ(Earlier(kTwo, std::nullopt), kTwo);
  EXPECT_EQ(Earlier(std::nullopt, std::nullopt), std::nullopt);
}

}  // namespace
}  // namespace postern
