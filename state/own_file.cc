// SPDX-License-Identifier: Apache-2.0

#include "state/own_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace postern {

Status CheckOwn(const std::filesystem::path& path, int fd) {
  struct stat found {};

  if (::fstat(fd, &found) != 0) {
    return SystemError("looking at " + path.string(), errno);
  }
  if (!S_ISREG(found.st_mode) || found.st_uid != ::geteuid() ||
      (found.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Error{ErrorCode::kForbidden,
                 path.string() +
                     " must be a plain file of the user that posternd runs as, "
                     "with mode 0600"};
  }
  return Ok();
}

}  // namespace postern
