// SPDX-License-Identifier: Apache-2.0

#include "settings/defect.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(Defect, IsToldAsCompilersDo) {
  EXPECT_EQ(InFile("a.toml", {{12, 5}, "sa[2].spi", "no."}),
            "a.toml:12:5: sa[2].spi: no.");
  EXPECT_EQ(InFile("a.toml", {{}, "", "no."}), "a.toml: no.");
  EXPECT_EQ(InOneLine({{{}, "spi", "no."}, {{}, "", "never."}}),
            "spi: no. never.");
}

TEST(ClosestOf, FindsWhatWasMeant) {
  const std::vector<std::string_view> known = {"mtu", "name", "addresses",
                                               "state_directory"};
  EXPECT_EQ(ClosestOf("mut", known), "mtu");
  EXPECT_EQ(ClosestOf("nmae", known), "name");
  EXPECT_EQ(ClosestOf("addreses", known), "addresses");
  EXPECT_EQ(ClosestOf("state-dir", known), "");
  EXPECT_EQ(ClosestOf("state-directory", known), "state_directory");
  EXPECT_EQ(ClosestOf("colour", known), "");
  EXPECT_EQ(ClosestOf("", known), "");
  EXPECT_EQ(ClosestOf(std::string(10'000, 'm'), known), "");
}

}  // namespace
}  // namespace postern
