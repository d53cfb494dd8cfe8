// SPDX-License-Identifier: Apache-2.0
//
// A Deadline bounds a conversation of several system calls as a whole, however
// often signals interrupt it.
//
// This header needs no C++ runtime library (which is why it does not use
// core/clock.h); libpostern.so includes it.
//
// Thread safety: a plain value.

#ifndef POSTERN_CONTROL_DEADLINE_H_
#define POSTERN_CONTROL_DEADLINE_H_

#include <cstdint>
#include <ctime>

namespace postern {

class Deadline {
 public:
  static Deadline AfterMilliseconds(std::int64_t count) {
    return Deadline(NowMilliseconds() + count);
  }

  // Never negative; 0 says that the time is up.
  int remaining_ms() const {
    constexpr std::int64_t kLongest = 1'000'000'000;
    const std::int64_t left = at_ms_ - NowMilliseconds();
    return static_cast<int>(left < 0 ? 0 : left > kLongest ? kLongest : left);
  }

  // CLOCK_MONOTONIC.
  static std::int64_t NowMilliseconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
  }

 private:
  explicit Deadline(std::int64_t at_ms) : at_ms_(at_ms) {}

  std::int64_t at_ms_;
};

}  // namespace postern

#endif  // POSTERN_CONTROL_DEADLINE_H_
