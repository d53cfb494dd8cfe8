// SPDX-License-Identifier: Apache-2.0
//
// Whatever is wrong with the daemon, the call fails, says how, and leaves no
// descriptor behind.

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <postern/ipsec.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "control/paths.h"
#include "control/run_directory.h"
#include "tests/sockapi/fake_daemon.h"

namespace postern {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Temper = FakeDaemon::Temper;

int SetAh(int fd) {
  const int level = IPSEC_LEVEL_REQUIRE;
  return ::setsockopt(fd, IPPROTO_IP, IP_AUTH_LEVEL, &level, sizeof(level)) == 0
             ? 0
             : errno;
}

int GetAh(int fd) {
  int level = -77;
  socklen_t size = sizeof(level);
  return ::getsockopt(fd, IPPROTO_IP, IP_AUTH_LEVEL, &level, &size) == 0
             ? 0
             : errno;
}

UniqueFd OpenUdp() {
  return UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

std::ptrdiff_t OpenFds() {
  return std::distance(fs::directory_iterator("/proc/self/fd"),
                       fs::directory_iterator{});
}

// DEF-31
TEST(NoDaemon, IsUnreachableWhereNoHostServesTheNamespace) {
  const TemporaryRunDirectory run;
  const UniqueFd socket = OpenUdp();
  EXPECT_EQ(SetAh(socket.get()), ENETUNREACH);
  EXPECT_EQ(GetAh(socket.get()), ENETUNREACH);
  ASSERT_TRUE(EnsureHostDirectory("fake").ok());
  EXPECT_EQ(SetAh(socket.get()), ENETUNREACH);
  ASSERT_TRUE(PublishNetns(NetnsCookie(), "fake").ok());  // leads nowhere yet
  EXPECT_EQ(SetAh(socket.get()), ENETUNREACH);
}

TEST(NoDaemon, IsUnreachableThroughARelativeOrEndlessRunDirectory) {
  const UniqueFd socket = OpenUdp();
  ::setenv(kRunDirectoryVariable, "here", 1);
  EXPECT_EQ(SetAh(socket.get()), ENETUNREACH);
  ::setenv(kRunDirectoryVariable, ("/" + std::string(200, 'x')).c_str(), 1);
  EXPECT_EQ(SetAh(socket.get()), ENETUNREACH);
  ::unsetenv(kRunDirectoryVariable);
}

TEST(NoDaemon, IsRefusedWhereItsSocketWasLeftBehind) {
  const TemporaryRunDirectory run;
  ASSERT_TRUE(EnsureHostDirectory("fake").ok());
  ASSERT_TRUE(PublishNetns(NetnsCookie(), "fake").ok());
  { ASSERT_TRUE(ListenSeqpacket(ApiSocketPath("fake"), 0666).ok()); }
  const UniqueFd socket = OpenUdp();
  EXPECT_EQ(SetAh(socket.get()), ECONNREFUSED);
  EXPECT_EQ(GetAh(socket.get()), ECONNREFUSED);
}

TEST(NoDaemon, ShowsInErrnoWhenThisProcessHasNoDescriptorsLeft) {
  const FakeDaemon daemon(Temper::kHonest);
  const UniqueFd socket = OpenUdp();
  std::vector<UniqueFd> hoard;
  for (UniqueFd next(::dup(socket.get())); next.valid();
       next = UniqueFd(::dup(socket.get()))) {
    hoard.push_back(std::move(next));
  }
  const int error = SetAh(socket.get());
  hoard.clear();
  EXPECT_EQ(error, EMFILE);
  EXPECT_EQ(SetAh(socket.get()), 0);
}

struct BadDaemon {
  Temper temper;
  const char* name;
  int error;
  // What GetLevel says where the temper spoils SetLevel alone.
  int get_error;
};

class BadDaemonTest : public testing::TestWithParam<BadDaemon> {};

// DEF-31
TEST_P(BadDaemonTest, NeverLooksLikeSuccessAndLeaksNothing) {
  const FakeDaemon daemon(GetParam().temper);
  const UniqueFd socket = OpenUdp();
  const std::ptrdiff_t before = OpenFds();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(SetAh(socket.get()), GetParam().error);
    EXPECT_EQ(GetAh(socket.get()), GetParam().get_error);
  }
  // The daemon's own thread may be about to close its side.
  for (int i = 0; i < 1000 && OpenFds() != before; ++i) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(OpenFds(), before);
}

INSTANTIATE_TEST_SUITE_P(
    EveryTemper, BadDaemonTest,
    testing::Values(
        BadDaemon{Temper::kHonest, "Honest", 0, 0},  // leaks nothing either
        BadDaemon{Temper::kHangsUp, "HangsUp", ECONNREFUSED, ECONNREFUSED},
        BadDaemon{Temper::kHangsUpAtOnce, "HangsUpAtOnce", ECONNREFUSED,
                  ECONNREFUSED},
        BadDaemon{Temper::kOtherVersion, "OtherVersion", EPROTO, EPROTO},
        BadDaemon{Temper::kOtherId, "OtherId", EPROTO, EPROTO},
        BadDaemon{Temper::kOtherType, "OtherType", EPROTO, EPROTO},
        BadDaemon{Temper::kOtherLevel, "OtherLevel", EPROTO, 0},
        BadDaemon{Temper::kNoLevel, "NoLevel", EPROTO, EPROTO},
        BadDaemon{Temper::kHugeErrno, "HugeErrno", EPROTO, EPROTO},
        BadDaemon{Temper::kShortReply, "ShortReply", EPROTO, EPROTO},
        BadDaemon{Temper::kLongReply, "LongReply", EPROTO, EPROTO},
        BadDaemon{Temper::kWithDescriptor, "WithDescriptor", EPROTO, EPROTO},
        BadDaemon{Temper::kManyDescriptors, "ManyDescriptors", EPROTO, EPROTO},
        BadDaemon{Temper::kGarbage, "Garbage", EPROTO, EPROTO}),
    [](const auto& row) { return std::string(row.param.name); });

// DEF-31
TEST(SilentDaemon, IsGivenUpAfterFiveSeconds) {
  const FakeDaemon daemon(Temper::kSilent);
  const UniqueFd socket = OpenUdp();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(SetAh(socket.get()), ECONNREFUSED);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, 4990ms);
  EXPECT_LT(took, 8s);
}

std::atomic<int> signals{0};

TEST(SlowDaemon, IsWaitedForThroughSignals) {
  FakeDaemon daemon(Temper::kHonest);
  daemon.Delay(200ms);
  const UniqueFd socket = OpenUdp();

  struct sigaction on_signal {};

  struct sigaction old {};

  on_signal.sa_handler = [](int) { ++signals; };  // without SA_RESTART
  ASSERT_EQ(::sigaction(SIGUSR1, &on_signal, &old), 0);
  std::atomic<bool> done{false};
  const pthread_t caller = ::pthread_self();
  std::thread nuisance([&] {
    while (!done) {
      ::pthread_kill(caller, SIGUSR1);
      std::this_thread::sleep_for(1ms);
    }
  });
  EXPECT_EQ(SetAh(socket.get()), 0);
  done = true;
  nuisance.join();
  ::sigaction(SIGUSR1, &old, nullptr);
  EXPECT_GT(signals, 10);
}

// The namespace is the socket's own, not the calling thread's.
TEST(Namespaces, AreToldApartByTheSocket) {
  const FakeDaemon daemon(Temper::kHonest);
  UniqueFd elsewhere;
  std::uint64_t cookie = 0;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) == 0) {
      elsewhere = OpenUdp();
      cookie = NetnsCookie();
    }
  }).join();
  if (!elsewhere.valid()) {
    GTEST_SKIP() << "making a network namespace needs privilege";
  }
  EXPECT_EQ(SetAh(elsewhere.get()), ENETUNREACH);
  ASSERT_TRUE(PublishNetns(cookie, "fake").ok());
  EXPECT_EQ(SetAh(elsewhere.get()), 0);
  const UniqueFd here = OpenUdp();
  EXPECT_EQ(SetAh(here.get()), 0);
}

// What `body` returns in a child process.
int StatusOfChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(body());
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status)
             ? WEXITSTATUS(status)
             : -1;
}

constexpr int kCannotTry = 200;

// DEF-31
// What a sandbox leaves of the way to the daemon is not enough: refused.
TEST(Sandbox, OfAnotherRootIsRefused) {
  const FakeDaemon daemon(Temper::kHonest);
  const UniqueFd socket = OpenUdp();
  const int status = StatusOfChild([&] {
    return ::chroot("/proc/self") == 0 ? SetAh(socket.get()) : kCannotTry;
  });
  if (status == kCannotTry) {
    GTEST_SKIP() << "chroot() needs privilege";
  }
  EXPECT_EQ(status, ENETUNREACH);
  EXPECT_TRUE(daemon.requests().empty());
}

// Makes every later connect() of this process fail with EPERM.
bool ForbidConnect() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = 4, .filter = program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(Sandbox, OfForbiddenSystemCallsIsRefused) {
  const FakeDaemon daemon(Temper::kHonest);
  const UniqueFd socket = OpenUdp();
  const int status = StatusOfChild(
      [&] { return ForbidConnect() ? SetAh(socket.get()) : kCannotTry; });
  if (status == kCannotTry) {
    GTEST_SKIP() << "this kernel has no seccomp filters";
  }
  EXPECT_EQ(status, ENETUNREACH);
  EXPECT_TRUE(daemon.requests().empty());
}

}  // namespace
}  // namespace postern
