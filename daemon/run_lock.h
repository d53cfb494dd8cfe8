// SPDX-License-Identifier: Apache-2.0
//
// A RunLock makes one process the daemon of a host: a lock on
// <run directory>/<host>/posternd.pid, which holds our process id for people
// and goes with the process, however that ends.
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_RUN_LOCK_H_
#define POSTERN_DAEMON_RUN_LOCK_H_

#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/unique_fd.h"

namespace postern {

class RunLock {
 public:
  // REQUIRES: EnsureHostDirectory(host) went well.
  // Errors: kExists when another process has it; kSystem.
  static Result<RunLock> Take(std::string_view host);

 private:
  explicit RunLock(UniqueFd file) : file_(std::move(file)) {}

  UniqueFd file_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_RUN_LOCK_H_
