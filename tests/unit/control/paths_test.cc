// SPDX-License-Identifier: Apache-2.0

#include "control/paths.h"

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace postern {
namespace {

TEST(Paths, AreBelowRunPosternWithoutTheVariable) {
  ::unsetenv(kRunDirectoryVariable);
  EXPECT_EQ(ApiSocketPath("a").view(), "/run/postern/a/api.sock");
  EXPECT_EQ(AdminSocketPath("a").view(), "/run/postern/a/admin.sock");
  EXPECT_EQ(NetnsSocketPath(0).view(), "/run/postern/by-netns/0.sock");
  ::setenv(kRunDirectoryVariable, "", 1);
  EXPECT_EQ(RunDirectory().view(), "/run/postern");
  ::unsetenv(kRunDirectoryVariable);
}

TEST(Paths, FollowTheVariable) {
  ::setenv(kRunDirectoryVariable, "/tmp/x", 1);
  EXPECT_EQ(NetnsSocketPath(std::numeric_limits<std::uint64_t>::max()).view(),
            "/tmp/x/by-netns/18446744073709551615.sock");
  EXPECT_STREQ(ApiSocketPath("b").c_str(), "/tmp/x/b/api.sock");
  ::unsetenv(kRunDirectoryVariable);
}

TEST(Paths, RefusesARelativeBase) {
  ::setenv(kRunDirectoryVariable, "tmp/x", 1);
  EXPECT_FALSE(ApiSocketPath("b").ok());
  ::unsetenv(kRunDirectoryVariable);
}

TEST(UnixPath, HoldsAsMuchAsASocketAddressAndItsEnd) {
  const std::string longest = "/" + std::string(106, 'x');
  EXPECT_TRUE(UnixPath(longest).ok());
  EXPECT_EQ(UnixPath(longest).view(), longest);
  EXPECT_FALSE(UnixPath(longest + "x").ok());
  // What does not fit is not silently shortened by a later, shorter part.
  EXPECT_FALSE(UnixPath(longest).Append("yy").Append("").ok());
}

TEST(HostName, RefusesWhatWouldLeaveItsDirectory) {
  for (const char* good : {"a", "host-1", "A.b_c", "9"}) {
    EXPECT_TRUE(IsHostName(good)) << good;
  }
  for (const char* bad : {"", ".", "..", "a/b", ".a", "-a", "_a", "by-netns",
                          "a b", "\xc3\xa4", "a\n"}) {
    EXPECT_FALSE(IsHostName(bad)) << bad;
  }
  EXPECT_TRUE(IsHostName(std::string(32, 'a')));
  EXPECT_FALSE(IsHostName(std::string(33, 'a')));
}

}  // namespace
}  // namespace postern
