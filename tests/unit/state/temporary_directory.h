// SPDX-License-Identifier: Apache-2.0
//
// A directory of one test's own, removed with everything in it.

#ifndef POSTERN_TESTS_UNIT_STATE_TEMPORARY_DIRECTORY_H_
#define POSTERN_TESTS_UNIT_STATE_TEMPORARY_DIRECTORY_H_

#include <cstdlib>
#include <filesystem>
#include <string>

namespace postern {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name =
        (std::filesystem::temp_directory_path() / "postern-test-XXXXXX");
    if (::mkdtemp(name.data()) == nullptr) {
      std::abort();
    }
    path_ = name;
  }

  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace postern

#endif  // POSTERN_TESTS_UNIT_STATE_TEMPORARY_DIRECTORY_H_
