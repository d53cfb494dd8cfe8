// SPDX-License-Identifier: Apache-2.0

#include "core/bytes.h"

#include <array>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/hex.h"

namespace postern {
namespace {

TEST(Bytes, LoadsAndStoresBigEndian) {
  const std::vector<std::uint8_t> octets = Hex("0102030405060708 09");
  EXPECT_EQ(LoadBe<std::uint8_t>(octets), 0x01U);
  EXPECT_EQ(LoadBe<std::uint16_t>(octets), 0x0102U);
  EXPECT_EQ(LoadBe<std::uint32_t>(octets), 0x01020304U);
  EXPECT_EQ(LoadBe<std::uint64_t>(octets), 0x0102030405060708U);

  std::array<std::uint8_t, 8> room{};
  StoreBe(Bytes(room), std::uint64_t{0xfedcba9876543210U});
  EXPECT_EQ(ToHex(room), "fedcba9876543210");
  StoreBe(Bytes(room).subspan(3), std::uint16_t{0xabcd});
  EXPECT_EQ(ToHex(room), "fedcbaabcd543210");
}

TEST(Bytes, CopiesBetweenRangesThatOverlap) {
  std::vector<std::uint8_t> octets = Hex("0102030405");
  CopyBytes(Bytes(octets).subspan(1), ConstBytes(octets).first(4));
  EXPECT_EQ(ToHex(octets), "0101020304");
  CopyBytes(Bytes(octets), {});
  EXPECT_EQ(ToHex(octets), "0101020304");
}

TEST(Reader, ReadsUpToTheEndAndNotPastIt) {
  const std::vector<std::uint8_t> octets = Hex("01 0203 04050607 0809");
  Reader in(octets);
  EXPECT_EQ(in.Read<std::uint8_t>(), 0x01U);
  EXPECT_EQ(in.Read<std::uint16_t>(), 0x0203U);
  EXPECT_EQ(in.Read<std::uint32_t>(), 0x04050607U);
  EXPECT_EQ(in.Read<std::uint32_t>(), std::nullopt);
  EXPECT_FALSE(in.Take(3).has_value());
  EXPECT_EQ(in.rest().size(), 2U);  // what failed took nothing
  EXPECT_EQ(ToHex(in.Take(2).value()), "0809");
  EXPECT_TRUE(in.empty());
  EXPECT_TRUE(in.Take(0).has_value());
  EXPECT_EQ(in.Read<std::uint8_t>(), std::nullopt);
}

TEST(Writer, WritesUpToTheEnd) {
  std::array<std::uint8_t, 7> room{};
  Writer out(room);
  out.Write(std::uint8_t{0x01});
  out.Write(std::uint32_t{0x02030405});
  out.Put(Hex("0607"));
  EXPECT_TRUE(out.ok());
  EXPECT_EQ(ToHex(out.written()), "01020304050607");
}

TEST(Writer, WritesNothingMoreAfterWhatDidNotFit) {
  std::array<std::uint8_t, 3> room{};
  Writer out(room);
  out.Write(std::uint16_t{0x0102});
  out.Write(std::uint16_t{0x0304});
  EXPECT_FALSE(out.ok());
  out.Write(std::uint8_t{0x05});  // would fit, but something is missing before
  out.Put(Hex("06"));
  EXPECT_FALSE(out.ok());
  EXPECT_EQ(ToHex(out.written()), "0102");
  EXPECT_EQ(room[2], 0);
}

}  // namespace
}  // namespace postern
