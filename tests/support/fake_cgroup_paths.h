// SPDX-License-Identifier: Apache-2.0
//
// A cgroup hierarchy that a test owns: it tells the paths that the test gave.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_TESTS_SUPPORT_FAKE_CGROUP_PATHS_H_
#define POSTERN_TESTS_SUPPORT_FAKE_CGROUP_PATHS_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "core/flow/cgroup.h"

namespace postern {

class FakeCgroupPaths : public CgroupPaths {
 public:
  void Make(CgroupId id, const std::string& path) { paths_[id] = path; }

  std::size_t questions() const { return questions_; }

  std::optional<std::string> PathOf(CgroupId id) override {
    ++questions_;
    const auto path = paths_.find(id);
    return path == paths_.end() ? std::nullopt : std::optional(path->second);
  }

 private:
  std::map<CgroupId, std::string> paths_;
  std::size_t questions_ = 0;
};

}  // namespace postern

#endif  // POSTERN_TESTS_SUPPORT_FAKE_CGROUP_PATHS_H_
