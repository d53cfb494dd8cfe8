// SPDX-License-Identifier: Apache-2.0
//
// What a table writes down, and what another one finds there afterwards.

#include "policy/socket_journal.h"

#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "policy/socket_table.h"
#include "tests/unit/policy/memory_journal.h"

namespace postern {
namespace {

constexpr SocketCookie kSocket{1};
constexpr SocketCookie kChild{2};
constexpr SocketCookie kOther{3};
constexpr Instant kStart;
constexpr Instant kLater = kStart + std::chrono::hours(1);

FlowKey KeyOf(std::uint16_t remote_port) {
  FlowKey key;
  key.local = IpAddress::Parse("fd00:9:1::1").value();
  key.remote = IpAddress::Parse("fd00:9:2::1").value();
  key.local_port = 80;
  key.remote_port = remote_port;
  key.protocol = Number(IpProtocol::kTcp);
  return key;
}

LevelSet Ah(Level level) {
  LevelSet levels;
  levels.Set(Category::kAh, level);
  return levels;
}

class WrittenDown : public ::testing::Test {
 protected:
  WrittenDown() { EXPECT_TRUE(before_.ResumeFrom(journal_, kStart).ok()); }

  // A daemon's death and its successor's first act.
  SocketTable& After() {
    EXPECT_TRUE(after_.ResumeFrom(journal_, kLater).ok());
    return after_;
  }

  std::shared_ptr<MemoryJournal> journal_ = std::make_shared<MemoryJournal>();
  SocketTable before_;
  SocketTable after_;
};

TEST_F(WrittenDown, ASocketsLevelsAreFoundAgain) {  // API-44
  const SocketPolicyRef policy = before_.Obtain(kSocket).value();
  policy->SetLevel(Category::kAh, Level::kRequire);
  policy->SetLevel(Category::kEspNetwork, Level::kUse);
  policy->SetLevel(Category::kAh, Level::kUnique);
  EXPECT_EQ(After().Find(kSocket)->levels(), policy->levels());
  EXPECT_EQ(after_.Strongest(), policy->levels());
  EXPECT_EQ(after_.sockets(), 1u);
}

TEST_F(WrittenDown, AChangeAfterResumingIsWrittenToo) {
  (void)before_.Obtain(kSocket);
  After().Find(kSocket)->SetLevel(Category::kAh, Level::kBypass);
  SocketTable third;
  ASSERT_TRUE(third.ResumeFrom(journal_, kLater).ok());
  EXPECT_EQ(third.Find(kSocket)->levels(), Ah(Level::kBypass));
}

TEST_F(WrittenDown, ALevelIsWrittenBeforeAnyPacketCanSeeIt) {  // API-30
  const SocketPolicyRef policy = before_.Obtain(kSocket).value();
  std::vector<LevelSet> seen;
  journal_->on_level = [&] { seen.push_back(policy->levels()); };
  policy->SetLevel(Category::kAh, Level::kRequire);
  policy->SetLevel(Category::kAh, Level::kNone);
  EXPECT_EQ(seen, (std::vector<LevelSet>{LevelSet(), Ah(Level::kRequire)}));
}

TEST_F(WrittenDown, AHalfOpenConnectionIsStillAdopted) {  // API-33
  (void)before_.Inherit(KeyOf(1), Ah(Level::kRequire), kStart);
  const SocketPolicyRef child = After().Adopt(kChild, KeyOf(1));
  ASSERT_NE(child, nullptr);
  EXPECT_EQ(child->levels(), Ah(Level::kRequire));
}

// Whether a handshake that was under way reopened an old connection is not
// written down.
TEST_F(WrittenDown, AnyConnectionMayBeReopenedForAWhile) {
  (void)before_.Obtain(kSocket);
  EXPECT_FALSE(before_.MayBeReopened(KeyOf(1), kStart));
  EXPECT_TRUE(After().MayBeReopened(KeyOf(1), kLater));
  EXPECT_FALSE(after_.MayBeReopened(KeyOf(1), kLater + SocketTable::kHalfOpen));
}

TEST_F(WrittenDown, AHalfOpenConnectionWaitsAnew) {
  (void)before_.Inherit(KeyOf(1), Ah(Level::kRequire), kStart);
  After().Age(kLater + SocketTable::kHalfOpen - Duration(1));
  EXPECT_EQ(after_.flows(), 1u);
  after_.Age(kLater + SocketTable::kHalfOpen);
  EXPECT_EQ(after_.flows(), 0u);
  EXPECT_EQ(journal_->size(), 0u);
}

TEST_F(WrittenDown, AnAdoptedConnectionKeepsCookieAndFlow) {
  (void)before_.Inherit(KeyOf(1), Ah(Level::kRequire), kStart);
  (void)before_.Adopt(kChild, KeyOf(1));
  EXPECT_EQ(After().Find(kChild)->levels(), Ah(Level::kRequire));
  EXPECT_EQ(after_.FindFlow(KeyOf(1)), after_.Find(kChild));
  EXPECT_EQ(after_.Adopt(kOther, KeyOf(1)), nullptr);
}

TEST_F(WrittenDown, TheLastFlowOfASocketIsRemembered) {
  (void)before_.Obtain(kSocket);
  before_.Remember(kSocket, KeyOf(1));
  before_.Remember(kSocket, KeyOf(2));
  EXPECT_EQ(After().FindFlow(KeyOf(1)), nullptr);
  EXPECT_EQ(after_.FindFlow(KeyOf(2)), after_.Find(kSocket));
}

TEST_F(WrittenDown, AForgottenFlowStaysForgotten) {
  (void)before_.Obtain(kSocket);
  before_.Remember(kSocket, KeyOf(1));
  before_.ForgetFlow(KeyOf(1));
  (void)before_.Inherit(KeyOf(2), Ah(Level::kUse), kStart);
  before_.ForgetFlow(KeyOf(2));
  EXPECT_EQ(After().flows(), 0u);
  EXPECT_NE(after_.Find(kSocket), nullptr);
}

TEST_F(WrittenDown, AFlowThatChangedItsOwnerHasOne) {
  (void)before_.Obtain(kSocket);
  (void)before_.Obtain(kOther);
  before_.Remember(kSocket, KeyOf(1));
  before_.Remember(kOther, KeyOf(1));
  (void)before_.Inherit(KeyOf(2), Ah(Level::kUse), kStart);
  before_.Remember(kSocket, KeyOf(2));
  After();
  EXPECT_EQ(after_.FindFlow(KeyOf(1)), after_.Find(kOther));
  EXPECT_EQ(after_.FindFlow(KeyOf(2)), after_.Find(kSocket));
  EXPECT_EQ(journal_->size(), 2u);
}

TEST_F(WrittenDown, ARepeatedSynLeavesOneRecord) {
  (void)before_.Inherit(KeyOf(1), Ah(Level::kRequire), kStart);
  (void)before_.Inherit(KeyOf(1), Ah(Level::kUse), kStart);
  EXPECT_EQ(journal_->size(), 1u);
  EXPECT_EQ(After().FindFlow(KeyOf(1))->levels(), Ah(Level::kUse));
}

TEST_F(WrittenDown, ARetiredSocketLingersAnew) {
  (void)before_.Obtain(kSocket);
  before_.Retire(kSocket, kStart);
  After().Age(kLater + SocketTable::kLinger - Duration(1));
  EXPECT_NE(after_.Find(kSocket), nullptr);
  after_.Age(kLater + SocketTable::kLinger);
  EXPECT_EQ(after_.Find(kSocket), nullptr);
  EXPECT_EQ(journal_->size(), 0u);
}

TEST_F(WrittenDown, NothingStaysOfWhatIsGone) {
  (void)before_.Obtain(kSocket);
  (void)before_.Inherit(KeyOf(1), Ah(Level::kUse), kStart);
  (void)before_.Adopt(kChild, KeyOf(1));
  (void)before_.Inherit(KeyOf(2), Ah(Level::kUse), kStart);
  EXPECT_EQ(journal_->size(), 3u);
  before_.Retire(kSocket, kStart);
  before_.Retire(kChild, kStart);
  before_.Age(kLater);
  EXPECT_EQ(journal_->size(), 0u);
}

TEST_F(WrittenDown, EveryLiveSocketIsKeptWhateverTheLimit) {
  for (const SocketCookie cookie : {kSocket, kChild, kOther}) {
    (void)before_.Obtain(cookie);
  }
  SocketTable small({.sockets = 1, .inherited = 1});
  ASSERT_TRUE(small.ResumeFrom(journal_, kLater).ok());
  EXPECT_EQ(small.sockets(), 3u);
  EXPECT_FALSE(small.Obtain(SocketCookie{9}).ok());
}

TEST_F(WrittenDown, TwoRecordsForOneSocketAreRefused) {
  ASSERT_TRUE(journal_->Add({.cookie = kSocket}).ok());
  ASSERT_TRUE(journal_->Add({.cookie = kSocket}).ok());
  const Status resumed = after_.ResumeFrom(journal_, kLater);
  ASSERT_FALSE(resumed.ok());
  EXPECT_EQ(resumed.error().code, ErrorCode::kInvalid);
}

TEST_F(WrittenDown, TwoRecordsForOneConnectionAreRefused) {
  ASSERT_TRUE(journal_->Add({.cookie = kSocket, .flow = KeyOf(1)}).ok());
  ASSERT_TRUE(journal_->Add({.flow = KeyOf(1)}).ok());
  EXPECT_FALSE(after_.ResumeFrom(journal_, kLater).ok());
}

TEST(FullJournal, RefusesTheSocketAndTheConnection) {
  SocketTable table;
  ASSERT_TRUE(
      table.ResumeFrom(std::make_shared<MemoryJournal>(1), kStart).ok());
  ASSERT_TRUE(table.Obtain(kSocket).ok());
  const auto refused = table.Obtain(kOther);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_FALSE(table.Inherit(KeyOf(1), Ah(Level::kUse), kStart).ok());
  EXPECT_EQ(table.sockets(), 1u);
  EXPECT_EQ(table.flows(), 0u);
}

class Doubted : public ::testing::Test {
 protected:
  Doubted() {
    (void)table_.Inherit(KeyOf(1), Ah(Level::kUse), kStart);
    (void)table_.Adopt(kChild, KeyOf(1));
  }

  static constexpr Instant kDue = kStart + SocketTable::kHalfOpen;
  SocketTable table_;
};

TEST_F(Doubted, IsAConnectionOnceWhenItsHandshakeMustBeOver) {
  EXPECT_TRUE(table_.TakeDoubted(kDue - Duration(1), 10).empty());
  const auto taken = table_.TakeDoubted(kDue, 10);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].cookie, kChild);
  EXPECT_EQ(taken[0].flow, KeyOf(1));
  EXPECT_TRUE(table_.TakeDoubted(kLater, 10).empty());
}

TEST_F(Doubted, IsAConnectionAgainWhenNoticesWereLost) {
  (void)table_.TakeDoubted(kDue, 10);
  table_.DoubtConnections(kLater);
  table_.DoubtConnections(kLater);
  EXPECT_TRUE(table_.TakeDoubted(kLater, 10).empty());
  EXPECT_EQ(table_.TakeDoubted(kLater + SocketTable::kHalfOpen, 10).size(), 1u);
}

TEST_F(Doubted, IsNoSocketWhoseLevelsAProgramSet) {
  (void)table_.Obtain(kSocket);
  table_.Remember(kSocket, KeyOf(2));
  table_.Find(kChild)->SetLevel(Category::kAh, Level::kRequire);
  table_.DoubtConnections(kStart);
  EXPECT_TRUE(table_.TakeDoubted(kLater, 10).empty());
}

TEST_F(Doubted, IsNoSocketThatIsKnownToBeGone) {
  table_.Retire(kChild, kStart);
  EXPECT_TRUE(table_.TakeDoubted(kLater, 10).empty());
  table_.DoubtConnections(kStart);
  EXPECT_TRUE(table_.TakeDoubted(kLater, 10).empty());
}

TEST_F(Doubted, IsAConnectionAlsoWhenAnotherHasItsFlow) {
  (void)table_.Inherit(KeyOf(1), Ah(Level::kUse), kStart);
  const auto taken = table_.TakeDoubted(kDue, 10);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_FALSE(taken[0].flow.has_value());
}

TEST_F(Doubted, AreSoManyAtOnce) {
  for (std::uint16_t port = 2; port <= 5; ++port) {
    (void)table_.Inherit(KeyOf(port), Ah(Level::kUse), kStart);
    (void)table_.Adopt(SocketCookie{port + 100U}, KeyOf(port));
  }
  EXPECT_EQ(table_.TakeDoubted(kDue, 3).size(), 3u);
  EXPECT_EQ(table_.TakeDoubted(kDue, 3).size(), 2u);
}

TEST_F(Doubted, AreConnectionsAfterARestart) {
  const auto journal = std::make_shared<MemoryJournal>();
  SocketTable before;
  ASSERT_TRUE(before.ResumeFrom(journal, kStart).ok());
  (void)before.Inherit(KeyOf(1), Ah(Level::kUse), kStart);
  (void)before.Adopt(kChild, KeyOf(1));
  before.Obtain(kSocket).value()->SetLevel(Category::kAh, Level::kRequire);
  SocketTable after;
  ASSERT_TRUE(after.ResumeFrom(journal, kLater).ok());
  const auto taken = after.TakeDoubted(kLater + SocketTable::kHalfOpen, 10);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].cookie, kChild);
}

}  // namespace
}  // namespace postern
