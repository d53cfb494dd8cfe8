// SPDX-License-Identifier: Apache-2.0

#include "control/cgroup_mount.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

// As proc_pid_mountinfo(5) has it.
constexpr const char* kBoth =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n";

TEST(CgroupMount, IsThatOfVersion2) {
  EXPECT_EQ(CgroupMountIn(kBoth), "/sys/fs/cgroup/unified");
  EXPECT_EQ(CgroupMountIn("1 2 0:3 / /c rw - cgroup2 none rw"), "/c");
  EXPECT_EQ(CgroupMountIn("1 2 0:3 / /cgroup2 rw - tmpfs cgroup2 rw\n"),
            std::nullopt);
  EXPECT_EQ(CgroupMountIn(""), std::nullopt);
  EXPECT_EQ(CgroupMountIn("nonsense\n\n- cgroup2\n"), std::nullopt);
}

TEST(CgroupMount, PrefersTheWholeHierarchyToAPartOfIt) {
  EXPECT_EQ(CgroupMountIn("1 2 0:3 /part /p rw - cgroup2 none rw\n"
                          "1 2 0:3 / /whole rw - cgroup2 none rw\n"),
            "/whole");
  EXPECT_EQ(CgroupMountIn("1 2 0:3 /part /p rw - cgroup2 none rw\n"), "/p");
}

TEST(CgroupMount, APartIsNotTheWhole) {
  EXPECT_EQ(WholeCgroupMountIn(kBoth).value(), "/sys/fs/cgroup/unified");
  for (const char* text : {"1 2 0:3 /part /p rw - cgroup2 none rw\n",
                           "1 2 0:3 /.. /p rw - cgroup2 none rw\n", ""}) {
    EXPECT_EQ(WholeCgroupMountIn(text).error().code, ErrorCode::kUnsupported);
  }
}

TEST(CgroupMount, MayHaveABlankInItsName) {
  EXPECT_EQ(CgroupMountIn("1 2 0:3 / /my\\040groups rw - cgroup2 none rw\n"),
            "/my groups");
}

}  // namespace
}  // namespace postern
