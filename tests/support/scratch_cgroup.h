// SPDX-License-Identifier: Apache-2.0
//
// A cgroup (version 2) that a test owns: it is made at the root of the machine's
// hierarchy, and gone with this object. made() is false where the machine lets
// us have none: skip then.
//
//     ScratchCgroup cgroup;
//     if (!cgroup.made()) GTEST_SKIP();
//     const auto inside = cgroup.Enter();   // until it goes, this process is in
//     ::socket(...);
//
// Thread safety: moves the whole process.

#ifndef POSTERN_TESTS_SUPPORT_SCRATCH_CGROUP_H_
#define POSTERN_TESTS_SUPPORT_SCRATCH_CGROUP_H_

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "core/flow/cgroup.h"

namespace postern {

class ScratchCgroup {
 public:
  explicit ScratchCgroup(const std::string& name = "test")
      : mount_(FindMount()),
        path_("/postern-" + name + "-" + std::to_string(::getpid())) {
    made_ = !mount_.empty() && ::mkdir(directory().c_str(), 0755) == 0;
  }

  ~ScratchCgroup() { Remove(); }

  ScratchCgroup(const ScratchCgroup&) = delete;
  ScratchCgroup& operator=(const ScratchCgroup&) = delete;

  bool made() const { return made_; }

  const std::string& mount() const { return mount_; }

  const std::string& path() const { return path_; }

  std::string directory() const { return mount_ + path_; }

  // The number by which the kernel calls it: its directory's.
  CgroupId id() const {
    struct stat about {};

    EXPECT_EQ(::stat(directory().c_str(), &about), 0);
    return CgroupId{about.st_ino};
  }

  void Remove() {
    if (made_) {
      EXPECT_EQ(::rmdir(directory().c_str()), 0);
      made_ = false;
    }
  }

  class Stay {
   public:
    explicit Stay(const ScratchCgroup& cgroup) : mount_(cgroup.mount()) {
      std::ifstream file("/proc/self/cgroup");
      std::string line;
      while (std::getline(file, line)) {
        if (line.starts_with("0::")) {
          home_ = line.substr(3);
        }
      }
      Move(cgroup.path());
    }

    ~Stay() { Move(home_); }

    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;

   private:
    void Move(const std::string& path) {
      std::ofstream file(mount_ + path + "/cgroup.procs");
      file << "0" << std::flush;
      EXPECT_TRUE(file.good()) << path;
    }

    std::string mount_;
    std::string home_;
  };

  Stay Enter() const { return Stay(*this); }

 private:
  static std::string FindMount() {
    std::ifstream file("/proc/self/mounts");
    std::string line;
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::string device;
      std::string directory;
      std::string type;
      words >> device >> directory >> type;
      if (type == "cgroup2") {
        return directory;
      }
    }
    return {};
  }

  std::string mount_;
  std::string path_;
  bool made_ = false;
};

}  // namespace postern

#endif  // POSTERN_TESTS_SUPPORT_SCRATCH_CGROUP_H_
