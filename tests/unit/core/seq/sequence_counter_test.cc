// SPDX-License-Identifier: Apache-2.0

#include "core/seq/sequence_counter.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace postern {
namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kLast32 = std::numeric_limits<std::uint32_t>::max();

// AH-06, AH-07, ESP-03
TEST(SequenceCounter, BeginsWithOneAndRisesByOne) {
  SequenceCounter counter(SequenceNumbers::k32Bit, 0, kAll);
  EXPECT_EQ(counter.last(), 0U);
  EXPECT_EQ(counter.Next().value(), 1U);
  EXPECT_EQ(counter.Next().value(), 2U);
  EXPECT_EQ(counter.last(), 2U);
}

// ESP-04, AH-08; DEF-19: no wrap, and it stays exhausted.
TEST(SequenceCounter, StopsAfterTheLast32BitNumber) {
  SequenceCounter counter(SequenceNumbers::k32Bit, kLast32 - 1, kAll);
  EXPECT_EQ(counter.Next().value(), kLast32);
  EXPECT_EQ(counter.Next().error(), DropReason::kSequenceExhausted);
  EXPECT_EQ(counter.Next().error(), DropReason::kSequenceExhausted);
  EXPECT_EQ(counter.last(), kLast32);
}

TEST(SequenceCounter, GoesOnBehind32BitsWhenExtendedAndStopsAfterTheLast64) {
  SequenceCounter counter(SequenceNumbers::kExtended, kLast32, kAll);
  EXPECT_EQ(counter.Next().value(), kLast32 + 1);
  SequenceCounter late(SequenceNumbers::kExtended, kAll - 1, kAll);
  EXPECT_EQ(late.Next().value(), kAll);
  EXPECT_EQ(late.Next().error(), DropReason::kSequenceExhausted);
}

// RPL-20: nothing beyond what is on disk.
TEST(SequenceCounter, UsesOnlyReservedNumbers) {
  SequenceCounter counter(SequenceNumbers::k32Bit, 10, 12);
  EXPECT_EQ(counter.Next().value(), 11U);
  EXPECT_EQ(counter.Next().value(), 12U);
  EXPECT_EQ(counter.Next().error(), DropReason::kSequenceNotReserved);
  counter.Reserve(13);
  EXPECT_EQ(counter.Next().value(), 13U);
  EXPECT_EQ(counter.Next().error(), DropReason::kSequenceNotReserved);
}

TEST(SequenceCounter, NeverLowersTheReservation) {
  SequenceCounter counter(SequenceNumbers::k32Bit, 0, 100);
  counter.Reserve(5);
  EXPECT_EQ(counter.reserved(), 100U);
  counter.Reserve(kAll);
  EXPECT_EQ(counter.reserved(), kLast32);
}

// RPL-21: a million numbers by four threads, none twice, while a fifth
// reserves them piece by piece.
TEST(SequenceCounter, GivesNoNumberTwiceToConcurrentSenders) {
  constexpr std::uint64_t kNumbers = 1'000'000;
  constexpr std::size_t kSenders = 4;
  SequenceCounter counter(SequenceNumbers::kExtended, 0, 0);
  std::vector<std::vector<std::uint64_t>> taken(kSenders);
  std::vector<std::thread> threads;
  for (std::vector<std::uint64_t>& mine : taken) {
    threads.emplace_back([&counter, &mine] {
      while (counter.last() < kNumbers) {
        const auto next = counter.Next();
        if (next.ok()) {
          mine.push_back(*next);
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  for (std::uint64_t bound = 0; bound <= kNumbers; bound += 1000) {
    counter.Reserve(bound);
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  std::vector<std::uint64_t> all;
  for (const std::vector<std::uint64_t>& mine : taken) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), kNumbers);
  for (std::uint64_t i = 0; i < kNumbers; ++i) {
    ASSERT_EQ(all[i], i + 1);
  }
}

}  // namespace
}  // namespace postern
