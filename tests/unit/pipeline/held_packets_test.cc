// SPDX-License-Identifier: Apache-2.0

#include "pipeline/held_packets.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/packet/packet_pool.h"

namespace postern {
namespace {

class HeldPacketsTest : public ::testing::Test {
 protected:
  HeldPackets::Ticket Ticket() const {
    FlowKey flow;
    flow.local = IpAddress::Parse("10.9.1.1").value();
    flow.remote = IpAddress::Parse("10.9.2.1").value();
    return {AcquireId{1}, flow, Need::Cause::kOwn};
  }

  Packet Any() { return pool_.Copy(std::vector<std::uint8_t>(20)); }

  PacketPool pool_{{.packets = 16, .payload = 64}};
  WorkerStats stats_;
  HeldPackets held_{{.per_acquire = 2, .per_peer = 2, .in_all = 2}, stats_};
  Instant now_{std::chrono::hours(1)};
};

TEST_F(HeldPacketsTest, PushTheOldestOutWhereThereAreTooMany) {
  for (int i = 0; i < 3; ++i) {
    held_.Hold(Any(), Ticket(), now_);
  }
  EXPECT_EQ(held_.size(), 2U);
  EXPECT_EQ(stats_.of(DropReason::kHoldOverflow), 1U);
}

// Whoever walks over them stands on one, which must not go under its feet.
TEST_F(HeldPacketsTest, PushNobodyOutWhereOneComesBack) {
  for (int i = 0; i < 2; ++i) {
    held_.Hold(Any(), Ticket(), now_);
  }
  HeldPackets::Position at = held_.begin();
  Packet taken = held_.Take(at);
  held_.Requeue(Any(), Ticket(), now_);
  held_.Requeue(std::move(taken), Ticket(), now_);
  EXPECT_EQ(at, held_.begin());
  EXPECT_EQ(held_.size(), 3U);
  EXPECT_EQ(stats_.of(DropReason::kHoldOverflow), 0U);
  EXPECT_EQ(stats_.of(Count::kOutboundHeld), 2U);
}

}  // namespace
}  // namespace postern
