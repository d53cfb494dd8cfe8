// SPDX-License-Identifier: Apache-2.0
//
// The states of RFC 4861 7.3, with times that the test gives.

#include "wire/neighbours.h"

#include <chrono>
#include <cstdint>

#include "gtest/gtest.h"

#include "tests/unit/wire/ethernet_frames.h"

namespace postern {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Occasion = Neighbours::Report::Occasion;
using Claim = Neighbours::Report::Claim;
using Frames = Neighbours::Frames;

constexpr Instant At(double time) {
  return Instant(milliseconds(static_cast<std::int64_t>(time * 1000)));
}

Neighbours::Frame Frame(std::uint8_t number) {
  return Neighbours::Frame(60, number);
}

class NeighboursTest : public testing::Test {
 protected:
  Frames Answers(const IpAddress& who, const MacAddress& at, Instant now,
                 Claim claim = Claim::kReplaces) {
    return neighbours_.Learn({.neighbour = who,
                              .mac = at,
                              .occasion = Occasion::kAnswered,
                              .claim = claim},
                             now);
  }

  Frames IsHeard(const IpAddress& who, const MacAddress& at, Instant now,
                 Claim claim = Claim::kReplaces) {
    return neighbours_.Learn({.neighbour = who,
                              .mac = at,
                              .occasion = Occasion::kHeard,
                              .claim = claim},
                             now);
  }

  // He answers at once.
  void MakeKnown(const IpAddress& who, Instant now) {
    neighbours_.Find(who, now);
    Answers(who, kNeighbour, now);
  }

  void ExpectWay(const IpAddress& who, Instant now, const MacAddress& mac,
                 Instant until) {
    const Neighbours::Answer answer = neighbours_.Find(who, now);
    EXPECT_FALSE(answer.question);
    ASSERT_TRUE(answer.way);
    EXPECT_EQ(answer.way->mac, mac);
    EXPECT_EQ(answer.way->until, until);
  }

  // The way goes on while he alone is asked.
  void ExpectQuestionToHim(const IpAddress& who, Instant now,
                           const MacAddress& mac) {
    const Neighbours::Answer answer = neighbours_.Find(who, now);
    ASSERT_TRUE(answer.question);
    EXPECT_EQ(answer.question->target, who);
    EXPECT_EQ(answer.question->to, mac);
    ASSERT_TRUE(answer.way);
    EXPECT_EQ(answer.way->mac, mac);
    EXPECT_EQ(answer.way->until, now + seconds(1));
  }

  void ExpectQuestionToAll(const IpAddress& who, Instant now) {
    const Neighbours::Answer answer = neighbours_.Find(who, now);
    ASSERT_TRUE(answer.question);
    EXPECT_EQ(answer.question->target, who);
    EXPECT_FALSE(answer.question->to);
    EXPECT_FALSE(answer.way);
  }

  // Tick() asks for him, and drops nothing.
  void ExpectAskedAgain(const IpAddress& who, Instant now,
                        const std::optional<MacAddress>& to) {
    EXPECT_EQ(neighbours_.NextDue(), now);
    EXPECT_TRUE(neighbours_.Tick(now - milliseconds(1)).questions.empty());
    const Neighbours::Lapse lapse = neighbours_.Tick(now);
    ASSERT_EQ(lapse.questions.size(), 1U);
    EXPECT_EQ(lapse.questions[0].target, who);
    EXPECT_EQ(lapse.questions[0].to, to);
    EXPECT_EQ(lapse.dropped, 0U);
    EXPECT_TRUE(neighbours_.Tick(now).questions.empty());
  }

  const IpAddress he_ = Ip("192.0.2.7");
  const IpAddress she_ = Ip("2001:db8::8");
  const IpAddress third_ = Ip("192.0.2.8");
  Neighbours neighbours_;
};

// RFC 4861 7.2.2
TEST_F(NeighboursTest, AsksAllForWhoIsNotKnownOnce) {
  EXPECT_EQ(neighbours_.NextDue(), std::nullopt);
  ExpectQuestionToAll(he_, At(0));
  const Neighbours::Answer again = neighbours_.Find(he_, At(0.5));
  EXPECT_FALSE(again.question);
  EXPECT_FALSE(again.way);
  EXPECT_EQ(again.dropped, 0U);
  ExpectQuestionToAll(she_, At(0.6));
  EXPECT_EQ(neighbours_.size(), 2U);
  EXPECT_EQ(neighbours_.NextDue(), At(1));
}

TEST_F(NeighboursTest, HoldsInOrderUntilTheAnswer) {
  neighbours_.Find(he_, At(0));
  neighbours_.Find(she_, At(0));
  EXPECT_EQ(neighbours_.Hold(he_, Frame(1)), 0U);
  EXPECT_EQ(neighbours_.Hold(she_, Frame(9)), 0U);
  EXPECT_EQ(neighbours_.Hold(he_, Frame(2)), 0U);
  EXPECT_EQ(neighbours_.Hold(he_, Frame(3)), 0U);
  EXPECT_EQ(Answers(he_, kNeighbour, At(0.1)),
            (Frames{Frame(1), Frame(2), Frame(3)}));
  EXPECT_EQ(Answers(he_, kNeighbour, At(0.2)), Frames());
  EXPECT_EQ(Answers(she_, kMoved, At(0.3)), Frames{Frame(9)});
  EXPECT_EQ(neighbours_.NextDue(), std::nullopt);
  EXPECT_EQ(neighbours_.changes(), 0U);
}

// RFC 4861 10: MAX_MULTICAST_SOLICIT, RETRANS_TIMER.
TEST_F(NeighboursTest, AsksThreeTimesASecondApartAndForgets) {
  neighbours_.Find(he_, At(0));
  neighbours_.Hold(he_, Frame(1));
  neighbours_.Hold(he_, Frame(2));
  ExpectAskedAgain(he_, At(1), std::nullopt);
  ExpectAskedAgain(he_, At(2), std::nullopt);
  EXPECT_EQ(neighbours_.NextDue(), At(3));
  EXPECT_EQ(neighbours_.Tick(At(2.999)).dropped, 0U);
  const Neighbours::Lapse lapse = neighbours_.Tick(At(3));
  EXPECT_TRUE(lapse.questions.empty());
  EXPECT_EQ(lapse.dropped, 2U);
  EXPECT_EQ(neighbours_.size(), 0U);
  EXPECT_EQ(neighbours_.NextDue(), std::nullopt);
  EXPECT_EQ(neighbours_.changes(), 0U);  // there was no way
  EXPECT_EQ(Answers(he_, kNeighbour, At(3.1)), Frames());
  ExpectQuestionToAll(he_, At(4));
}

// RFC 4861 10: REACHABLE_TIME; 7.3.2, PROBE.
TEST_F(NeighboursTest, IsReachableFor30SecondsAndThenAskedAlone) {
  neighbours_.Find(he_, At(0));
  Answers(he_, kNeighbour, At(0.5));
  ExpectWay(he_, At(0.5), kNeighbour, At(30.5));
  ExpectWay(he_, At(30.499), kNeighbour, At(30.5));
  EXPECT_EQ(neighbours_.NextDue(), std::nullopt);
  ExpectQuestionToHim(he_, At(30.5), kNeighbour);
  ExpectWay(he_, At(31), kNeighbour, At(31.5));
  EXPECT_EQ(neighbours_.NextDue(), At(31.5));
  Answers(he_, kNeighbour, At(31.2));
  EXPECT_EQ(neighbours_.NextDue(), std::nullopt);
  ExpectWay(he_, At(61.1), kNeighbour, At(61.2));
  EXPECT_EQ(neighbours_.changes(), 0U);
}

// RFC 4861 7.3.3
TEST_F(NeighboursTest, IsForgottenWhenHeAnswersNoMore) {
  MakeKnown(he_, At(0));
  ExpectQuestionToHim(he_, At(40), kNeighbour);
  ExpectAskedAgain(he_, At(41), kNeighbour);
  ExpectAskedAgain(he_, At(42), kNeighbour);
  ExpectWay(he_, At(42.5), kNeighbour, At(43));
  EXPECT_EQ(neighbours_.changes(), 0U);
  EXPECT_TRUE(neighbours_.Tick(At(43)).questions.empty());
  EXPECT_EQ(neighbours_.changes(), 1U);
  EXPECT_EQ(neighbours_.size(), 0U);
  ExpectQuestionToAll(he_, At(43));
}

// RFC 4861 7.2.5: without an address what is known is confirmed, and who is not
// known stays so.
TEST_F(NeighboursTest, AnAnswerWithoutAnAddressConfirmsTheKnownOne) {
  const Neighbours::Report bare{
      .neighbour = he_, .mac = std::nullopt, .occasion = Occasion::kAnswered};
  neighbours_.Find(he_, At(0));
  neighbours_.Hold(he_, Frame(1));
  EXPECT_EQ(neighbours_.Learn(bare, At(0.5)), Frames());
  EXPECT_EQ(neighbours_.NextDue(), At(1));
  EXPECT_EQ(Answers(he_, kNeighbour, At(0.6)), Frames{Frame(1)});
  ExpectQuestionToHim(he_, At(40), kNeighbour);
  neighbours_.Learn(bare, At(40.5));
  ExpectWay(he_, At(41), kNeighbour, At(70.5));
  EXPECT_EQ(neighbours_.changes(), 0U);
}

// RFC 4861 7.2.3, 7.2.5: what nobody asked for makes nobody REACHABLE.
TEST_F(NeighboursTest, WhatIsHeardIsUsedButAskedFor) {
  neighbours_.Find(he_, At(0));
  neighbours_.Hold(he_, Frame(1));
  EXPECT_EQ(IsHeard(he_, kNeighbour, At(0.2)), Frames{Frame(1)});
  EXPECT_EQ(neighbours_.NextDue(), std::nullopt);
  ExpectQuestionToHim(he_, At(0.3), kNeighbour);
  EXPECT_EQ(neighbours_.changes(), 0U);
}

TEST_F(NeighboursTest, WhatIsHeardOfTheSameAddressChangesNothing) {
  MakeKnown(he_, At(0));
  IsHeard(he_, kNeighbour, At(20));
  ExpectWay(he_, At(29), kNeighbour, At(30));
  ExpectQuestionToHim(he_, At(30), kNeighbour);
  IsHeard(he_, kNeighbour, At(30.5));  // no answer to the question
  EXPECT_EQ(neighbours_.NextDue(), At(31));
  EXPECT_EQ(neighbours_.changes(), 0U);
}

// So nobody on the link fills the memory.
TEST_F(NeighboursTest, OnlyWhoWasAskedForIsLearnt) {
  EXPECT_EQ(Answers(he_, kNeighbour, At(0)), Frames());
  EXPECT_EQ(IsHeard(she_, kNeighbour, At(0)), Frames());
  EXPECT_EQ(neighbours_.size(), 0U);
  EXPECT_EQ(neighbours_.Hold(he_, Frame(1)), 1U);
  ExpectQuestionToAll(he_, At(1));
}

// RFC 4861 7.2.5, Override set (ARP: RFC 826, "Packet Reception").
TEST_F(NeighboursTest, AnotherAddressThatReplacesEndsTheOldWay) {
  MakeKnown(he_, At(0));
  Answers(he_, kMoved, At(10));
  EXPECT_EQ(neighbours_.changes(), 1U);
  ExpectWay(he_, At(10), kMoved, At(40));
  IsHeard(he_, kNeighbour, At(11));
  EXPECT_EQ(neighbours_.changes(), 2U);
  ExpectQuestionToHim(he_, At(11), kNeighbour);
}

TEST_F(NeighboursTest, AnotherAddressWhileHeIsAskedIsAskedAnew) {
  MakeKnown(he_, At(0));
  ExpectQuestionToHim(he_, At(30), kNeighbour);
  ExpectAskedAgain(he_, At(31), kNeighbour);
  IsHeard(he_, kMoved, At(31.5));
  EXPECT_EQ(neighbours_.NextDue(), std::nullopt);
  ExpectQuestionToHim(he_, At(31.6), kMoved);
  ExpectAskedAgain(he_, At(32.6), kMoved);
  ExpectAskedAgain(he_, At(33.6), kMoved);
}

// RFC 4861 7.2.5, Override clear: REACHABLE becomes STALE, else nothing happens.
TEST_F(NeighboursTest, AnotherAddressThatCastsDoubtIsNotBelieved) {
  MakeKnown(he_, At(0));
  Answers(he_, kMoved, At(10), Claim::kCastsDoubt);
  EXPECT_EQ(neighbours_.changes(), 1U);
  ExpectQuestionToHim(he_, At(10), kNeighbour);
  Answers(he_, kMoved, At(10.1), Claim::kCastsDoubt);
  IsHeard(he_, kMoved, At(10.2), Claim::kCastsDoubt);
  EXPECT_EQ(neighbours_.changes(), 1U);
  EXPECT_EQ(neighbours_.NextDue(), At(11));
  Answers(he_, kNeighbour, At(10.3), Claim::kCastsDoubt);  // his own again
  ExpectWay(he_, At(10.4), kNeighbour, At(40.3));
  EXPECT_EQ(neighbours_.changes(), 1U);
}

TEST_F(NeighboursTest, WhoIsNotKnownIsLearntWithoutOverride) {
  neighbours_.Find(he_, At(0));
  Answers(he_, kNeighbour, At(0.5), Claim::kCastsDoubt);
  ExpectWay(he_, At(1), kNeighbour, At(30.5));
}

class FewNeighboursTest : public NeighboursTest {
 protected:
  FewNeighboursTest() { Allow(2); }

  void Allow(std::size_t entries) {
    Neighbours::Rules rules;
    rules.entries = entries;
    rules.held_each = 2;
    rules.held_in_all = 3;
    neighbours_ = Neighbours(rules);
  }
};

// RFC 6583 6.
TEST_F(FewNeighboursTest, WhoNeverAnsweredMakesRoomFirst) {
  MakeKnown(he_, At(0));
  neighbours_.Find(she_, At(0.5));
  neighbours_.Hold(she_, Frame(1));
  neighbours_.Hold(she_, Frame(2));
  const Neighbours::Answer answer = neighbours_.Find(third_, At(0.6));
  EXPECT_TRUE(answer.question);
  EXPECT_EQ(answer.dropped, 2U);
  EXPECT_EQ(neighbours_.size(), 2U);
  EXPECT_EQ(neighbours_.changes(), 0U);
  ExpectWay(he_, At(0.7), kNeighbour, At(30));
}

TEST_F(FewNeighboursTest, ThenWhoWasNotUsedForLongest) {
  MakeKnown(he_, At(0));
  MakeKnown(she_, At(1));
  ExpectWay(he_, At(2), kNeighbour, At(30));
  ExpectQuestionToAll(third_, At(3));
  EXPECT_EQ(neighbours_.changes(), 1U);  // her way ended before its time
  ExpectWay(he_, At(4), kNeighbour, At(30));
}

TEST_F(FewNeighboursTest, TheOldestOfOneNeighboursPacketsGoesFirst) {
  neighbours_.Find(he_, At(0));
  EXPECT_EQ(neighbours_.Hold(he_, Frame(1)), 0U);
  EXPECT_EQ(neighbours_.Hold(he_, Frame(2)), 0U);
  EXPECT_EQ(neighbours_.Hold(he_, Frame(3)), 1U);
  EXPECT_EQ(Answers(he_, kNeighbour, At(1)), (Frames{Frame(2), Frame(3)}));
}

TEST_F(FewNeighboursTest, HoldsSoManyInAllAndHasTheirRoomAgain) {
  Allow(3);
  neighbours_.Find(he_, At(0));
  neighbours_.Find(she_, At(0));
  EXPECT_EQ(neighbours_.Hold(he_, Frame(1)), 0U);
  EXPECT_EQ(neighbours_.Hold(he_, Frame(2)), 0U);
  EXPECT_EQ(neighbours_.Hold(she_, Frame(3)), 0U);
  EXPECT_EQ(neighbours_.Hold(she_, Frame(4)), 1U);
  EXPECT_EQ(Answers(he_, kNeighbour, At(0.5)), (Frames{Frame(1), Frame(2)}));
  EXPECT_EQ(neighbours_.Hold(she_, Frame(5)), 0U);
  for (const double time : {1.0, 2.0}) {
    EXPECT_EQ(neighbours_.Tick(At(time)).dropped, 0U);
  }
  EXPECT_EQ(neighbours_.Tick(At(3)).dropped, 2U);
  neighbours_.Find(third_, At(4));
  neighbours_.Find(she_, At(4));
  EXPECT_EQ(neighbours_.Hold(third_, Frame(6)), 0U);
  EXPECT_EQ(neighbours_.Hold(third_, Frame(7)), 0U);
  EXPECT_EQ(neighbours_.Hold(she_, Frame(8)), 0U);
}

}  // namespace
}  // namespace postern
