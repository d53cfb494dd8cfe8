// SPDX-License-Identifier: Apache-2.0
//
// The example programs, run over the loopback device against a fake daemon.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "gtest/gtest.h"

#include "tests/sockapi/fake_daemon.h"
#include "tests/sockapi/program.h"

namespace postern {
namespace {

using Temper = FakeDaemon::Temper;

const std::string kExamples = POSTERN_EXAMPLES "/";

// A level_server in the background, on a port of the kernel's choice.
class Server {
 public:
  explicit Server(const std::string& arguments)
      : output_(::popen((kExamples + "level_server -t 20 " + arguments).c_str(),
                        "re")) {
    if (output_ == nullptr ||
        std::fscanf(output_, "listening on port %15[0-9]", port_) != 1) {
      std::abort();
    }
  }

  ~Server() {
    if (output_ != nullptr) {
      ::pclose(output_);
    }
  }

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string port() const { return port_; }

  // Waits for it to end; until then it may write.
  int ExitStatus() {
    while (std::fgetc(output_) != EOF) {
    }
    const int status = ::pclose(output_);
    output_ = nullptr;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  std::FILE* output_;
  char port_[16] = {};
};

// API-35, as far as the library goes: the option, then connect().
TEST(LevelExample, TalksAtTheLevelsOfBothCommandLines) {
  for (const char* address : {"127.0.0.1", "::1"}) {
    const FakeDaemon daemon(Temper::kHonest);
    Server server(std::string(address) + " 0 ah=require");
    const Outcome client =
        RunProgram({kExamples + "level_client", address, server.port(),
                    "esp_transport=use", "ah=require"},
                   {});
    EXPECT_EQ(client.status, 0) << client.error_text;
    EXPECT_EQ(client.output, "answered: hello through the postern\n");
    EXPECT_EQ(server.ExitStatus(), 0);
    EXPECT_EQ(daemon.Count(ApiRequestType::kSetLevel), 3u);
  }
}

TEST(LevelExample, SaysWhyItDoesNotGoOn) {
  FakeDaemon daemon(Temper::kHonest);
  const auto run = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), kExamples + "level_client");
    return RunProgram(arguments, {}).status;
  };
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(run({"localhost", "1"}), 2);
  EXPECT_EQ(run({"127.0.0.1", "65536"}), 2);
  EXPECT_EQ(run({"-t", "0", "127.0.0.1", "1"}), 2);
  EXPECT_EQ(run({"127.0.0.1", "1", "ah"}), 2);
  EXPECT_EQ(run({"127.0.0.1", "1", "ah=much"}), 2);
  EXPECT_EQ(run({"127.0.0.1", "1"}), 4);  // nobody listens there
  daemon.Refuse(EACCES);
  EXPECT_EQ(run({"127.0.0.1", "1", "ah=bypass"}), 3);
}

TEST(LevelExample, GivesUpWhenNobodyComes) {
  const Outcome server =
      RunProgram({kExamples + "level_server", "-t", "1", "127.0.0.1", "0"}, {});
  EXPECT_EQ(server.status, 5) << server.error_text;
}

TEST(DraftExample, BypassesInAllThreeCategoriesInCAndInCxx) {
  for (const char* program : {"draft_3_2_bypass", "draft_3_2_bypass_cxx"}) {
    FakeDaemon daemon(Temper::kHonest);
    EXPECT_EQ(RunProgram({kExamples + program}, {}).status, 0);
    EXPECT_EQ(daemon.Count(ApiRequestType::kSetLevel), 3u);
    daemon.Refuse(EACCES);
    EXPECT_EQ(RunProgram({kExamples + program}, {}).status, 1);
  }
}

// A key manager sets BYPASS for compression, too.
TEST(OpenbsdExample, BypassesAsItsKeyManagersDo) {
  for (const char* family : {"4", "6"}) {
    FakeDaemon daemon(Temper::kHonest);
    const std::vector<std::string> run = {kExamples + "openbsd_style", "bypass",
                                          family};
    const Outcome outcome = RunProgram(run, {});
    EXPECT_EQ(outcome.status, 0) << outcome.error_text;
    EXPECT_EQ(daemon.Count(ApiRequestType::kSetLevel), 3u);
    daemon.Refuse(EACCES);
    EXPECT_EQ(RunProgram(run, {}).status, 1);
  }
}

// API-35, as far as the library goes.
TEST(OpenbsdExample, RequiresBeforeItConnects) {
  for (const char* family : {"4", "6"}) {
    FakeDaemon daemon(Temper::kHonest);
    const Outcome outcome =
        RunProgram({kExamples + "openbsd_style", "require", family}, {});
    EXPECT_EQ(outcome.status, 0) << outcome.error_text;
    const auto requests = daemon.requests();
    ASSERT_EQ(daemon.Count(ApiRequestType::kSetLevel), 2u);
    EXPECT_EQ(requests[0].request.level, ApiLevel::kRequire);
    EXPECT_EQ(requests[0].request.category, ApiCategory::kEspTransport);
    EXPECT_EQ(requests[1].request.category, ApiCategory::kEspNetwork);
  }
}

TEST(DraftExample, ClientAndServerFailWithoutADaemonBeforeAnyPacket) {
  const TemporaryRunDirectory run;
  for (const char* program : {"draft_3_1_server", "draft_3_1_server_cxx"}) {
    EXPECT_EQ(RunProgram({kExamples + program, "0"}, {}).status, 1);
  }
  for (const char* program : {"draft_3_3_client", "draft_3_3_client_cxx"}) {
    EXPECT_EQ(RunProgram({kExamples + program, "::1", "1"}, {}).status, 1);
  }
}

}  // namespace
}  // namespace postern
