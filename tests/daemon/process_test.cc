// SPDX-License-Identifier: Apache-2.0
//
// posternd as a process: command line, lock, service manager.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "control/run_directory.h"
#include "daemon/command_line.h"
#include "daemon/run_lock.h"
#include "daemon/service_notify.h"
#include "tests/daemon/served.h"

namespace postern {
namespace {

using ::testing::HasSubstr;

Expected<CommandLine, UsageDefect> Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "posternd");
  std::vector<char*> pointers;
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  const auto count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  return ParseCommandLine(count, pointers.data());
}

TEST(CommandLine, ReadsEveryOption) {
  const auto serve = Parse({"--config", "a.toml", "--log-level=debug"});
  ASSERT_TRUE(serve.ok());
  EXPECT_EQ(serve->action, CommandLine::Action::kServe);
  EXPECT_EQ(serve->config, "a.toml");
  EXPECT_EQ(serve->log_level, LogLevel::kDebug);
  EXPECT_EQ(Parse({"-c", "a.toml", "--check"})->action,
            CommandLine::Action::kCheck);
  EXPECT_EQ(Parse({"--version"})->action, CommandLine::Action::kShowVersion);
  EXPECT_EQ(Parse({"-h"})->action, CommandLine::Action::kShowHelp);
}

TEST(CommandLine, RefusesEverythingElse) {
  const auto refused = [](std::vector<std::string> words) {
    const auto line = Parse(std::move(words));
    return line.ok() ? std::string() : line.error().sentence;
  };
  EXPECT_THAT(refused({}), HasSubstr("--config FILE"));
  EXPECT_THAT(refused({"--config"}), HasSubstr("needs a value"));
  EXPECT_THAT(refused({"--colour", "red"}), HasSubstr("--colour is no option"));
  EXPECT_THAT(refused({"a.toml"}), HasSubstr("takes no \"a.toml\""));
  EXPECT_THAT(refused({"-c", "a.toml", "--log-level", "loud"}),
              HasSubstr("--log-level"));
}

class InRunDirectory : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv(kRunDirectoryVariable, directory_.path().c_str(), 1);
    ASSERT_TRUE(EnsureHostDirectory("a").ok());
  }

  void TearDown() override { ::unsetenv(kRunDirectoryVariable); }

  TemporaryDirectory directory_;
};

TEST_F(InRunDirectory, LetsOnlyOneDaemonServeAHost) {
  {
    const auto first = RunLock::Take("a");
    ASSERT_TRUE(first.ok());
    const auto second = RunLock::Take("a");
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kExists);
    EXPECT_THAT(second.error().message,
                HasSubstr("process " + std::to_string(::getpid())));
  }
  EXPECT_TRUE(RunLock::Take("a").ok());  // it goes with its holder
}

TEST(NotifyService, SendsOneDatagram) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/notify";
  const UniqueFd manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  ASSERT_EQ(::bind(manager.get(), reinterpret_cast<sockaddr*>(&address),
                   sizeof(address)),
            0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  NotifyService("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
  std::array<char, 64> text{};
  const ssize_t size =
      ::recv(manager.get(), text.data(), text.size(), MSG_DONTWAIT);
  ASSERT_EQ(size, 7);
  EXPECT_EQ(std::string(text.data(), 7), "READY=1");
}

TEST(NotifyService, DoesNothingWithoutAManager) {
  NotifyService("READY=1");
  ::setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
  NotifyService("READY=1");
  ::setenv("NOTIFY_SOCKET", "relative", 1);
  NotifyService("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace postern
