// SPDX-License-Identifier: Apache-2.0

#include "tests/support/memory_port.h"

#include <utility>

#include "gtest/gtest.h"

#include "tests/unit/wire/port_fixture.h"

namespace postern {
namespace {

class MemoryPortTest : public PortFixture {};

TEST_F(MemoryPortTest, WhatOneSendsTheOtherReceivesInOrder) {
  Send(*near_, {Numbered(1), Numbered(2, 100)});
  Send(*far_, {Numbered(3)});
  EXPECT_EQ(far_->waiting(), 2U);
  EXPECT_EQ(ReceiveAll(*far_),
            (std::vector<Octets>{Numbered(1), Numbered(2, 100)}));
  EXPECT_EQ(ReceiveAll(*near_), (std::vector<Octets>{Numbered(3)}));
}

TEST_F(MemoryPortTest, RefusesMoreThanItsMtu) {
  Send(*near_, {Octets(1501), Octets(1500)});
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 1U);
  EXPECT_EQ(far_->waiting(), 1U);
}

TEST_F(MemoryPortTest, RefusesMoreThanItsQueueHolds) {
  auto [left, right] = MemoryPort::MakePair({.queue_packets = 2});
  Send(*left, {Numbered(1), Numbered(2), Numbered(3)});
  EXPECT_EQ(stats_.of(DropReason::kPortBusy), 1U);
  EXPECT_EQ(right->waiting(), 2U);
}

TEST_F(MemoryPortTest, KeepsWhatThePoolHasNoBufferFor) {
  PacketPool one({.packets = 1, .payload = 2000});
  Send(*near_, {Numbered(1), Numbered(2)});
  Batch batch;
  EXPECT_EQ(far_->Receive(batch, one, stats_), 1U);
  batch.Clear();
  EXPECT_EQ(far_->Receive(batch, one, stats_), 1U);
  batch.Clear();
}

TEST_F(MemoryPortTest, DropsWhatThePoolHasNoRoomFor) {
  PacketPool small({.packets = 1, .payload = 39});
  Send(*near_, {Numbered(1)});
  Batch batch;
  EXPECT_EQ(far_->Receive(batch, small, stats_), 0U);
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 1U);
  EXPECT_EQ(far_->waiting(), 0U);
}

}  // namespace
}  // namespace postern
