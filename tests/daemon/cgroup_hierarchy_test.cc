// SPDX-License-Identifier: Apache-2.0
//
// The machine's own cgroups; the oracle is stat().

#include "daemon/cgroup_hierarchy.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/scratch_cgroup.h"

namespace postern {
namespace {

class CgroupHierarchyTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!cgroup_.made()) {
      GTEST_SKIP() << "no cgroup2 hierarchy that we may write to";
    }
    if (!hierarchy_.usable().ok()) {
      GTEST_SKIP() << hierarchy_.usable().error().message;
    }
  }

  CgroupHierarchy hierarchy_;
  ScratchCgroup cgroup_;
};

TEST_F(CgroupHierarchyTest, TellsThePathOfANumber) {
  EXPECT_EQ(hierarchy_.mount(), cgroup_.mount());
  EXPECT_EQ(hierarchy_.PathOf(cgroup_.id()), cgroup_.path());

  struct stat root {};

  ASSERT_EQ(::stat(cgroup_.mount().c_str(), &root), 0);
  EXPECT_EQ(hierarchy_.PathOf(CgroupId{root.st_ino}), "/");
}

TEST_F(CgroupHierarchyTest, KeepsWhatItTold) {
  const CgroupId id = cgroup_.id();
  const std::string path = cgroup_.path();
  EXPECT_EQ(hierarchy_.PathOf(id), path);
  cgroup_.Remove();
  EXPECT_EQ(hierarchy_.PathOf(id), path);
}

TEST_F(CgroupHierarchyTest, DoesNotGuessARemovedOnesPath) {
  const CgroupId id = cgroup_.id();
  cgroup_.Remove();
  EXPECT_EQ(hierarchy_.PathOf(id), std::nullopt);
  EXPECT_EQ(hierarchy_.PathOf(CgroupId{~0ULL}), std::nullopt);
}

// What was made anew under the same name has another number.
TEST_F(CgroupHierarchyTest, ANumberIsNotUsedAgain) {
  const CgroupId id = cgroup_.id();
  cgroup_.Remove();
  const ScratchCgroup again;
  ASSERT_TRUE(again.made());
  EXPECT_NE(again.id(), id);
  EXPECT_EQ(hierarchy_.PathOf(again.id()), again.path());
  EXPECT_EQ(hierarchy_.PathOf(id), std::nullopt);
}

TEST(CgroupHierarchy, SaysWhyItCannotBeUsed) {
  CgroupHierarchy nothing(Error{ErrorCode::kUnsupported, "none."});
  EXPECT_EQ(nothing.usable().error().message, "none.");
  EXPECT_EQ(nothing.PathOf(CgroupId{1}), std::nullopt);
  CgroupHierarchy absent(std::string("/nowhere/at/all"));
  EXPECT_EQ(absent.usable().error().code, ErrorCode::kSystem);
}

}  // namespace
}  // namespace postern
