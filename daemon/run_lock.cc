// SPDX-License-Identifier: Apache-2.0

#include "daemon/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <array>
#include <cerrno>
#include <string>

#include "control/paths.h"

namespace postern {
namespace {

std::string ReadHolder(int file) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  std::string holder(text.data(),
                     size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::size_t end = holder.find_first_not_of("0123456789");
  holder.resize(end == std::string::npos ? holder.size() : end);
  return holder.empty() ? "of unknown number" : holder;
}

}  // namespace

Result<RunLock> RunLock::Take(std::string_view host) {
  const std::string path =
      std::string(HostDirectory(host).view()) + "/posternd.pid";
  constexpr mode_t kMode = 0644;
  UniqueFd file(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode));
  if (!file.valid()) {
    return SystemError("opening " + path, errno);
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return SystemError("locking " + path, errno);
    }
    return Error{ErrorCode::kExists,
                 "the host \"" + std::string(host) +
                     "\" has a daemon already (process " +
                     ReadHolder(file.get()) +
                     "): stop it first, or give this host another name."};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.get(), 0) != 0 ||
      ::pwrite(file.get(), pid.data(), pid.size(), 0) < 0) {
    return SystemError("writing " + path, errno);
  }
  return RunLock(std::move(file));
}

}  // namespace postern
