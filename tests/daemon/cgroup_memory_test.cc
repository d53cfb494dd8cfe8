// SPDX-License-Identifier: Apache-2.0

#include "daemon/cgroup_memory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "daemon/cgroup_rules.h"
#include "tests/daemon/served.h"

namespace postern {
namespace {

const RecordFile::Life kLife{.boot = "a-boot", .network_namespace = 7};

LevelSet Ah(Level level) {
  LevelSet levels;
  levels.Set(Category::kAh, level);
  return levels;
}

class CgroupMemoryTest : public ::testing::Test {
 protected:
  // A daemon's life with these rules in its configuration.
  struct Daemon {
    Daemon(const std::string& file, const RecordFile::Life& life,
           const std::vector<CgroupRule>& configured) {
      EXPECT_TRUE(rules.Load(configured).ok());
      resumed = rules.Resume(CgroupMemory(file, life));
    }

    std::map<std::string, LevelSet> All() const {
      std::map<std::string, LevelSet> all;
      for (const CgroupRule& rule : system.cgroups().rules()) {
        all[rule.path] = rule.levels;
      }
      return all;
    }

    SystemPolicy system;
    CgroupRules rules{system, "/nowhere/cgroup", Ok()};
    Status resumed = Ok();
  };

  Daemon Start(const std::vector<CgroupRule>& configured = {},
               const RecordFile::Life& life = kLife) const {
    return {file_, life, configured};
  }

  std::string Content() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  void Replace(const std::string& content) const {
    std::ofstream(file_, std::ios::binary) << content;
  }

  TemporaryDirectory directory_;
  const std::string file_ = directory_.path() + "/cgroups";
};

using Rules = std::map<std::string, LevelSet>;

TEST_F(CgroupMemoryTest, RulesOfRunTimeOutliveTheDaemon) {  // API-17
  LevelSet levels = Ah(Level::kUnique);
  levels.Set(Category::kEspNetwork, Level::kBypass);
  {
    Daemon daemon = Start();
    ASSERT_TRUE(daemon.resumed.ok());
    ASSERT_TRUE(daemon.rules.Set({"/a \"b\"\n", levels}).ok());
    ASSERT_TRUE(daemon.rules.Set({"/c", Ah(Level::kUse)}).ok());
    ASSERT_TRUE(daemon.rules.Set({"/d", Ah(Level::kUse)}).ok());
    ASSERT_TRUE(daemon.rules.Delete("/d").ok());
  }
  const Rules kept = {{"/a \"b\"\n", levels}, {"/c", Ah(Level::kUse)}};
  EXPECT_EQ(Start().All(), kept);
  EXPECT_EQ(Start().All(), kept);

  struct stat found {};

  ASSERT_EQ(::stat(file_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777U, 0600U);
}

TEST_F(CgroupMemoryTest, WhatWasSetLaterBeatsTheConfiguration) {
  const std::vector<CgroupRule> configured = {{"/a", Ah(Level::kUse)},
                                              {"/b", Ah(Level::kUse)}};
  ASSERT_TRUE(Start(configured).rules.Set({"/a", Ah(Level::kRequire)}).ok());
  {
    Daemon daemon = Start(configured);
    EXPECT_EQ(daemon.All(),
              (Rules{{"/a", Ah(Level::kRequire)}, {"/b", Ah(Level::kUse)}}));
    ASSERT_TRUE(daemon.rules.Delete("/a").ok());
    ASSERT_TRUE(daemon.rules.Delete("/b").ok());
    EXPECT_TRUE(daemon.All().empty());
  }
  // Nothing of it is remembered: the configuration holds again.
  EXPECT_EQ(Start(configured).All(),
            (Rules{{"/a", Ah(Level::kUse)}, {"/b", Ah(Level::kUse)}}));
}

TEST_F(CgroupMemoryTest, AnotherBootOrNamespaceHasOtherCgroups) {
  ASSERT_TRUE(Start().rules.Set({"/a", Ah(Level::kUse)}).ok());
  EXPECT_TRUE(
      Start({}, {.boot = "b-boot", .network_namespace = 7}).All().empty());
  EXPECT_TRUE(
      Start({}, {.boot = "a-boot", .network_namespace = 8}).All().empty());
  EXPECT_EQ(Start().All().size(), 1u);
}

TEST_F(CgroupMemoryTest, ADamagedFileIsRefusedWithAdvice) {
  ASSERT_TRUE(Start().rules.Set({"/a", Ah(Level::kRequire)}).ok());
  const std::string sound = Content();
  std::vector<std::string> damaged = {"", sound.substr(0, sound.size() - 1),
                                      sound + " "};
  for (std::size_t i = 0; i < sound.size(); ++i) {
    damaged.push_back(sound);
    damaged.back()[i] = static_cast<char>(sound[i] ^ 1);
  }
  for (const std::string& content : damaged) {
    Replace(content);
    const Daemon daemon = Start();
    ASSERT_FALSE(daemon.resumed.ok()) << content;
    EXPECT_EQ(daemon.resumed.error().code, ErrorCode::kInvalid);
    EXPECT_NE(daemon.resumed.error().message.find("delete the file"),
              std::string::npos);
    EXPECT_EQ(Content(), content);
  }
  Replace(sound);
  EXPECT_EQ(Start().All().size(), 1u);
}

TEST_F(CgroupMemoryTest, AFileThatOthersMayTouchIsRefused) {
  ASSERT_TRUE(Start().rules.Set({"/a", Ah(Level::kRequire)}).ok());
  ASSERT_EQ(::chmod(file_.c_str(), 0660), 0);
  EXPECT_EQ(Start().resumed.error().code, ErrorCode::kForbidden);
  ASSERT_EQ(::chmod(file_.c_str(), 0600), 0);
  std::filesystem::rename(file_, file_ + ".moved");
  std::filesystem::create_symlink(file_ + ".moved", file_);
  EXPECT_FALSE(Start().resumed.ok());
}

TEST_F(CgroupMemoryTest, ARuleThatCannotBeRememberedIsRefused) {
  Daemon daemon = Start();
  ASSERT_TRUE(daemon.rules.Set({"/a", Ah(Level::kUse)}).ok());
  const std::string before = Content();
  // Nothing can be made in place of a directory that holds something.
  std::filesystem::create_directories(file_ + ".new/in");
  EXPECT_EQ(daemon.rules.Set({"/b", Ah(Level::kUse)}).error().code,
            ErrorCode::kSystem);
  EXPECT_FALSE(daemon.rules.Delete("/a").ok());
  EXPECT_EQ(daemon.All(), (Rules{{"/a", Ah(Level::kUse)}}));
  EXPECT_EQ(Content(), before);
}

TEST_F(CgroupMemoryTest, RulesThatCannotBindRefuseTheStart) {
  ASSERT_TRUE(Start().rules.Set({"/a", Ah(Level::kUse)}).ok());
  SystemPolicy system;
  CgroupRules rules(system, "", Error{ErrorCode::kUnsupported, "none here."});
  EXPECT_EQ(rules.Resume(CgroupMemory(file_, kLife)).error().message,
            "none here.");
}

}  // namespace
}  // namespace postern
