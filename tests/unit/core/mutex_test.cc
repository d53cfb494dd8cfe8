// SPDX-License-Identifier: Apache-2.0

#include "core/mutex.h"

#include <chrono>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace postern {
namespace {

struct Counter {
  Mutex mutex;
  Condition changed;
  int value POSTERN_GUARDED_BY(mutex) = 0;
};

TEST(Mutex, LetsOneThreadInAtATime) {
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&counter] {
      for (int n = 0; n < 10'000; ++n) {
        const MutexLock lock(counter.mutex);
        ++counter.value;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const MutexLock lock(counter.mutex);
  EXPECT_EQ(counter.value, 40'000);
}

TEST(Condition, WakesAWaiterThatHoldsTheMutexAgain) {
  Counter counter;
  std::thread other([&counter] {
    const MutexLock lock(counter.mutex);
    counter.value = 7;
    counter.changed.NotifyAll();
  });
  {
    const MutexLock lock(counter.mutex);
    while (counter.value != 7) {
      counter.changed.Wait(counter.mutex);
    }
    EXPECT_EQ(counter.value, 7);
  }
  other.join();
}

TEST(Condition, ReturnsAtTheDeadline) {
  Counter counter;
  const MutexLock lock(counter.mutex);
  const Instant deadline = MonotonicNow() + std::chrono::milliseconds(5);
  while (MonotonicNow() < deadline) {
    counter.changed.WaitUntil(counter.mutex, deadline);
  }
  EXPECT_EQ(counter.value, 0);
}

}  // namespace
}  // namespace postern
