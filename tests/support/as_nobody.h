// SPDX-License-Identifier: Apache-2.0
//
// What an ordinary user is refused, in tests that run as root.
//
// Thread safety: Thread-safe.

#ifndef POSTERN_TESTS_SUPPORT_AS_NOBODY_H_
#define POSTERN_TESTS_SUPPORT_AS_NOBODY_H_

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>

#include "gtest/gtest.h"

namespace postern {

// Runs `call` in a thread whose effective user is nobody, without capabilities.
// Skips the test in a user namespace with one user, where nobody can become
// another.
inline void AsNobody(const std::function<void()>& call) {
  std::thread([&call] {
    constexpr int kNobody = 65534;
    // The raw call changes this thread only.
    const bool changed = ::syscall(SYS_setresuid, -1, kNobody, -1) == 0;
    if (!changed && errno == EINVAL) {
      GTEST_SKIP() << "this user namespace has one user only";
    }
    ASSERT_TRUE(changed);
    call();
  }).join();
}

}  // namespace postern

#endif  // POSTERN_TESTS_SUPPORT_AS_NOBODY_H_
