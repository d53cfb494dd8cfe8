#include "core/seq/replay_window.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <utility>

#include "gtest/gtest.h"

namespace postern {

class AuthProofTestPeer {
 public:
  static AuthProof Make() { return {}; }
};

namespace {

using Numbers = ReplayWindow::Numbers;

// What happens to a packet with this number, had it been authentic.
bool Accept(ReplayWindow& window, std::uint32_t wire_seq) {
  Result<ReplayTicket> ticket = window.Check(wire_seq);
  return ticket.ok() &&
         window.Commit(std::move(ticket).value(), AuthProofTestPeer::Make())
             .ok();
}

TEST(ReplayWindow, RefusesZero) {
  ReplayWindow window(64, Numbers::k32Bit);
  EXPECT_EQ(window.Check(0).error(), Error::kSequenceZero);
}

TEST(ReplayWindow, CheckAloneChangesNothing) {
  ReplayWindow window(64, Numbers::k32Bit);
  EXPECT_TRUE(window.Check(1000).ok());
  EXPECT_EQ(window.highest(), 0u);
  EXPECT_TRUE(Accept(window, 1));
}

TEST(ReplayWindow, AcceptsBothEdgesOnce) {
  ReplayWindow window(64, Numbers::k32Bit);
  EXPECT_TRUE(Accept(window, 100));
  EXPECT_TRUE(Accept(window, 37));  // 100 - 64 + 1: the oldest that fits
  EXPECT_FALSE(Accept(window, 37));
  EXPECT_EQ(window.Check(36).error(), Error::kReplayTooOld);
}

TEST(ReplayWindow, OfTwoTicketsForOneNumberOneWins) {
  ReplayWindow window(64, Numbers::k32Bit);
  Result<ReplayTicket> first = window.Check(7);
  Result<ReplayTicket> second = window.Check(7);
  EXPECT_TRUE(
      window.Commit(std::move(first).value(), AuthProofTestPeer::Make()).ok());
  EXPECT_EQ(window.Commit(std::move(second).value(), AuthProofTestPeer::Make())
                .error(),
            Error::kReplayDuplicate);
}

TEST(ReplayWindow, InfersTheUpperHalfAcrossTheBoundary) {
  ReplayWindow window(64, Numbers::kExtended);
  EXPECT_TRUE(Accept(window, 0xffffffffu));
  EXPECT_EQ(window.Check(0).value().seq(),
            0x1'0000'0000u);  // low half zero is legal here
  EXPECT_TRUE(Accept(window, 3));
  EXPECT_EQ(window.highest(), 0x1'0000'0003u);
  EXPECT_EQ(window.Check(0xfffffff0u).value().seq(),
            0xfffffff0u);  // late, previous subspace
  EXPECT_FALSE(Accept(window, 0xffffffffu));
}

// The window against its definition: the set of everything accepted.
TEST(ReplayWindow, AgreesWithTheDefinition) {
  for (const std::uint32_t size : {64u, 128u, 1024u}) {
    ReplayWindow window(size, Numbers::k32Bit);
    std::set<std::uint32_t> accepted;
    std::uint32_t highest = 0;
    std::mt19937 random(size);
    const auto below = [&random](std::uint32_t limit) {
      return static_cast<std::uint32_t>(random() % limit);
    };

    for (int i = 0; i < 200'000; ++i) {
      const std::uint32_t ahead = highest + below(below(100) == 0 ? 5000 : 40);
      const std::uint32_t back = below(2 * size);
      const std::uint32_t seq = ahead > back ? ahead - back : 0;

      const bool fits = seq > highest || highest - seq < size;
      const bool expected = seq != 0 && fits && !accepted.contains(seq);
      ASSERT_EQ(Accept(window, seq), expected) << size << ": " << seq;

      if (expected) {
        accepted.insert(seq);
        highest = std::max(highest, seq);
      }
    }
  }
}

}  // namespace
}  // namespace postern
