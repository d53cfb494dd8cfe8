// SPDX-License-Identifier: Apache-2.0
//
// A directory of this test's own, as POSTERN_RUN_DIR; both vanish with it.

#ifndef POSTERN_TESTS_UNIT_CONTROL_TEMPORARY_DIRECTORY_H_
#define POSTERN_TESTS_UNIT_CONTROL_TEMPORARY_DIRECTORY_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "control/paths.h"

namespace postern {

class TemporaryRunDirectory {
 public:
  TemporaryRunDirectory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "postern.XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      std::abort();
    }
    path_ = pattern;
    ::setenv(kRunDirectoryVariable, path_.c_str(), 1);
  }

  ~TemporaryRunDirectory() {
    ::unsetenv(kRunDirectoryVariable);
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  TemporaryRunDirectory(const TemporaryRunDirectory&) = delete;
  TemporaryRunDirectory& operator=(const TemporaryRunDirectory&) = delete;

  const std::string& path() const { return path_; }

  UnixPath File(const std::string& name) const {
    return UnixPath(path_ + "/" + name);
  }

 private:
  std::string path_;
};

}  // namespace postern

#endif  // POSTERN_TESTS_UNIT_CONTROL_TEMPORARY_DIRECTORY_H_
