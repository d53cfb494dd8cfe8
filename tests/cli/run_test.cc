// SPDX-License-Identifier: Apache-2.0

#include "cli/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cli/execution.h"
#include "control/admin_protocol.h"
#include "control/run_directory.h"
#include "control/seqpacket.h"
#include "tests/support/scratch_cgroup.h"

namespace postern {
namespace {

using ::testing::HasSubstr;

// Answers so many requests as it is told, and remembers the last.
class FakeDaemon {
 public:
  struct Answer {
    AdminType type;
    std::string text;
  };

  FakeDaemon(AdminType type, std::string answer)
      : FakeDaemon(std::vector<Answer>{{type, std::move(answer)}}) {}

  explicit FakeDaemon(std::vector<Answer> answers)
      : answers_(std::move(answers)) {
    auto listener = ListenSeqpacket(AdminSocketPath("a"), kAdminSocketMode);
    EXPECT_TRUE(listener.ok());
    listener_ = std::move(*listener);
    thread_ = std::thread([this] { Serve(); });
  }

  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  ~FakeDaemon() {
    thread_.join();
    ::unlink(AdminSocketPath("a").c_str());
  }

  const std::string& Request() {
    thread_.join();
    thread_ = std::thread([] {});
    return request_;
  }

 private:
  void Serve() {
    for (const Answer& answer : answers_) {
      ServeOne(answer);
    }
  }

  void ServeOne(const Answer& answer) {
    const Deadline deadline = Deadline::AfterMilliseconds(10'000);
    EXPECT_EQ(WaitFor(listener_.get(), POLLIN, deadline), 0);
    const auto connection = AcceptSeqpacket(listener_.get());
    ASSERT_TRUE(connection.ok());
    EXPECT_EQ(WaitFor(connection->get(), POLLIN, deadline), 0);
    std::vector<std::uint8_t> room(kAdminMaxMessage);
    const auto message = ReceiveSeqpacket(connection->get(), room);
    const auto frame =
        DecodeAdminMessage(ConstBytes(room).first(message.size), 0);
    ASSERT_TRUE(frame.ok());
    request_ = frame->text;
    SendSeqpacket(
        connection->get(),
        EncodeAdminMessage(answer.type, frame->request_id, answer.text));
  }

  std::vector<Answer> answers_;
  std::string request_;
  UniqueFd listener_;
  std::thread thread_;
};

class RunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    ::setenv(kRunDirectoryVariable, directory_.c_str(), 1);
    ASSERT_TRUE(EnsureHostDirectory("a").ok());
  }

  void TearDown() override {
    ::unsetenv(kRunDirectoryVariable);
    std::filesystem::remove_all(directory_);
  }

  ExitStatus Run(const std::vector<std::string>& words) {
    out_.str("");
    err_.str("");
    return RunPostern(words, out_, err_);
  }

  std::string directory_ = "/tmp/postern-test-XXXXXX";
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(RunTest, ShowsAnAnswerAsTextAndAsJson) {
  {
    FakeDaemon daemon(AdminType::kReply, R"({"deleted":3})");
    EXPECT_EQ(Run({"sa", "flush", "a"}), ExitStatus::kFine);
    EXPECT_EQ(out_.str(), "deleted: 3\n");
    EXPECT_EQ(daemon.Request(), R"({"verb":"sa.flush","arguments":{}})");
  }
  FakeDaemon daemon(AdminType::kReply, R"({"deleted":3})");
  EXPECT_EQ(Run({"sa", "flush", "a", "--json"}), ExitStatus::kFine);
  EXPECT_EQ(out_.str(), "{\"deleted\":3}\n");
}

TEST_F(RunTest, TellsARefusalAndItsStatus) {
  const char* refusal = R"({"code":"not_found","message":"there is none."})";
  {
    FakeDaemon daemon(AdminType::kError, refusal);
    EXPECT_EQ(Run({"sa", "get", "a", "ah", "1", "::1"}), ExitStatus::kRefused);
    EXPECT_EQ(err_.str(), "postern: there is none.\n");
    EXPECT_EQ(out_.str(), "");
  }
  FakeDaemon daemon(AdminType::kError, refusal);
  EXPECT_EQ(Run({"sa", "get", "a", "ah", "1", "::1", "--json"}),
            ExitStatus::kRefused);
  EXPECT_EQ(out_.str(), std::string(refusal) + "\n");
}

TEST_F(RunTest, SaysWhenNobodyAnswers) {
  EXPECT_EQ(Run({"status", "a"}), ExitStatus::kNoDaemon);
  EXPECT_THAT(err_.str(), HasSubstr("no daemon answers"));
}

TEST_F(RunTest, SaysWhenTheCommandLineIsWrong) {
  EXPECT_EQ(Run({"status"}), ExitStatus::kMisused);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(Run({"--version"}), ExitStatus::kFine);
  EXPECT_THAT(out_.str(), HasSubstr("postern "));
}

TEST_F(RunTest, ShowsEventsUntilTheDaemonGoes) {
  const char* event =
      R"({"event":"acquire","id":1,"flow":{"protocol":"tcp"},"who":"C=DE, O=X"})";
  {
    FakeDaemon daemon(AdminType::kEvent, event);
    EXPECT_EQ(Run({"monitor", "a"}), ExitStatus::kNoDaemon);
    EXPECT_EQ(out_.str(), "acquire id=1 flow.protocol=tcp who=\"C=DE, O=X\"\n");
    EXPECT_THAT(err_.str(), HasSubstr("no daemon answers"));
    EXPECT_EQ(daemon.Request(), R"({"verb":"monitor","arguments":{}})");
  }
  {
    FakeDaemon daemon(AdminType::kEvent, event);
    EXPECT_EQ(Run({"monitor", "a", "--json", "--count", "1"}),
              ExitStatus::kFine);
    EXPECT_EQ(out_.str(), std::string(event) + "\n");
  }
  FakeDaemon old(AdminType::kError, R"({"code":"x","message":"not here."})");
  EXPECT_EQ(Run({"monitor", "a"}), ExitStatus::kRefused);
  EXPECT_EQ(err_.str(), "postern: not here.\n");
}

// An answer without a namespace must not run the program where we are.
TEST_F(RunTest, RunsNothingOutsideOfTheHost) {
  const std::string mark = directory_ + "/ran";
  ::setenv("POSTERN_LIBRARY", "/dev/null", 1);
  {
    FakeDaemon daemon(AdminType::kReply, R"({"namespace":"a"})");
    EXPECT_EQ(Run({"exec", "a", "--", "touch", mark}), ExitStatus::kRefused);
    EXPECT_THAT(err_.str(), HasSubstr("network namespace"));
    EXPECT_EQ(daemon.Request(), R"({"verb":"namespace","arguments":{}})");
  }
  ::unsetenv("POSTERN_LIBRARY");
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST_F(RunTest, RunsNothingInACgroupWhoseRuleIsRefused) {
  const ScratchCgroup cgroup;
  if (!cgroup.made()) {
    GTEST_SKIP() << "no cgroup2 hierarchy that we may write to";
  }
  const std::string mark = directory_ + "/ran";
  FakeDaemon daemon({{AdminType::kReply, R"({"namespace":"a"})"},
                     {AdminType::kError, R"({"message":"no rules here."})"}});
  EXPECT_EQ(Run({"exec", "--cgroup", cgroup.path().substr(1), "--auth", "use",
                 "a", "--", "touch", mark}),
            ExitStatus::kRefused);
  EXPECT_EQ(err_.str(), "postern: no rules here.\n");
  EXPECT_EQ(daemon.Request(),
            R"({"verb":"cgroup.set","arguments":{"ah":"use","path":")" +
                cgroup.path() + R"("}})");
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST_F(RunTest, RunsNothingInACgroupThatTheDaemonDoesNotMean) {
  const ScratchCgroup cgroup;
  if (!cgroup.made()) {
    GTEST_SKIP() << "no cgroup2 hierarchy that we may write to";
  }
  const std::string mark = directory_ + "/ran";
  FakeDaemon daemon(
      {{AdminType::kReply, R"({"namespace":"a"})"},
       {AdminType::kReply, R"({"set":")" + cgroup.path() + R"("})"},
       {AdminType::kReply, R"({"cgroups":[{"path":")" + cgroup.path() +
                               R"(","present":false}]})"}});
  EXPECT_EQ(Run({"exec", "--cgroup", cgroup.path().substr(1), "--auth", "use",
                 "a", "--", "touch", mark}),
            ExitStatus::kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("namespaces of posternd"));
  EXPECT_EQ(daemon.Request(), R"({"verb":"cgroup.list","arguments":{}})");
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST(FindLibrary, RefusesPathsThatCannotBePreloaded) {
  ::setenv("POSTERN_LIBRARY", "/nonexistent/libpostern.so.0", 1);
  EXPECT_FALSE(FindLibrary().ok());
  std::string directory = "/tmp/a b XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  ::setenv("POSTERN_LIBRARY", directory.c_str(), 1);
  const auto refused = FindLibrary();
  ::rmdir(directory.c_str());
  ::unsetenv("POSTERN_LIBRARY");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("LD_PRELOAD cannot take"));
}

}  // namespace
}  // namespace postern
