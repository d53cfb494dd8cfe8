// SPDX-License-Identifier: Apache-2.0

#include "daemon/socket_news.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "tests/unit/tun/scratch_host.h"

namespace postern {
namespace {

constexpr SocketCookie kSocket{42};
constexpr SocketCookie kOther{43};

SaIdentity SomeSa() {
  return {.spi = Spi{0x1001},
          .destination = *IpAddress::Parse("10.9.0.2"),
          .protocol = IpsecProtocol::kAh};
}

FlowKey SomeFlow() {
  return {.local = *IpAddress::Parse("10.9.0.1"),
          .remote = *IpAddress::Parse("10.9.0.2"),
          .local_port = 4711,
          .remote_port = 80,
          .protocol = 6};
}

LevelSet SomeLevels() {
  LevelSet levels;
  levels.Set(Category::kAh, Level::kRequire);
  return levels;
}

class IsMissedTest : public ::testing::Test {
 protected:
  bool Missed() const { return IsMissed(sockets_, owners_, system_); }

  SocketTable sockets_;
  SaOwners owners_;
  SystemPolicy system_;
};

TEST_F(IsMissedTest, NotWhileThereIsNothingToTakeAlong) {
  EXPECT_FALSE(Missed());
}

TEST_F(IsMissedTest, WhileASocketHasAnEntry) {
  ASSERT_TRUE(sockets_.Obtain(kSocket).ok());
  EXPECT_TRUE(Missed());
  // It is kept for late packets, and its ports may have another by then.
  sockets_.Retire(kSocket, Instant());
  EXPECT_TRUE(Missed());
  sockets_.Age(Instant() + SocketTable::kLinger);
  EXPECT_FALSE(Missed());
}

TEST_F(IsMissedTest, WhileAConnectionHasInherited) {
  ASSERT_TRUE(sockets_.Inherit(SomeFlow(), SomeLevels(), Instant()).ok());
  EXPECT_TRUE(Missed());
  sockets_.Age(Instant() + SocketTable::kHalfOpen);
  EXPECT_FALSE(Missed());
}

TEST_F(IsMissedTest, WhileAnSaIsOnesAlone) {
  owners_.Note(kSocket, SomeSa());
  EXPECT_TRUE(Missed());
  owners_.Forget(SomeSa());
  EXPECT_FALSE(Missed());
}

TEST_F(IsMissedTest, WhileACgroupHasARule) {
  CgroupRules rules(system_, "/nowhere/cgroup", Ok());
  ASSERT_TRUE(rules.Set({.path = "/web", .levels = SomeLevels()}).ok());
  EXPECT_TRUE(Missed());
  ASSERT_TRUE(rules.Delete("/web").ok());
  EXPECT_FALSE(Missed());
}

class ListenWhenNeededTest : public ScratchHost {
 protected:
  void SetUp() override {
    ScratchHost::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    auto watch = SocketWatch::Create(host());
    ASSERT_TRUE(watch.ok()) << watch.error().message;
    watch_ = std::move(*watch);
    ListenWhenNeeded(*watch_, sockets_, owners_, rules_);
    watch_->Rest();
    ASSERT_FALSE(Listens());
  }

  // Whether the kernel has it in any group that is told something.
  bool Listens() const {
    std::uint32_t groups = 0;
    socklen_t size = sizeof(groups);
    EXPECT_EQ(::getsockopt(watch_->descriptor(), SOL_NETLINK,
                           NETLINK_LIST_MEMBERSHIPS, &groups, &size),
              0);
    return groups != 0;
  }

  // From now on it cannot: its descriptor is no netlink socket.
  void Break() {
    const UniqueFd other(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::dup3(other.get(), watch_->descriptor(), O_CLOEXEC),
              watch_->descriptor());
  }

  SocketTable sockets_;
  SaOwners owners_;
  SystemPolicy system_;
  CgroupRules rules_{system_, "/nowhere/cgroup", Ok()};
  std::unique_ptr<SocketWatch> watch_;
};

TEST_F(ListenWhenNeededTest, BeforeASocketsFirstEntry) {
  ASSERT_TRUE(sockets_.Obtain(kSocket).ok());
  EXPECT_TRUE(Listens());
}

TEST_F(ListenWhenNeededTest, BeforeTheFirstConnectionInherits) {
  ASSERT_TRUE(sockets_.Inherit(SomeFlow(), SomeLevels(), Instant()).ok());
  EXPECT_TRUE(Listens());
}

TEST_F(ListenWhenNeededTest, BeforeAnSaIsOnesAlone) {
  owners_.Note(kSocket, SomeSa());
  EXPECT_TRUE(Listens());
}

TEST_F(ListenWhenNeededTest, BeforeACgroupHasARule) {
  ASSERT_TRUE(rules_.Set({.path = "/web", .levels = SomeLevels()}).ok());
  EXPECT_TRUE(Listens());
}

TEST_F(ListenWhenNeededTest, AgainAfterARest) {
  ASSERT_TRUE(sockets_.Obtain(kSocket).ok());
  sockets_.Retire(kSocket, Instant());
  sockets_.Age(Instant() + SocketTable::kLinger);
  ASSERT_FALSE(IsMissed(sockets_, owners_, system_));
  watch_->Rest();
  ASSERT_FALSE(Listens());
  ASSERT_TRUE(sockets_.Obtain(kOther).ok());
  EXPECT_TRUE(Listens());
}

// What would stay for ever is not made; SAs end with their lifetimes.
TEST_F(ListenWhenNeededTest, RefusesWhatNobodyWouldTellOfTheEndOf) {
  Break();
  EXPECT_EQ(sockets_.Obtain(kSocket).error().code, ErrorCode::kSystem);
  EXPECT_EQ(rules_.Set({.path = "/web", .levels = SomeLevels()}).error().code,
            ErrorCode::kSystem);
  EXPECT_FALSE(IsMissed(sockets_, owners_, system_));
  owners_.Note(kSocket, SomeSa());
  EXPECT_EQ(owners_.owners(), 1u);
}

}  // namespace
}  // namespace postern
