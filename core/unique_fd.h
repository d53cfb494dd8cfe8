// SPDX-License-Identifier: Apache-2.0
//
// A UniqueFd owns one file descriptor and closes it.
//
//     UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
//     if (!socket.valid()) { ... errno tells why ... }
//
// Thread safety: Worker-confined: one owner at a time; move it to hand it on.

#ifndef POSTERN_CORE_UNIQUE_FD_H_
#define POSTERN_CORE_UNIQUE_FD_H_

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace postern {

class UniqueFd {
 public:
  // Owns nothing.
  UniqueFd() = default;

  // Takes over `fd`; a negative one (a failed system call) is nothing to own.
  explicit UniqueFd(int fd) : fd_(fd < 0 ? kNone : fd) {}

  ~UniqueFd() { reset(); }

  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}

  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      reset(other.release());
    }
    return *this;
  }

  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;

  bool valid() const { return fd_ != kNone; }

  // The descriptor, still owned; -1 when there is none.
  int get() const { return fd_; }

  // The descriptor, owned by the caller from now on; -1 when there is none.
  [[nodiscard]] int release() { return std::exchange(fd_, kNone); }

  // Closes what is owned and takes over `fd`. errno is left as it was, so that
  // an error path may close first and report afterwards.
  void reset(int fd = kNone) {
    const int old = std::exchange(fd_, fd < 0 ? kNone : fd);
    if (old == kNone || old == fd_) {
      return;
    }
    const int saved_errno = errno;
    ::close(old);  // Linux closes even on EINTR: never try again
    errno = saved_errno;
  }

 private:
  static constexpr int kNone = -1;

  int fd_ = kNone;
};

}  // namespace postern

#endif  // POSTERN_CORE_UNIQUE_FD_H_
