// SPDX-License-Identifier: Apache-2.0
//
// The oracle is /proc/self/cgroup.

#include "cli/cgroup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "tests/support/scratch_cgroup.h"

namespace postern {
namespace {

using ::testing::HasSubstr;

TEST(CgroupName, IsOneDirectorys) {
  for (const char* name : {"x", "a.b-c_d", "web server"}) {
    EXPECT_TRUE(IsCgroupName(name)) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"),
        std::string("/a"), std::string("cgroup.procs"), std::string("a\nb"),
        std::string(256, 'a')}) {
    EXPECT_FALSE(IsCgroupName(name)) << name;
  }
}

TEST(Cgroup, IsMadeOnceAndEntered) {
  const ScratchCgroup cgroup;
  if (!cgroup.made()) {
    GTEST_SKIP() << "no cgroup2 hierarchy that we may write to";
  }
  const std::string name = cgroup.path().substr(1);
  EXPECT_TRUE(MakeCgroup(name).ok());  // it is there
  const pid_t child = ::fork();
  if (child == 0) {
    const bool entered = EnterCgroup(name).ok();
    std::ifstream file("/proc/self/cgroup");
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    const bool inside =
        text.find("0::" + cgroup.path() + "\n") != std::string::npos;
    ::_exit(entered && inside ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// In another namespace one path names two cgroups.
TEST(Cgroup, IsTheOneThatTheDaemonMeans) {
  const ScratchCgroup cgroup;
  if (!cgroup.made()) {
    GTEST_SKIP() << "no cgroup2 hierarchy that we may write to";
  }
  const std::string name = cgroup.path().substr(1);
  const std::string id =
      std::to_string(static_cast<std::uint64_t>(cgroup.id()));
  const auto check = [&](const std::string& members) {
    return CheckIsDaemons(
        name, R"({"cgroups":[{"path":"/other","id":7},{"path":"/)" + name +
                  "\"" + members + "}]}");
  };
  EXPECT_TRUE(check(",\"id\":" + id).ok());
  EXPECT_TRUE(CheckIsDaemons(name, R"({"cgroups":[]})").ok());
  for (const char* other : {",\"id\":7", ""}) {
    const Status refused = check(other);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
    EXPECT_THAT(refused.error().message, HasSubstr("namespaces of posternd"));
  }
}

TEST(Cgroup, SaysWhatIsNeededToMakeOne) {
  std::thread([] {
    constexpr int kNobody = 65534;
    // The raw call changes this thread only.
    if (::syscall(SYS_setresuid, -1, kNobody, -1) != 0) {
      GTEST_SKIP() << "this process cannot become nobody";
    }
    const Status refused = MakeCgroup("postern-never");
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().message,
                testing::AnyOf(HasSubstr("this needs root"),
                               HasSubstr("no cgroup2 hierarchy")));
  }).join();
}

}  // namespace
}  // namespace postern
