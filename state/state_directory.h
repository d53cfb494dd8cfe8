// SPDX-License-Identifier: Apache-2.0
//
// The directory that holds what survives the daemon: private (0700), made when
// it is missing, and held by one process at a time through a lock on its file
// `lock`. The kernel gives the lock back however the process ends.
//
// Thread safety: Control-confined.

#ifndef POSTERN_STATE_STATE_DIRECTORY_H_
#define POSTERN_STATE_STATE_DIRECTORY_H_

#include <filesystem>
#include <utility>

#include "core/error.h"
#include "core/unique_fd.h"

namespace postern {

class StateDirectory {
 public:
  // Errors: kSystem (cannot be made or is no directory), kForbidden (others may
  // write to it), kUnavailable (held by someone).
  static Result<StateDirectory> Hold(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }

  // Makes new and renamed entries survive a power loss. Errors: kSystem.
  Status Flush() const;

 private:
  StateDirectory(std::filesystem::path path, UniqueFd lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::filesystem::path path_;
  UniqueFd lock_;
};

// Writes the file's (or directory's) content to the disk. Errors: kSystem.
Status FlushToDisk(const std::filesystem::path& path);

}  // namespace postern

#endif  // POSTERN_STATE_STATE_DIRECTORY_H_
