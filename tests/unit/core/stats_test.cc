// SPDX-License-Identifier: Apache-2.0

#include "core/stats.h"

#include <atomic>
#include <cstdint>
#include <set>
#include <string_view>
#include <thread>

#include "gtest/gtest.h"

namespace postern {
namespace {

TEST(WorkerStats, CountsEachThingByItself) {
  WorkerStats stats;
  stats.Add(Count::kOutboundPackets);
  stats.Add(Count::kOutboundOctets, 1400);
  stats.Add(Count::kOutboundOctets, 60);
  stats.Drop(DropReason::kBadIcv);
  stats.Drop(DropReason::kBadIcv);
  EXPECT_EQ(stats.of(Count::kOutboundPackets), 1U);
  EXPECT_EQ(stats.of(Count::kOutboundOctets), 1460U);
  EXPECT_EQ(stats.of(Count::kInboundPackets), 0U);
  EXPECT_EQ(stats.of(DropReason::kBadIcv), 2U);
  EXPECT_EQ(stats.of(DropReason::kNoSa), 0U);
}

TEST(WorkerStats, NamesEachCountOnce) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kCountCount; ++i) {
    const std::string_view name = NameOf(static_cast<Count>(i));
    EXPECT_FALSE(name.empty()) << i;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

TEST(WorkerStats, MayBeReadWhileItIsWritten) {
  constexpr std::uint64_t kTimes = 100'000;
  WorkerStats stats;
  std::thread worker([&stats] {
    for (std::uint64_t i = 0; i < kTimes; ++i) {
      stats.Add(Count::kInboundPackets);
    }
  });
  std::uint64_t last = 0;
  while (last < kTimes) {
    const std::uint64_t now = stats.of(Count::kInboundPackets);
    ASSERT_GE(now, last);
    last = now;
  }
  worker.join();
}

}  // namespace
}  // namespace postern
