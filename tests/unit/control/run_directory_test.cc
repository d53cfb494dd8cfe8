// SPDX-License-Identifier: Apache-2.0

#include "control/run_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

#include "tests/unit/control/temporary_directory.h"

namespace postern {
namespace {

namespace fs = std::filesystem;

TEST(RunDirectory, IsMadeWholeWhateverTheUmask) {
  const TemporaryRunDirectory run;
  const std::string base = run.path() + "/deeper";
  ::setenv(kRunDirectoryVariable, base.c_str(), 1);
  const mode_t old_umask = ::umask(0077);
  const Status made = EnsureHostDirectory("a");
  ::umask(old_umask);
  ASSERT_TRUE(made.ok()) << made.error().message;
  for (const char* name : {"", "/a", "/by-netns"}) {
    EXPECT_EQ(fs::status(base + name).permissions(), fs::perms{0755}) << name;
  }
  EXPECT_TRUE(EnsureHostDirectory("a").ok());
}

TEST(RunDirectory, RefusesABadNameABadBaseAndAFileInItsPlace) {
  const TemporaryRunDirectory run;
  EXPECT_EQ(EnsureHostDirectory("../a").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(PublishNetns(1, "by-netns").error().code, ErrorCode::kInvalid);
  std::ofstream(run.path() + "/b") << "a file";
  EXPECT_EQ(EnsureHostDirectory("b").error().code, ErrorCode::kInvalid);
  ::setenv(kRunDirectoryVariable, "relative", 1);
  EXPECT_EQ(EnsureHostDirectory("a").error().code, ErrorCode::kInvalid);
  ::setenv(kRunDirectoryVariable, ("/" + std::string(100, 'x')).c_str(), 1);
  EXPECT_EQ(EnsureHostDirectory("a").error().code, ErrorCode::kInvalid);
}

TEST(RunDirectory, ReportsWhatTheKernelRefuses) {
  ::setenv(kRunDirectoryVariable, "/proc/nothing", 1);
  EXPECT_EQ(EnsureHostDirectory("a").error().code, ErrorCode::kSystem);
  EXPECT_EQ(PublishNetns(1, "a").error().code, ErrorCode::kSystem);
  ::unsetenv(kRunDirectoryVariable);
}

TEST(RunDirectory, LinksTheNamespaceToItsHostAndReplacesAnOldLink) {
  const TemporaryRunDirectory run;
  ASSERT_TRUE(EnsureHostDirectory("a").ok());
  ASSERT_TRUE(EnsureHostDirectory("b").ok());
  ASSERT_TRUE(PublishNetns(42, "a").ok());
  ASSERT_TRUE(PublishNetns(42, "b").ok());
  const fs::path link = run.path() + "/by-netns/42.sock";
  EXPECT_EQ(fs::read_symlink(link), "../b/api.sock");
  EXPECT_EQ(std::distance(fs::directory_iterator(link.parent_path()),
                          fs::directory_iterator{}),
            1);

  WithdrawNetns(42, "a");  // no longer a's
  EXPECT_TRUE(fs::is_symlink(link));
  WithdrawNetns(42, "b");
  EXPECT_FALSE(fs::is_symlink(link));
}

}  // namespace
}  // namespace postern
