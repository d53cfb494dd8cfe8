// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/secret_bytes.h"

#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/hex.h"

namespace postern {
namespace {

TEST(SecretBytes, ReadsHexWithAndWithoutPrefix) {
  for (const std::string_view text : {"00aBcd", "0x00abCD", "0X00ABCD"}) {
    const auto secret = SecretBytes::FromHex(text);
    ASSERT_TRUE(secret.ok()) << text;
    EXPECT_EQ(ToHex(secret->octets()), "00abcd");
  }
  EXPECT_TRUE(SecretBytes::FromHex("").value().empty());
}

TEST(SecretBytes, RefusesWhatIsNoHexAndNeverQuotesIt) {
  for (const std::string_view text :
       {"abc", "0x1", "5ecre7", "12 4", "12g4", "0x0x12", "zz"}) {
    const auto secret = SecretBytes::FromHex(text);
    ASSERT_FALSE(secret.ok()) << text;
    EXPECT_EQ(secret.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(secret.error().message.find(text), std::string::npos);
  }
}

TEST(SecretBytes, CopiesAndMoves) {
  const SecretBytes first(Hex("0102"));
  SecretBytes copy = first;
  EXPECT_EQ(ToHex(copy.octets()), "0102");
  const SecretBytes moved = std::move(copy);
  EXPECT_EQ(ToHex(moved.octets()), "0102");
  EXPECT_TRUE(copy.empty());  // NOLINT: what a move leaves is promised
  copy = moved;
  EXPECT_EQ(copy.size(), 2U);
}

TEST(SecretBytes, CleanseOverwritesWithZero) {
  std::vector<std::uint8_t> octets(40, 0xff);
  Cleanse(octets);
  EXPECT_EQ(octets, std::vector<std::uint8_t>(40, 0));
}

TEST(SecretBytes, ConstantTimeEqualComparesContentAndLength) {
  EXPECT_TRUE(ConstantTimeEqual(Hex("010203"), Hex("010203")));
  EXPECT_FALSE(ConstantTimeEqual(Hex("010203"), Hex("010204")));
  EXPECT_FALSE(ConstantTimeEqual(Hex("010203"), Hex("0102")));
  EXPECT_TRUE(ConstantTimeEqual({}, {}));
}

TEST(SecretBytes, FillRandomFillsDifferently) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    std::array<std::uint8_t, 16> octets{};
    ASSERT_TRUE(FillRandom(octets).ok());
    EXPECT_TRUE(seen.insert(ToHex(octets)).second);
  }
}

TEST(SecretBytes, FillRandomRefusesMoreThanOneMebibyte) {
  std::vector<std::uint8_t> octets((1U << 20) + 1);
  EXPECT_EQ(FillRandom(octets).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace postern
