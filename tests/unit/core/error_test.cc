// SPDX-License-Identifier: Apache-2.0

#include "core/error.h"

#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "gtest/gtest.h"

namespace postern {
namespace {

TEST(Error, EachCodeHasAUniqueName) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kSystem); ++code) {
    EXPECT_TRUE(names.insert(NameOf(static_cast<ErrorCode>(code))).second);
  }
}

TEST(Error, SystemErrorTellsWhatAndWhy) {
  const Error error = SystemError("cannot open the TUN", ENOENT);
  EXPECT_EQ(error.code, ErrorCode::kSystem);
  EXPECT_EQ(error.message, "cannot open the TUN: No such file or directory");
}

TEST(Expected, HoldsAValueOrAnError) {
  const Result<int> good = 7;
  const Result<int> bad = Invalid("use 7");
  EXPECT_TRUE(good.ok());
  EXPECT_TRUE(static_cast<bool>(good));
  EXPECT_EQ(*good, 7);
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().message, "use 7");
}

TEST(Expected, HoldsTypesThatOnlyMove) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(7);
  EXPECT_EQ(**made, 7);
  const std::unique_ptr<int> taken = std::move(made).value();
  EXPECT_EQ(*taken, 7);
}

TEST(Expected, ReachesMembers) {
  const Result<std::string> text = std::string("four");
  EXPECT_EQ(text->size(), 4U);
}

TEST(ExpectedDeathTest, EndsTheProcessWhenAskedForWhatItDoesNotHold) {
  const Result<int> good = 7;
  const Result<int> bad = Invalid("use 7");
  EXPECT_DEATH(std::ignore = bad.value(), "");
  EXPECT_DEATH(std::ignore = good.error(), "");
}

}  // namespace
}  // namespace postern
