// SPDX-License-Identifier: Apache-2.0
//
// Threads, fork(), exec(), cancellation, accept() and POSTERN_LEVELS.

#include <postern/ipsec.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "tests/sockapi/fake_daemon.h"
#include "tests/sockapi/program.h"

namespace postern {
namespace {

namespace fs = std::filesystem;

using Temper = FakeDaemon::Temper;

int SetAh(int fd, int level) {
  return ::setsockopt(fd, IPPROTO_IP, IP_AUTH_LEVEL, &level, sizeof(level)) == 0
             ? 0
             : errno;
}

int AhOf(int fd) {
  int level = -77;
  socklen_t size = sizeof(level);
  EXPECT_EQ(::getsockopt(fd, IPPROTO_IP, IP_AUTH_LEVEL, &level, &size), 0);
  return level;
}

UniqueFd OpenUdp() {
  return UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

TEST(Threads, SetLevelsAtTheSameTimeEachOnItsOwnSockets) {
  const FakeDaemon daemon(Temper::kHonest);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&wrong, t] {
      for (int i = 0; i < 50; ++i) {
        const UniqueFd socket = OpenUdp();
        const int level = (t + i) % 5;
        const bool right =
            SetAh(socket.get(), level) == 0 && AhOf(socket.get()) == level;
        wrong += right ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(daemon.Count(ApiRequestType::kSetLevel), 400u);
}

// The level belongs to the socket, so parent and child see each other's.
TEST(Fork, LetsParentAndChildSetLevelsOfTheSameSocket) {
  const FakeDaemon daemon(Temper::kHonest);
  const UniqueFd socket = OpenUdp();
  ASSERT_EQ(SetAh(socket.get(), IPSEC_LEVEL_USE), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(AhOf(socket.get()) == IPSEC_LEVEL_USE &&
                    SetAh(socket.get(), IPSEC_LEVEL_REQUIRE) == 0
                ? 0
                : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(AhOf(socket.get()), IPSEC_LEVEL_REQUIRE);
}

// Daemons close everything: nothing that the library needs may be among it.
TEST(Fork, LetsAChildCloseEveryDescriptorAndGoOn) {
  const FakeDaemon daemon(Temper::kHonest);
  const UniqueFd before = OpenUdp();
  ASSERT_EQ(SetAh(before.get(), IPSEC_LEVEL_USE), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    for (int fd = 0; fd < 1024; ++fd) {
      ::close(fd);
    }
    const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);  // descriptor 0
    const int again = ::socket(AF_INET6, SOCK_STREAM, 0);
    const int level = IPSEC_LEVEL_REQUIRE;
    ::_exit(SetAh(socket, level) == 0 && SetAh(again, level) == 0 &&
                    AhOf(socket) == level
                ? 0
                : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// setsockopt() is no cancellation point, so ours must not become one: a thread
// that ended inside would leave its connection open.
TEST(Cancellation, WaitsUntilTheCallIsOver) {
  const FakeDaemon daemon(Temper::kHonest);

  struct Shared {
    UniqueFd socket = OpenUdp();
    int result = -1;
  } shared;

  pthread_t thread{};
  ASSERT_EQ(::pthread_create(
                &thread, nullptr,
                [](void* argument) -> void* {
                  auto* const own = static_cast<Shared*>(argument);
                  ::pthread_cancel(::pthread_self());
                  own->result = SetAh(own->socket.get(), IPSEC_LEVEL_USE);
                  ::pthread_testcancel();
                  own->result = -2;
                  return nullptr;
                },
                &shared),
            0);
  void* ended = nullptr;
  ASSERT_EQ(::pthread_join(thread, &ended), 0);
  EXPECT_EQ(ended, PTHREAD_CANCELED);
  EXPECT_EQ(shared.result, 0);
}

TEST(Accept, AnnouncesTheChildOfAProcessThatSetsLevels) {
  for (const char* call : {"accept", "accept4"}) {
    const FakeDaemon daemon(Temper::kHonest);
    const Outcome outcome = RunSocketProgram({"listen-ah", call});
    EXPECT_EQ(outcome.status, 0) << outcome.error_text;
    EXPECT_EQ(daemon.Count(ApiRequestType::kSetLevel), 1u);
    EXPECT_EQ(daemon.Count(ApiRequestType::kAdopt), 1u);
  }
}

TEST(Accept, CostsAProcessThatSetsNoLevelsNothing) {
  const FakeDaemon daemon(Temper::kHonest);
  const Outcome outcome = RunSocketProgram({"listen", "accept"});
  EXPECT_EQ(outcome.status, 0) << outcome.error_text;
  EXPECT_TRUE(daemon.requests().empty());
}

TEST(Accept, OfUnixSocketsIsNotAnnounced) {
  const FakeDaemon daemon(Temper::kHonest);
  const Outcome outcome = RunSocketProgram({"listen-ah", "accept-unix"});
  EXPECT_EQ(outcome.status, 0) << outcome.error_text;
  EXPECT_EQ(daemon.Count(ApiRequestType::kAdopt), 0u);
}

// Nothing depends on the announcement (semantics section 3).
TEST(Accept, SucceedsWhateverTheDaemonSaysOrDoesNotSay) {
  FakeDaemon daemon(Temper::kHonest);
  const UniqueFd marked = OpenUdp();
  ASSERT_EQ(SetAh(marked.get(), IPSEC_LEVEL_USE), 0);  // from now on
  daemon.Refuse(ENOBUFS);
  const Outcome refused =
      RunSocketProgram({"listen", "accept"}, {"POSTERN_LEVELS="});
  EXPECT_EQ(refused.status, 0) << refused.error_text;

  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(here);
  auto* const address = reinterpret_cast<sockaddr*>(&here);
  ASSERT_EQ(::bind(listener.get(), address, size), 0);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  ASSERT_EQ(::getsockname(listener.get(), address, &size), 0);
  ASSERT_EQ(::connect(client.get(), address, size), 0);
  errno = EDOM;
  const UniqueFd child(::accept(listener.get(), nullptr, nullptr));
  EXPECT_TRUE(child.valid());
  EXPECT_EQ(errno, EDOM);
  EXPECT_EQ(daemon.Count(ApiRequestType::kAdopt), 1u);
}

// A daemon that hangs must not slow down every accept() of a server.
TEST(Accept, AsksASilentDaemonOnceAndThenLeavesItAlone) {
  const FakeDaemon daemon(Temper::kSilentOnAdopt);
  const Outcome outcome = RunSocketProgram({"listen-ah", "accept-five"});
  EXPECT_EQ(outcome.status, 0) << outcome.error_text;
  EXPECT_EQ(daemon.Count(ApiRequestType::kAdopt), 1u);
}

TEST(DefaultLevels, AreSetOnEveryIpSocketBeforeTheProgramHasIt) {
  for (const char* family : {"inet", "inet6"}) {
    for (const char* type : {"stream", "dgram"}) {
      const FakeDaemon daemon(Temper::kHonest);
      const Outcome outcome =
          RunSocketProgram({"open", family, type},
                           {"POSTERN_LEVELS=esp_transport=use,ah=require"});
      EXPECT_EQ(outcome.status, 0) << outcome.error_text;
      const auto requests = daemon.requests();
      ASSERT_EQ(requests.size(), 2u);
      EXPECT_EQ(requests[0].request.category, ApiCategory::kEspTransport);
      EXPECT_EQ(requests[0].request.level, ApiLevel::kUse);
      EXPECT_EQ(requests[1].request.category, ApiCategory::kAh);
      EXPECT_EQ(requests[1].request.level, ApiLevel::kRequire);
      EXPECT_EQ(requests[1].cookie, requests[0].cookie);
    }
  }
}

TEST(DefaultLevels, LeaveOtherFamiliesAlone) {
  const FakeDaemon daemon(Temper::kHonest);
  for (const char* family : {"unix", "netlink", "pair"}) {
    const Outcome outcome = RunSocketProgram({"open", family, "dgram"},
                                             {"POSTERN_LEVELS=ah=require"});
    EXPECT_EQ(outcome.status, 0) << family << outcome.error_text;
  }
  EXPECT_TRUE(daemon.requests().empty());
}

TEST(DefaultLevels, MakeSocketFailWhereTheyCannotBeSet) {
  FakeDaemon daemon(Temper::kHonest);
  daemon.Refuse(EACCES);
  const Outcome outcome = RunSocketProgram({"open", "inet", "stream"},
                                           {"POSTERN_LEVELS=ah=bypass"});
  EXPECT_EQ(outcome.status, EACCES);
  EXPECT_EQ(outcome.error_text,
            "postern: socket() fails, as POSTERN_LEVELS cannot be fulfilled: "
            "BYPASS is for privileged programs\n");
}

// DEF-31
TEST(DefaultLevels, MakeSocketFailWithoutADaemon) {
  const TemporaryRunDirectory run;
  const Outcome outcome =
      RunSocketProgram({"open", "inet6", "dgram"}, {"POSTERN_LEVELS=ah=use"});
  EXPECT_EQ(outcome.status, ENETUNREACH);
  EXPECT_NE(
      outcome.error_text.find("no posternd serves this network namespace"),
      std::string::npos);
}

TEST(DefaultLevels, MakeEveryIpSocketFailWhenMalformedAndComplainOnce) {
  const FakeDaemon daemon(Temper::kHonest);
  for (const char* bad : {"POSTERN_LEVELS=ah", "POSTERN_LEVELS=ah=strong",
                          "POSTERN_LEVELS=ah=use,,"}) {
    const Outcome outcome =
        RunSocketProgram({"open", "inet", "stream", "twice"}, {bad});
    EXPECT_EQ(outcome.status, EINVAL) << bad;
    EXPECT_EQ(outcome.error_text,
              "postern: socket() fails: POSTERN_LEVELS must be like "
              "esp_transport=use,ah=require,esp_network=none\n");
  }
  EXPECT_TRUE(daemon.requests().empty());
}

TEST(DefaultLevels, AreNoneWhenTheVariableIsEmpty) {
  const TemporaryRunDirectory run;  // without a daemon
  const Outcome outcome =
      RunSocketProgram({"open", "inet", "stream"}, {"POSTERN_LEVELS="});
  EXPECT_EQ(outcome.status, 0) << outcome.error_text;
}

TEST(DefaultLevels, MakeAcceptAnnounceItsChildren) {
  const FakeDaemon daemon(Temper::kHonest);
  const Outcome outcome =
      RunSocketProgram({"listen", "accept"}, {"POSTERN_LEVELS=ah=require"});
  EXPECT_EQ(outcome.status, 0) << outcome.error_text;
  EXPECT_EQ(daemon.Count(ApiRequestType::kAdopt), 1u);
}

// Whoever starts a set-user-ID program must not choose its levels (BYPASS!) nor
// its daemon.
TEST(DefaultLevels, OfTheCallerAreIgnoredInSetUserIdPrograms) {
#ifdef POSTERN_SANITIZED
  GTEST_SKIP() << "a sanitizer's runtime does not start such programs";
#endif
  const TemporaryRunDirectory run;
  fs::permissions(run.path(), fs::perms{0755});
  const std::string program = run.path() + "/program";
  fs::copy_file(POSTERN_LINKED_PROGRAM, program);

  struct statvfs volume {};

  ASSERT_EQ(::statvfs(program.c_str(), &volume), 0);
  if (::geteuid() != 0 || (volume.f_flag & ST_NOSUID) != 0 ||
      ::chown(program.c_str(), 65534, 65534) != 0 ||
      ::chmod(program.c_str(), 04755) != 0) {
    GTEST_SKIP() << "making a set-user-ID program needs privilege";
  }
  const Outcome outcome = RunProgram({program, "open", "inet", "stream"},
                                     {"POSTERN_LEVELS=ah=bypass"});
  if (outcome.status == 127) {
    GTEST_SKIP() << "uid 65534 may not read the library: "
                 << outcome.error_text;
  }
  EXPECT_EQ(outcome.status, 0) << outcome.error_text;
}

// A program that was never linked with the library.
TEST(Preload, InterposesOnAnUnmodifiedProgram) {
#ifdef POSTERN_SANITIZED
  GTEST_SKIP() << "a sanitizer's runtime wants to be loaded first itself";
#endif
  const FakeDaemon daemon(Temper::kHonest);
  const Outcome outcome =
      RunProgram({POSTERN_PLAIN_PROGRAM, "open", "inet", "stream"},
                 {"LD_PRELOAD=" POSTERN_LIBRARY, "POSTERN_LEVELS=ah=require"});
  EXPECT_EQ(outcome.status, 0) << outcome.error_text;
  EXPECT_EQ(daemon.Count(ApiRequestType::kSetLevel), 1u);
}

// DEF-31
// Without the library the kernel knows none of the options: nothing succeeds.
TEST(Preload, IsWhatTheOptionsNeedElseTheKernelRefuses) {
  const FakeDaemon daemon(Temper::kHonest);
  const Outcome outcome =
      RunProgram({POSTERN_PLAIN_PROGRAM, "listen-ah", "accept"}, {});
  EXPECT_EQ(outcome.status, ENOPROTOOPT);
}

}  // namespace
}  // namespace postern
