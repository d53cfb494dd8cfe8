// SPDX-License-Identifier: Apache-2.0

#include "state/state_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace postern {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;

std::string Named(const std::filesystem::path& path) {
  return "state directory " + path.string();
}

Status MakeIfMissing(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) != 0) {
    return errno == EEXIST
               ? Ok()
               : Status(SystemError(Named(path) + " cannot be made", errno));
  }
  // The new entry lies in the parent: without this a power loss takes the
  // directory away, and the next run would start anew.
  const std::filesystem::path parent =
      std::filesystem::absolute(path).lexically_normal().parent_path();
  return FlushToDisk(parent);
}

Status CheckPrivate(const std::filesystem::path& path) {
  struct stat found {};

  if (::stat(path.c_str(), &found) != 0) {
    return SystemError(Named(path) + " cannot be looked at", errno);
  }
  if (!S_ISDIR(found.st_mode)) {
    return Error{ErrorCode::kSystem,
                 Named(path) +
                     " is not a directory; name one, or a path that "
                     "does not exist yet"};
  }
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Error{ErrorCode::kForbidden,
                 Named(path) +
                     " can be written to by others; make it "
                     "private with chmod 700"};
  }
  return Ok();
}

}  // namespace

Status FlushToDisk(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid() || ::fsync(file.get()) != 0) {
    return SystemError(path.string() + " cannot be flushed to the disk", errno);
  }
  return Ok();
}

Result<StateDirectory> StateDirectory::Hold(const std::filesystem::path& path) {
  if (Status made = MakeIfMissing(path); !made.ok()) {
    return made.error();
  }
  if (Status checked = CheckPrivate(path); !checked.ok()) {
    return checked.error();
  }
  const std::filesystem::path file = path / "lock";
  UniqueFd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                       kFileMode));
  if (!lock.valid()) {
    return SystemError(Named(path) + " cannot be written to", errno);
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Error{ErrorCode::kUnavailable,
                   Named(path) +
                       " is held by another daemon; stop that one or "
                       "name another directory"};
    }
    return SystemError(Named(path) + " cannot be locked", errno);
  }
  return StateDirectory(path, std::move(lock));
}

Status StateDirectory::Flush() const {
  return FlushToDisk(path_);
}

}  // namespace postern
