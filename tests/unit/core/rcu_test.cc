// SPDX-License-Identifier: Apache-2.0

#include "core/rcu.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace postern {
namespace {

// A value that a reader would catch being destroyed.
struct Pair {
  explicit Pair(std::uint64_t value) : first(value), second(~value) {}

  ~Pair() {
    first = 0;
    second = 0;
  }

  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  std::uint64_t first;
  std::uint64_t second;
};

TEST(Rcu, SynchronizesWithoutAnyReader) {
  RcuSynchronize();
}

TEST(Rcu, SynchronizesFromAReaderItself) {
  RcuReader reader;
  RcuSynchronize();
  reader.Quiescent();
}

TEST(Rcu, SynchronizesFromAReaderThatIsOffline) {
  RcuReader reader;
  reader.Offline();
  RcuSynchronize();
  reader.Online();
}

TEST(Rcu, DoesNotWaitForReadersThatAreOffline) {
  std::atomic<bool> offline = false;
  std::atomic<bool> done = false;
  std::thread other([&] {
    RcuReader reader;
    reader.Offline();
    offline = true;
    while (!done) {
      std::this_thread::yield();
    }
    reader.Online();
  });
  while (!offline) {
    std::this_thread::yield();
  }
  RcuSynchronize();
  done = true;
  other.join();
}

TEST(Rcu, WaitsForAReaderThatHasNotBeenQuiescent) {
  std::atomic<bool> reading = false;
  std::atomic<bool> synchronizing = false;
  std::atomic<bool> released = false;
  std::thread other([&] {
    RcuReader reader;
    reading = true;
    while (!synchronizing) {
      std::this_thread::yield();
    }
    for (int i = 0; i < 1000; ++i) {  // give a wrong answer time to show
      std::this_thread::yield();
    }
    released = true;
    reader.Quiescent();
    reader.Offline();
  });
  while (!reading) {
    std::this_thread::yield();
  }
  synchronizing = true;
  RcuSynchronize();
  EXPECT_TRUE(released);
  other.join();
}

TEST(Rcu, RunsDeferredActionsBeforeTheBarrierReturns) {
  std::uint64_t ran = 0;  // written by liburcu's thread alone
  for (int i = 0; i < 100; ++i) {
    RcuDefer([&ran] { ++ran; });
  }
  RcuBarrier();
  EXPECT_EQ(ran, 100U);
}

TEST(Rcu, WaitsForDeferredActionsFromAReaderItself) {
  RcuReader reader;
  bool ran = false;
  RcuDefer([&ran] { ran = true; });
  RcuBarrier();
  EXPECT_TRUE(ran);
  reader.Quiescent();
}

TEST(Rcu, ReleasesWhatADeferredActionHolds) {
  const auto held = std::make_shared<int>(1);
  RcuDefer([held] {});
  RcuBarrier();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Rcu, ReadersNeverSeeAReplacedValueDie) {
  constexpr std::uint64_t kReplacements = 300;
  RcuPointer<Pair> pointer(std::make_unique<const Pair>(0));
  std::atomic<bool> done = false;
  std::atomic<std::uint64_t> torn = 0;
  std::atomic<int> running = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      RcuReader reader;
      ++running;
      std::uint64_t last = 0;
      while (!done) {
        const Pair& pair = pointer.Read();
        torn += pair.first != ~pair.second || pair.first < last ? 1U : 0U;
        last = pair.first;
        reader.Quiescent();
      }
    });
  }
  while (running != 2) {
    std::this_thread::yield();
  }
  for (std::uint64_t i = 1; i <= kReplacements; ++i) {
    pointer.Replace(std::make_unique<const Pair>(i));
  }
  done = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(torn, 0U);
  EXPECT_EQ(pointer.Read().first, kReplacements);
}

TEST(RcuDeathTest, EndsTheProcessOnTwoReadersInOneThread) {
  EXPECT_DEATH(
      {
        RcuReader first;
        RcuReader second;
      },
      "");
}

}  // namespace
}  // namespace postern
