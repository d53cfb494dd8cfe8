// SPDX-License-Identifier: Apache-2.0

#include "core/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "gtest/gtest.h"

namespace postern {
namespace {

bool IsOpen(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}

UniqueFd Open() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

TEST(UniqueFd, ClosesWhatItOwns) {
  int fd = -1;
  {
    const UniqueFd owner = Open();
    fd = owner.get();
    ASSERT_TRUE(IsOpen(fd));
  }
  EXPECT_FALSE(IsOpen(fd));
}

TEST(UniqueFd, OwnsNothingAtFirstOrAfterAFailedCall) {
  EXPECT_FALSE(UniqueFd().valid());
  EXPECT_FALSE(UniqueFd(-1).valid());
  EXPECT_EQ(UniqueFd(-5).get(), -1);
}

TEST(UniqueFd, MovesItsDescriptor) {
  UniqueFd first = Open();
  const int fd = first.get();
  UniqueFd second(std::move(first));
  EXPECT_EQ(first.get(), -1);  // NOLINT: what a move leaves is promised
  EXPECT_EQ(second.get(), fd);

  UniqueFd third = Open();
  const int closed = third.get();
  third = std::move(second);
  EXPECT_EQ(third.get(), fd);
  EXPECT_FALSE(IsOpen(closed));
  EXPECT_TRUE(IsOpen(fd));
}

TEST(UniqueFd, SurvivesAMoveToItself) {
  UniqueFd owner = Open();
  UniqueFd& same = owner;
  owner = std::move(same);
  EXPECT_TRUE(owner.valid());
  EXPECT_TRUE(IsOpen(owner.get()));
}

TEST(UniqueFd, ReleasesWithoutClosing) {
  UniqueFd owner = Open();
  const int fd = owner.release();
  EXPECT_FALSE(owner.valid());
  EXPECT_TRUE(IsOpen(fd));
  ::close(fd);
}

TEST(UniqueFd, ResetClosesTheOldOneAndLeavesErrnoAlone) {
  UniqueFd owner = Open();
  const int old = owner.get();
  errno = ENOSPC;
  owner.reset();
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_FALSE(owner.valid());
  EXPECT_FALSE(IsOpen(old));
}

}  // namespace
}  // namespace postern
