// SPDX-License-Identifier: Apache-2.0

#include "daemon/event_queue.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <thread>
#include <vector>

#include "daemon/worker_events.h"

namespace postern {
namespace {

TEST(EventQueue, KeepsOrderAndRefusesWhenFull) {
  EventQueue<int> queue(4);
  EXPECT_FALSE(queue.TryPop());
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(queue.TryPush(i));
    }
    EXPECT_FALSE(queue.TryPush(4));
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(queue.TryPop(), i);
    }
    EXPECT_FALSE(queue.TryPop());
  }
}

TEST(EventQueue, LosesAndDoublesNothingBetweenThreads) {
  constexpr int kEach = 20'000;
  constexpr int kThreads = 3;
  EventQueue<int> queue(64);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&queue, t] {
      for (int i = 0; i < kEach; ++i) {
        while (!queue.TryPush(t * kEach + i)) {
          std::this_thread::yield();
        }
      }
    });
  }
  std::vector<int> next(kThreads, 0);
  for (int taken = 0; taken < kThreads * kEach;) {
    if (const auto event = queue.TryPop()) {
      const auto from = static_cast<std::size_t>(*event / kEach);
      EXPECT_EQ(*event % kEach, next[from]++);  // each thread's own order
      ++taken;
    } else {
      std::this_thread::yield();
    }
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_FALSE(queue.TryPop());
}

SaEvent Event(SaEvent::Kind kind) {
  SaEvent event;
  event.kind = kind;
  return event;
}

bool IsReadable(int descriptor) {
  pollfd wanted{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, 0) == 1;
}

TEST(WorkerEvents, WakesForEachKindAndOnlyWhileThereIsSomething) {
  const auto events = WorkerEvents::Create();
  ASSERT_TRUE(events.ok());
  WorkerEvents& queue = **events;
  EXPECT_FALSE(IsReadable(queue.descriptor()));
  EXPECT_TRUE(queue.Post(Event(SaEvent::Kind::kReserveMore)));
  EXPECT_TRUE(IsReadable(queue.descriptor()));
  queue.Rearm();
  EXPECT_FALSE(IsReadable(queue.descriptor()));
  EXPECT_EQ(queue.NextSaEvent()->kind, SaEvent::Kind::kReserveMore);
  queue.Wake();
  EXPECT_TRUE(IsReadable(queue.descriptor()));
  queue.Rearm();
  queue.Audit({});
  EXPECT_TRUE(IsReadable(queue.descriptor()));
  EXPECT_TRUE(queue.NextAudit());
}

// DEF-38: a million forged packets must neither block nor fill anything.
TEST(WorkerEvents, CountsWhatAFloodLosesAndKeepsTheSasEvents) {
  const auto events = WorkerEvents::Create();
  ASSERT_TRUE(events.ok());
  WorkerEvents& queue = **events;
  for (int i = 0; i < 100'000; ++i) {
    queue.Audit({});
  }
  EXPECT_EQ(queue.lost(), 100'000u - 1024u);
  EXPECT_TRUE(queue.Post(Event(SaEvent::Kind::kHardExpired)));
  EXPECT_EQ(queue.NextSaEvent()->kind, SaEvent::Kind::kHardExpired);
}

}  // namespace
}  // namespace postern
