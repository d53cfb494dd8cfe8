// SPDX-License-Identifier: Apache-2.0

#include "policy/acquires.h"

#include <memory>
#include <set>
#include <string>

#include "tests/unit/policy/policy_world.h"

namespace postern {
namespace {

using Novelty = Acquires::Asked::Novelty;

class AcquiresTest : public PolicyWorld {
 protected:
  static Need NeedTo(std::string_view peer, Category category = Category::kAh) {
    Need need;
    need.category = category;
    need.source = Address(kHere);
    need.destination = Address(peer);
    need.flow = {need.source, need.destination, 80, 4711, 17};
    return need;
  }

  static Need NeedOfStranger(unsigned number) {
    Need need = NeedTo("198." + std::to_string(18 + number / 62'500) + "." +
                       std::to_string(number / 250 % 250) + "." +
                       std::to_string(1 + number % 250));
    need.cause = Need::Cause::kStranger;
    return need;
  }

  AcquireId Ask(const Need& need) {
    const auto asked = acquires_.Ask(need, now_);
    EXPECT_TRUE(asked.ok());
    return asked.ok() ? asked->id : AcquireId{};
  }

  DropReason RefusalOf(const Need& need) {
    const auto asked = acquires_.Ask(need, now_);
    EXPECT_FALSE(asked.ok());
    return asked.ok() ? DropReason::kForgotten : asked.error();
  }

  void Pass(Duration time) { now_ += time; }

  int calls_ = 0;
  const Acquires::Limits limits_;
  Acquires acquires_{[this] { ++calls_; }};
};

// PFK-49
TEST_F(AcquiresTest, AsksOnceForOneNeed) {
  const AcquireId id = Ask(NeedTo(kPeer));
  EXPECT_EQ(Ask(NeedTo(kPeer)), id);
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(acquires_.TakeNew().size(), 1U);
  EXPECT_TRUE(acquires_.TakeNew().empty());
}

TEST_F(AcquiresTest, KeepsNeedsApartThatNoOneSaCanMeet) {
  const Need plain = NeedTo(kPeer);
  Need owned = plain;
  owned.owner = SocketCookie{5};
  Need wishing = plain;
  wishing.wishes =
      std::make_shared<const SocketWishes>(SocketWishes{.least_key_bits = 256});
  const std::set<AcquireId> ids = {Ask(plain), Ask(owned), Ask(wishing),
                                   Ask(NeedTo("10.9.3.1")),
                                   Ask(NeedTo(kPeer, Category::kEspNetwork))};
  EXPECT_EQ(ids.size(), 5U);
}

TEST_F(AcquiresTest, MergesNeedsThatDifferInNothingThatBinds) {
  Need other = NeedTo(kPeer);
  other.flow.local_port = 81;
  other.wishes = std::make_shared<const SocketWishes>();
  EXPECT_EQ(Ask(other), Ask(NeedTo(kPeer)));
}

TEST_F(AcquiresTest, EndsWhatAnSaAnswers) {
  const AcquireId id = Ask(NeedTo(kPeer));
  Ask(NeedTo(kPeer, Category::kEspTransport));
  EXPECT_TRUE(acquires_.Settle(sadb_).empty());
  AddOutbound(Category::kAh);
  const std::vector<AcquireEnd> ends = acquires_.Settle(sadb_);
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(ends[0].acquire.id, id);
  EXPECT_EQ(ends[0].how, AcquireEnd::How::kAnswered);
  EXPECT_EQ(acquires_.size(), 1U);
}

TEST_F(AcquiresTest, LooksOnlyWhenAnSaOrAnAcquireIsNew) {
  Ask(NeedTo(kPeer));
  EXPECT_TRUE(acquires_.Settle(sadb_).empty());
  EXPECT_EQ(acquires_.settlings(), 1U);
  EXPECT_TRUE(acquires_.Settle(sadb_).empty());
  EXPECT_EQ(acquires_.settlings(), 1U);
  Ask(NeedTo(kPeer, Category::kEspTransport));
  EXPECT_TRUE(acquires_.Settle(sadb_).empty());
  EXPECT_EQ(acquires_.settlings(), 2U);
  AddOutbound(Category::kAh);
  EXPECT_EQ(acquires_.Settle(sadb_).size(), 1U);
  EXPECT_EQ(acquires_.settlings(), 3U);
  // One that an SA met before it was told, while nothing was watched.
  Ask(NeedTo(kPeer));
  EXPECT_EQ(acquires_.Settle(sadb_).size(), 1U);
}

TEST_F(AcquiresTest, IsNotAnsweredBySomebodyElsesSa) {  // API-19
  Need owned = NeedTo(kPeer);
  owned.owner = SocketCookie{5};
  Ask(owned);
  AddOutbound(Category::kAh);
  SaParameters sa = Parameters(Category::kAh, Direction::kOutbound);
  sa.owner = SocketCookie{6};
  Add(sa);
  EXPECT_TRUE(acquires_.Settle(sadb_).empty());
}

TEST_F(AcquiresTest, HoldsDownWhatWasRefused) {
  const AcquireId id = Ask(NeedTo(kPeer));
  const Result<AcquireEnd> end = acquires_.Refuse(id, now_);
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->how, AcquireEnd::How::kRefused);
  EXPECT_EQ(acquires_.Refuse(id, now_).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(RefusalOf(NeedTo(kPeer)), DropReason::kAcquireRefused);
  Pass(limits_.hold_down);
  EXPECT_NE(Ask(NeedTo(kPeer)), id);
}

TEST_F(AcquiresTest, GivesUpWhatNobodyAnswers) {
  const AcquireId id = Ask(NeedTo(kPeer));
  Pass(limits_.patience);
  EXPECT_EQ(RefusalOf(NeedTo(kPeer)), DropReason::kNoSa);
  const std::vector<AcquireEnd> ends = acquires_.Age(now_);
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(ends[0].how, AcquireEnd::How::kExpired);
  EXPECT_NE(Ask(NeedTo(kPeer)), id);
  EXPECT_FALSE(acquires_.Find(id));
}

TEST_F(AcquiresTest, RefusesUnknownOnesWithASentence) {
  const auto end = acquires_.Refuse(AcquireId{77}, now_);
  ASSERT_FALSE(end.ok());
  EXPECT_NE(end.error().message.find("77"), std::string::npos);
}

// API-16
TEST_F(AcquiresTest, StrangersGetAFewAtOnce) {
  std::size_t asked = 0;
  for (unsigned i = 0; i < 10'000; ++i) {
    asked += acquires_.Ask(NeedOfStranger(i), now_).ok() ? 1U : 0U;
  }
  EXPECT_EQ(asked, limits_.strangers.total.burst);
}

// API-16
TEST_F(AcquiresTest, StrangersGetNoMoreThanHalfOfTheRoom) {
  for (unsigned i = 0; i < 1'000; ++i) {
    Pass(limits_.strangers.total.refill);
    (void)acquires_.Ask(NeedOfStranger(250 * i), now_);
  }
  EXPECT_EQ(acquires_.size(), limits_.waiting / 2);
  EXPECT_TRUE(acquires_.Ask(NeedTo(kPeer), now_).ok());
}

// API-16: a datagram server at USE answers strangers as well.
TEST_F(AcquiresTest, NoSocketGetsMoreThanAQuarter) {
  for (unsigned i = 0; i < 1'000; ++i) {
    Pass(limits_.own.prefix.refill);
    Need need = NeedOfStranger(i);
    need.cause = Need::Cause::kOwn;
    need.asker = SocketCookie{5};
    (void)acquires_.Ask(need, now_);
  }
  EXPECT_EQ(acquires_.size(), limits_.waiting / 4);
  Need other = NeedTo(kPeer);
  other.asker = SocketCookie{6};
  EXPECT_TRUE(acquires_.Ask(other, now_).ok());
  Pass(limits_.patience);
  acquires_.Age(now_);
  EXPECT_EQ(acquires_.size(), 0U);
  EXPECT_TRUE(acquires_.Ask(NeedOfStranger(1), now_).ok());
}

TEST_F(AcquiresTest, OnePrefixCannotTakeEverything) {
  std::size_t asked = 0;
  for (unsigned i = 0; i < 200; ++i) {
    asked += acquires_.Ask(NeedOfStranger(i), now_).ok() ? 1U : 0U;
  }
  EXPECT_EQ(asked, limits_.strangers.prefix.burst);
  Need elsewhere = NeedTo("203.0.113.1");
  elsewhere.cause = Need::Cause::kStranger;
  EXPECT_TRUE(acquires_.Ask(elsewhere, now_).ok());
}

TEST_F(AcquiresTest, KeepsNoMoreThanItsLimit) {
  Acquires few(nullptr, {.waiting = 2});
  EXPECT_TRUE(few.Ask(NeedTo("10.9.2.1"), now_).ok());
  EXPECT_TRUE(few.Ask(NeedTo("10.9.2.2"), now_).ok());
  const auto third = few.Ask(NeedTo("10.9.2.3"), now_);
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error(), DropReason::kAcquireLimited);
}

}  // namespace
}  // namespace postern
