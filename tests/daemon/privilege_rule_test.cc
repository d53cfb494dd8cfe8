// SPDX-License-Identifier: Apache-2.0
//
// Processes of all kinds connect, and the kernel says who they are. They are
// made with fork(), and need root to become somebody else.

#include "daemon/privilege_rule.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "tests/daemon/served.h"

namespace postern {
namespace {

constexpr uid_t kUser = 54321;
constexpr gid_t kGroup = 54322;
constexpr gid_t kOther = 54323;

// In a child process, so that failures are exit statuses.
void Demand(bool done) {
  if (!done) {
    ::_exit(99);
  }
}

void BecomeUser(gid_t group, std::vector<gid_t> groups = {}) {
  Demand(::setgroups(groups.size(), groups.data()) == 0);
  Demand(::setresgid(group, group, group) == 0);
  Demand(::setresuid(kUser, kUser, kUser) == 0);
}

// As a service manager's AmbientCapabilities= would: the capability and nothing
// else of root's.
void BecomeUserWithNetAdmin() {
  Demand(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
  BecomeUser(kOther);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3,
                                  .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  sets[0].effective = sets[0].permitted = 1U << CAP_NET_ADMIN;
  Demand(::syscall(SYS_capset, &header, sets.data()) == 0);
}

// Executing an ordinary program makes a process dumpable again; this does, too.
void BecomeDumpable() {
  Demand(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
}

// A child process that became somebody, connected, and waits until it is gone.
class Peer {
 public:
  explicit Peer(
      const std::function<void()>& become,
      const std::function<void()>& then = [] {}) {
    const UnixPath path = directory_.Socket("s");
    const UniqueFd listener = ListenAt(path);
    EXPECT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
    EXPECT_EQ(::chmod(path.c_str(), 0666), 0);
    std::array<int, 2> pipe{};
    EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    UniqueFd wait_here(pipe[0]);
    alive_ = UniqueFd(pipe[1]);
    child_ = ::fork();
    if (child_ == 0) {
      alive_.reset();
      become();
      auto connected =
          ConnectSeqpacket(path, Deadline::AfterMilliseconds(5000));
      Demand(connected.ok());
      then();
      char octet = 0;
      Demand(::read(wait_here.get(), &octet, 1) == 0);
      ::_exit(0);
    }
    EXPECT_EQ(
        WaitFor(listener.get(), POLLIN, Deadline::AfterMilliseconds(5000)), 0);
    auto accepted = AcceptSeqpacket(listener.get());
    EXPECT_TRUE(accepted.ok());
    connection_ = accepted.ok() ? std::move(*accepted) : UniqueFd();
  }

  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  ~Peer() {
    alive_.reset();
    Reap();
  }

  void Reap() {
    if (child_ > 0) {
      int status = 0;
      EXPECT_EQ(::waitpid(child_, &status, 0), child_);
      EXPECT_EQ(status, 0);
      child_ = -1;
    }
  }

  bool IsGranted(const PrivilegeRule& rule) const {
    const auto who = PeerCredentialsOf(connection_.get());
    EXPECT_TRUE(who.ok());
    return who.ok() && rule.Grants(*who, connection_.get());
  }

 private:
  TemporaryDirectory directory_;
  UniqueFd alive_;
  UniqueFd connection_;
  pid_t child_ = -1;
};

bool KernelTellsProcesses() {
  std::array<int, 2> pair{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair.data()), 0);
  const UniqueFd one(pair[0]);
  const UniqueFd other(pair[1]);
  int pidfd = -1;
  socklen_t size = sizeof(pidfd);
  constexpr int kSoPeerPidfd = 77;
  const int got =
      ::getsockopt(pair[0], SOL_SOCKET, kSoPeerPidfd, &pidfd, &size);
  const UniqueFd owned(got == 0 ? pidfd : -1);
  return got == 0;
}

class PrivilegeRuleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "becoming another user needs root";
    }
    // In a user namespace with one user, nobody can become another.
    const pid_t child = ::fork();
    if (child == 0) {
      ::_exit(::setgroups(0, nullptr) == 0 && ::setgid(kGroup) == 0 &&
                      ::setuid(kUser) == 0
                  ? 0
                  : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (status != 0) {
      GTEST_SKIP() << "this user namespace has one user only";
    }
  }

  const PrivilegeRule nobody_{std::nullopt};
  const PrivilegeRule group_{kGroup};
};

// API-23
TEST_F(PrivilegeRuleTest, GrantsRoot) {
  EXPECT_TRUE(Peer([] {}).IsGranted(nobody_));
}

// API-23
TEST_F(PrivilegeRuleTest, RefusesAUser) {
  const Peer peer([] { BecomeUser(kOther, {kOther}); });
  EXPECT_FALSE(peer.IsGranted(nobody_));
  EXPECT_FALSE(peer.IsGranted(group_));
}

TEST_F(PrivilegeRuleTest, GrantsMembersOfTheGroup) {
  const Peer primary([] { BecomeUser(kGroup); });
  EXPECT_TRUE(primary.IsGranted(group_));
  EXPECT_FALSE(primary.IsGranted(nobody_));
  const Peer supplementary([] { BecomeUser(kOther, {7, kGroup, 9}); });
  EXPECT_TRUE(supplementary.IsGranted(group_));
  // More groups than fit at the first try.
  std::vector<gid_t> many(200);
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i] = static_cast<gid_t>(60'000 + i);
  }
  many.push_back(kGroup);
  const Peer in_many([&many] { BecomeUser(kOther, many); });
  EXPECT_TRUE(in_many.IsGranted(group_));
}

// Who a connection is was decided at connect().
TEST_F(PrivilegeRuleTest, AsksWhoConnectedNotWhoTheProcessBecame) {
  const Peer dropped([] {}, [] { BecomeUser(kOther); });
  EXPECT_TRUE(dropped.IsGranted(nobody_));
}

TEST_F(PrivilegeRuleTest, GrantsTheCapability) {
  if (!KernelTellsProcesses()) {
    GTEST_SKIP() << "this kernel has no SO_PEERPIDFD";
  }
  const Peer peer([] {
    BecomeUserWithNetAdmin();
    BecomeDumpable();
  });
  EXPECT_TRUE(peer.IsGranted(nobody_));
}

// So are processes that executed a program with file capabilities.
TEST_F(PrivilegeRuleTest, RefusesTheCapabilityOfAnUndumpableProcess) {
  const Peer peer([] { BecomeUserWithNetAdmin(); });
  EXPECT_FALSE(peer.IsGranted(nobody_));
}

// Everybody has all capabilities in a user namespace of his own.
TEST_F(PrivilegeRuleTest, RefusesTheCapabilityOfAnotherUserNamespace) {
  const auto become = [] {
    BecomeUser(kOther);
    BecomeDumpable();
  };
  const pid_t child = ::fork();
  if (child == 0) {
    become();
    ::_exit(::unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (status != 0) {
    GTEST_SKIP() << "this machine gives users no user namespace";
  }
  const Peer peer([&become] {
    become();
    Demand(::unshare(CLONE_NEWUSER) == 0);
    BecomeDumpable();
  });
  EXPECT_FALSE(peer.IsGranted(nobody_));
}

// A pid outlives its process only as a number.
TEST_F(PrivilegeRuleTest, RefusesTheCapabilityOfAProcessThatHasGone) {
  Peer peer(
      [] {
        BecomeUserWithNetAdmin();
        BecomeDumpable();
      },
      [] {
        // The grandchild keeps the connection open.
        if (::fork() != 0) {
          ::_exit(0);
        }
      });
  peer.Reap();
  EXPECT_FALSE(peer.IsGranted(nobody_));
}

}  // namespace
}  // namespace postern
