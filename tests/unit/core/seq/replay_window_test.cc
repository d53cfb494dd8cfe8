// SPDX-License-Identifier: Apache-2.0

#include "core/seq/replay_window.h"

#include <cstdint>
#include <utility>

#include "gtest/gtest.h"

#include "tests/support/auth_proof_test_peer.h"

namespace postern {
namespace {

constexpr auto k32Bit = SequenceNumbers::k32Bit;
constexpr auto kExtended = SequenceNumbers::kExtended;
constexpr std::uint64_t kSubspace = std::uint64_t{1} << 32;

// What happens to a packet with this number, had it been authentic.
bool Accept(ReplayWindow& window, std::uint32_t wire_seq) {
  Opinion<ReplayTicket> ticket = window.Check(wire_seq);
  return ticket.ok() &&
         window.Commit(std::move(ticket).value(), AuthProofTestPeer::Make())
             .ok();
}

ReplayWindow At(std::uint64_t highest, std::size_t size = 64) {
  return ReplayWindow(size, kExtended, ReplayCheck::kOn,
                      {highest, ReplayHistory::Older::kUnseen});
}

// RPL-10
TEST(ReplayWindow, RefusesZero) {
  const ReplayWindow window(64, k32Bit);
  EXPECT_EQ(window.Check(0).error(), DropReason::kReplayZero);
  EXPECT_EQ(ReplayWindow(64, kExtended).Check(0).error(),
            DropReason::kReplayZero);
}

// RPL-06: a forged packet far to the right moves nothing.
TEST(ReplayWindow, CheckAloneChangesNothing) {
  ReplayWindow window(64, k32Bit);
  EXPECT_TRUE(window.Check(1000).ok());
  EXPECT_EQ(window.highest(), 0U);
  EXPECT_TRUE(Accept(window, 1));
}

// RPL-05
TEST(ReplayWindow, AcceptsBothEdgesOnce) {
  for (const std::size_t size : {1U, 2U, 32U, 63U, 64U, 65U, 1000U, 65536U}) {
    ReplayWindow window(size, k32Bit);
    const auto top = static_cast<std::uint32_t>(size + 100);
    EXPECT_TRUE(Accept(window, top)) << size;
    EXPECT_EQ(window.Check(top).error(), DropReason::kReplayDuplicate) << size;
    EXPECT_EQ(window.Check(100).error(), DropReason::kReplayTooOld) << size;
    EXPECT_EQ(Accept(window, 101), size > 1) << size;  // top - size + 1
    EXPECT_EQ(window.Check(101).error(), DropReason::kReplayDuplicate) << size;
  }
}

// RPL-22; DEF-07: two copies in one batch both pass Check().
TEST(ReplayWindow, OfTwoTicketsForOneNumberOneWins) {
  ReplayWindow window(64, k32Bit);
  Opinion<ReplayTicket> first = window.Check(7);
  Opinion<ReplayTicket> second = window.Check(7);
  EXPECT_TRUE(
      window.Commit(std::move(first).value(), AuthProofTestPeer::Make()).ok());
  EXPECT_EQ(window.Commit(std::move(second).value(), AuthProofTestPeer::Make())
                .error(),
            DropReason::kReplayDuplicate);
}

TEST(ReplayWindow, RefusesATicketThatGrewOldMeanwhile) {
  ReplayWindow window(64, k32Bit);
  Opinion<ReplayTicket> early = window.Check(7);
  EXPECT_TRUE(Accept(window, 71));
  EXPECT_EQ(window.Commit(std::move(early).value(), AuthProofTestPeer::Make())
                .error(),
            DropReason::kReplayTooOld);
}

// RPL-11
TEST(ReplayWindow, InfersTheSameOrTheNextSubspaceInCaseA) {
  const ReplayWindow window = At(5 * kSubspace + 1000);
  EXPECT_EQ(window.Check(1001).value().seq(), 5 * kSubspace + 1001);
  EXPECT_EQ(window.Check(1000 - 63).value().seq(), 5 * kSubspace + 937);
  EXPECT_EQ(window.Check(1000 - 64).value().seq(), 6 * kSubspace + 936);
  EXPECT_EQ(window.Check(0).value().seq(), 6 * kSubspace);  // zero is legal
}

// RPL-12
TEST(ReplayWindow, InfersThePreviousOrTheSameSubspaceInCaseB) {
  const ReplayWindow window = At(5 * kSubspace + 10);
  EXPECT_EQ(window.Check(11).value().seq(), 5 * kSubspace + 11);
  EXPECT_EQ(window.Check(0).value().seq(), 5 * kSubspace);
  EXPECT_EQ(window.Check(0xffffffffU).value().seq(), 5 * kSubspace - 1);
  EXPECT_EQ(window.Check(0xffffffcbU).value().seq(), 5 * kSubspace - 53);
  EXPECT_EQ(window.Check(0xffffffcaU).value().seq(),
            5 * kSubspace + 0xffffffcaU);
}

TEST(ReplayWindow, CrossesTheBoundaryAndStillKnowsWhatItSaw) {
  ReplayWindow window = At(0xfffffff0U);
  EXPECT_TRUE(Accept(window, 0xffffffffU));
  EXPECT_TRUE(Accept(window, 3));
  EXPECT_EQ(window.highest(), kSubspace + 3);
  EXPECT_FALSE(Accept(window, 0xffffffffU));
  EXPECT_TRUE(Accept(window, 0xfffffffeU));
  EXPECT_EQ(window.highest(), kSubspace + 3);
}

// RPL-13: nothing precedes the first subspace.
TEST(ReplayWindow, RefusesWhatWouldPrecedeTheFirstSubspace) {
  const ReplayWindow fresh(64, kExtended);
  EXPECT_EQ(fresh.Check(0xffffffffU).error(), DropReason::kReplayTooOld);
  EXPECT_EQ(fresh.Check(0xffffffc1U).error(), DropReason::kReplayTooOld);
  EXPECT_EQ(fresh.Check(0xffffffc0U).value().seq(), 0xffffffc0U);
  const ReplayWindow young = At(62);
  EXPECT_EQ(young.Check(0xffffffffU).error(), DropReason::kReplayTooOld);
  const ReplayWindow older = At(63);
  EXPECT_EQ(older.Check(0xffffffffU).value().seq(), 0xffffffffU);
}

TEST(ReplayWindow, RefusesWhatWouldFollowTheLastSubspace) {
  const ReplayWindow window = At(0xffffffff'00001000U);
  EXPECT_EQ(window.Check(1).error(), DropReason::kReplayTooOld);
  EXPECT_TRUE(window.Check(0x1001).ok());
}

// After a restart what lies in the window may have been seen: none of it is
// taken again.
TEST(ReplayWindow, TakesNothingOldAfterARestart) {
  for (const std::size_t size : {1U, 64U, 100U, 65536U}) {
    const std::uint64_t highest = 3 * kSubspace + 77;
    ReplayWindow window(size, kExtended, ReplayCheck::kOn, {highest});
    for (std::uint64_t back = 0; back < size; ++back) {
      ASSERT_EQ(
          window.Check(static_cast<std::uint32_t>(highest - back)).error(),
          DropReason::kReplayDuplicate)
          << size << ": " << back;
    }
    EXPECT_TRUE(Accept(window, 78));
    EXPECT_TRUE(Accept(window, 80));
    EXPECT_TRUE(size == 1 || Accept(window, 79));
  }
}

TEST(ReplayWindow, MayStartWithOnlyTheHighestSeen) {
  ReplayWindow window = At(1000);
  EXPECT_EQ(window.Check(1000).error(), DropReason::kReplayDuplicate);
  EXPECT_TRUE(Accept(window, 999));
  EXPECT_TRUE(Accept(window, 937));
}

// RPL-09
TEST(ReplayWindow, RefusesNothingWhenCheckingIsOff) {
  ReplayWindow window(0, k32Bit, ReplayCheck::kOff);
  for (const std::uint32_t seq : {5U, 5U, 0U, 1000000U, 1U, 0xffffffffU}) {
    EXPECT_TRUE(Accept(window, seq)) << seq;
  }
  EXPECT_EQ(window.highest(), 0xffffffffU);
}

// DEF-08: the ICV covers the high half, checking or not.
TEST(ReplayWindow, InfersTheHighHalfWhenCheckingIsOff) {
  ReplayWindow window(0, kExtended, ReplayCheck::kOff, {0xfffffff0U});
  EXPECT_EQ(window.Check(5).value().seq(), kSubspace + 5);
  EXPECT_TRUE(Accept(window, 5));
  EXPECT_EQ(window.highest(), kSubspace + 5);
  EXPECT_EQ(window.Check(0xffffffffU).value().seq(), 0xffffffffU);
  EXPECT_EQ(window.Check(6).value().seq(), kSubspace + 6);
  // Far behind, where a window of 64 would already guess the next subspace.
  EXPECT_EQ(window.Check(0x90000000U).value().seq(), 0x90000000U);
  EXPECT_EQ(ReplayWindow(0, kExtended, ReplayCheck::kOff)
                .Check(0xffffffffU)
                .value()
                .seq(),
            0xffffffffU);
}

TEST(ReplayWindowDeathTest, EndsTheProcessOnASizeThatCannotBe) {
  EXPECT_DEATH(ReplayWindow(0, k32Bit), "");
  EXPECT_DEATH(ReplayWindow(ReplayWindow::kMaxSize + 1, k32Bit), "");
}

}  // namespace
}  // namespace postern
