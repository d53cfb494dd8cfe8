// SPDX-License-Identifier: Apache-2.0

#include "core/ipsec.h"

#include "gtest/gtest.h"

namespace postern {
namespace {

TEST(Spi, IsWrittenWithEightDigits) {
  EXPECT_EQ(ToString(Spi{0}), "0x00000000");
  EXPECT_EQ(ToString(Spi{0x1011}), "0x00001011");
  EXPECT_EQ(ToString(Spi{0xfedcba98}), "0xfedcba98");
}

}  // namespace
}  // namespace postern
