// SPDX-License-Identifier: Apache-2.0

#include "cli/grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "cli/request.h"

namespace postern {
namespace {

using ::testing::HasSubstr;
using Words = std::vector<std::string>;

std::string RequestFor(const Words& words) {
  const auto invocation = ParseInvocation(words);
  if (!invocation.ok()) {
    ADD_FAILURE() << invocation.error().text;
    return {};
  }
  EXPECT_EQ(invocation->host, "a");
  const auto* question = std::get_if<Question>(&invocation->what);
  return question == nullptr ? "" : RequestOf(*question);
}

std::string MistakeIn(const Words& words) {
  const auto invocation = ParseInvocation(words);
  if (invocation.ok()) {
    return "accepted";
  }
  EXPECT_EQ(invocation.error().status, ExitStatus::kMisused);
  return invocation.error().text;
}

TEST(Grammar, PutsTheHostBehindTheVerb) {
  EXPECT_EQ(RequestFor({"status", "a"}), R"({"verb":"status","arguments":{}})");
  EXPECT_EQ(RequestFor({"stats", "a"}), R"({"verb":"stats","arguments":{}})");
  EXPECT_EQ(RequestFor({"sa", "list", "a"}),
            R"({"verb":"sa.dump","arguments":{}})");
  EXPECT_EQ(RequestFor({"sa", "flush", "a"}),
            R"({"verb":"sa.flush","arguments":{}})");
  EXPECT_EQ(RequestFor({"route", "list", "a"}),
            R"({"verb":"route.list","arguments":{}})");
  EXPECT_EQ(RequestFor({"socket", "list", "a"}),
            R"({"verb":"socket.list","arguments":{}})");
  EXPECT_EQ(RequestFor({"level", "show", "a"}),
            R"({"verb":"level.get","arguments":{}})");
}

TEST(Grammar, DescribesAnAssociation) {
  EXPECT_EQ(
      RequestFor({"sa",
                  "add",
                  "a",
                  "esp",
                  "transport",
                  "0x1001",
                  "--from",
                  "10.9.0.1",
                  "--to",
                  "10.9.0.2",
                  "--encryption",
                  "aes-gcm-16",
                  "--encryption-key",
                  "0x00",
                  "--esn",
                  "--replay-window",
                  "1024",
                  "--hard-octets",
                  "5000000000",
                  "--selector-protocol",
                  "tcp",
                  "--selector-source-port",
                  "80"}),
      R"({"verb":"sa.add","arguments":{"protocol":"esp","mode":"transport",)"
      R"("spi":"0x1001","source":"10.9.0.1","destination":"10.9.0.2",)"
      R"("encryption":"aes-gcm-16","encryption_key":"0x00","esn":true,)"
      R"("replay_window":1024,"selector":{"protocol":"tcp",)"
      R"("source_port":"80"},"hard_octets":5000000000}})");
}

TEST(Grammar, SetsARule) {
  EXPECT_EQ(
      RequestFor({"policy", "set", "a", "ike", "bypass", "--before", "rest",
                  "--protocol", "udp", "--remote-port", "500,4500"}),
      R"({"verb":"policy.set","arguments":{"name":"ike",)"
      R"("verdict":"bypass","before":"rest","protocol":"udp",)"
      R"("remote_port":"500,4500"}})");
}

TEST(Grammar, NamesAnAssociation) {
  const std::string identity =
      R"("arguments":{"protocol":"ah","spi":"0x1","destination":"::1"}})";
  for (const std::string verb : {"get", "delete"}) {
    EXPECT_EQ(RequestFor({"sa", verb, "a", "ah", "0x1", "::1"}),
              R"({"verb":"sa.)" + verb + "\"," + identity);
  }
}

TEST(Grammar, ReadsAKeyFromItsFile) {
  std::string path = "/tmp/postern-key-XXXXXX";
  const int file = ::mkstemp(path.data());
  ASSERT_GE(file, 0);
  ::close(file);
  std::ofstream(path) << "0xabcd\n";
  EXPECT_THAT(
      RequestFor({"sa", "add", "a", "ah", "transport", "1", "--from", "::1",
                  "--to", "::2", "--integrity-key", "file:" + path}),
      HasSubstr(R"("integrity_key":"0xabcd")"));
  std::ofstream(path) << std::string(2000, 'a');
  EXPECT_THAT(
      MistakeIn({"sa", "add", "a", "ah", "transport", "1", "--from", "::1",
                 "--to", "::2", "--integrity-key", "file:" + path}),
      HasSubstr("too long"));
  ::unlink(path.c_str());
  EXPECT_THAT(
      MistakeIn({"sa", "add", "a", "ah", "transport", "1", "--from", "::1",
                 "--to", "::2", "--integrity-key", "file:" + path}),
      HasSubstr("cannot be read"));
}

TEST(Grammar, SetsRoutesAndLevels) {
  EXPECT_EQ(RequestFor({"route", "set", "a", "10.0.0.0/8", "--auth", "require",
                        "--esp-transport", "use"}),
            R"({"verb":"route.set","arguments":{"prefix":"10.0.0.0/8",)"
            R"("esp_transport":"use","ah":"require"}})");
  EXPECT_EQ(RequestFor({"route", "set", "a", "::/0", "--discard"}),
            R"({"verb":"route.set","arguments":{"prefix":"::/0",)"
            R"("verdict":"discard"}})");
  EXPECT_EQ(RequestFor({"route", "delete", "a", "::/0"}),
            R"({"verb":"route.delete","arguments":{"prefix":"::/0"}})");
  EXPECT_EQ(RequestFor({"level", "set", "a", "--ah", "use"}),
            R"({"verb":"level.set","arguments":{"ah":"use"}})");
  EXPECT_THAT(MistakeIn({"level", "set", "a", "--ah", "bypass"}),
              HasSubstr("bypass"));
}

TEST(Grammar, AnswersAcquires) {
  EXPECT_EQ(RequestFor({"acquire", "list", "a"}),
            R"({"verb":"acquire.list","arguments":{}})");
  EXPECT_EQ(RequestFor({"acquire", "refuse", "a", "7"}),
            R"({"verb":"acquire.refuse","arguments":{"acquire":7}})");
  EXPECT_EQ(RequestFor({"sa", "add", "a", "0x1001", "--acquire", "7"}),
            R"({"verb":"sa.add","arguments":{"spi":"0x1001","acquire":7}})");
  EXPECT_EQ(RequestFor({"sa", "add", "a", "ah", "transport", "0x1001", "--from",
                        "::1", "--to", "::2", "--owner", "42"}),
            R"({"verb":"sa.add","arguments":{"protocol":"ah",)"
            R"("mode":"transport","spi":"0x1001","source":"::1",)"
            R"("destination":"::2","owner":42}})");
  EXPECT_THAT(MistakeIn({"sa", "add", "a", "0x1001"}),
              HasSubstr("PROTOCOL MODE is required"));
  EXPECT_THAT(MistakeIn({"sa", "add", "a", "ah", "0x1001", "--acquire", "7"}),
              HasSubstr("write all words or the last"));
  EXPECT_THAT(MistakeIn({"acquire", "refuse", "a"}),
              HasSubstr("ID is required"));
}

TEST(Grammar, FollowsEvents) {
  const auto forever = ParseInvocation({"monitor", "a"});
  ASSERT_TRUE(forever.ok());
  EXPECT_FALSE(std::get<Following>(forever->what).count);
  const auto three = ParseInvocation({"monitor", "a", "--count", "3"});
  ASSERT_TRUE(three.ok());
  EXPECT_EQ(three->host, "a");
  EXPECT_EQ(std::get<Following>(three->what).count, 3u);
  EXPECT_THAT(MistakeIn({"monitor", "a", "--count", "many"}),
              HasSubstr("many"));
}

TEST(Grammar, TakesJsonAnywhere) {
  for (const Words& words :
       {Words{"--json", "status", "a"}, Words{"status", "--json", "a"},
        Words{"status", "a", "--json"}, Words{"sa", "list", "a", "--json"}}) {
    const auto invocation = ParseInvocation(words);
    ASSERT_TRUE(invocation.ok());
    EXPECT_EQ(invocation->output, Output::kJson);
  }
}

TEST(Grammar, RunsProgramsWithWordsOfTheirOwn) {
  const auto invocation =
      ParseInvocation({"exec", "a", "--auth", "require", "--esp-transport",
                       "use", "--", "sh", "-c", "--json", "--", "--help"});
  ASSERT_TRUE(invocation.ok());
  const auto* execution = std::get_if<Execution>(&invocation->what);
  ASSERT_NE(execution, nullptr);
  EXPECT_EQ(execution->words, (Words{"sh", "-c", "--json", "--", "--help"}));
  EXPECT_EQ(execution->levels, "esp_transport=use,ah=require");
  EXPECT_EQ(invocation->host, "a");
  EXPECT_EQ(invocation->output, Output::kText);
}

TEST(Grammar, SetsRulesOfCgroups) {
  EXPECT_EQ(RequestFor({"cgroup", "list", "a"}),
            R"({"verb":"cgroup.list","arguments":{}})");
  EXPECT_EQ(RequestFor({"cgroup", "set", "a", "/x", "--ah", "require",
                        "--esp-network", "bypass"}),
            R"({"verb":"cgroup.set","arguments":{"path":"/x","ah":"require",)"
            R"("esp_network":"bypass"}})");
  EXPECT_EQ(RequestFor({"cgroup", "delete", "a", "/x"}),
            R"({"verb":"cgroup.delete","arguments":{"path":"/x"}})");
}

TEST(Grammar, RunsProgramsInACgroup) {
  const auto invocation = ParseInvocation(
      {"exec", "--cgroup", "x", "--auth", "require", "a", "--", "ls"});
  ASSERT_TRUE(invocation.ok());
  const auto* execution = std::get_if<Execution>(&invocation->what);
  ASSERT_NE(execution, nullptr);
  EXPECT_EQ(execution->cgroup, "x");
  const std::vector<Argument> levels = {
      {.name = "ah", .value = std::string("require")}};
  EXPECT_EQ(execution->cgroup_levels, levels);
  for (const std::string name : {"", "..", "a/b", "cgroup.procs"}) {
    EXPECT_THAT(MistakeIn({"exec", "--cgroup", name, "a", "--", "ls"}),
                HasSubstr("no cgroup's name"))
        << name;
  }
}

TEST(Grammar, RefusesWhatMakesNoSense) {
  EXPECT_THAT(MistakeIn({}), HasSubstr("subcommand is required"));
  EXPECT_THAT(MistakeIn({"sa"}), HasSubstr("subcommand is required"));
  EXPECT_THAT(MistakeIn({"status"}), HasSubstr("HOST is required"));
  EXPECT_THAT(MistakeIn({"status", "../a"}), HasSubstr("no host's name"));
  EXPECT_THAT(MistakeIn({"status", "a", "b"}), HasSubstr("b"));
  EXPECT_THAT(MistakeIn({"dance", "a"}), HasSubstr("subcommand is required"));
  EXPECT_THAT(MistakeIn({"exec", "a"}), HasSubstr("exec needs a program"));
  EXPECT_THAT(MistakeIn({"exec", "a", "ls"}), HasSubstr("ls"));
  EXPECT_THAT(MistakeIn({"status", "a", "--", "ls"}), HasSubstr("only exec"));
  EXPECT_THAT(MistakeIn({"sa", "add", "a", "ah", "transport", "1"}),
              HasSubstr("--from is required"));
  EXPECT_THAT(MistakeIn({"exec", "a", "--auth", "maybe", "--", "ls"}),
              HasSubstr("maybe"));
}

TEST(Grammar, EndsWellAfterHelpAndVersion) {
  for (const Words& words :
       {Words{"--help"}, Words{"sa", "add", "--help"}, Words{"--version"}}) {
    const auto invocation = ParseInvocation(words);
    ASSERT_FALSE(invocation.ok());
    EXPECT_EQ(invocation.error().status, ExitStatus::kFine);
    EXPECT_FALSE(invocation.error().text.empty());
  }
}

}  // namespace
}  // namespace postern
