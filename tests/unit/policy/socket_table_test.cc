// SPDX-License-Identifier: Apache-2.0

#include "policy/socket_table.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <map>
#include <thread>

#include "gtest/gtest.h"

namespace postern {
namespace {

constexpr SocketCookie kSocket{1};
constexpr SocketCookie kChild{2};
constexpr SocketCookie kOther{3};
constexpr Duration kSoon = std::chrono::seconds(1);

FlowKey KeyOf(std::uint16_t remote_port) {
  FlowKey key;
  key.local = IpAddress::Parse("10.9.1.1").value();
  key.remote = IpAddress::Parse("10.9.2.1").value();
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

TEST(SocketTable, BeginsEverySocketAtNone) {  // API-09
  SocketTable table;
  EXPECT_EQ(table.Find(kSocket), nullptr);
  EXPECT_TRUE(table.Obtain(kSocket).value()->levels().empty());
}

TEST(SocketTable, KeepsOnePolicyForEachCookie) {
  SocketTable table;
  const SocketPolicyRef policy = table.Obtain(kSocket).value();
  policy->SetLevel(Category::kAh, Level::kRequire);
  EXPECT_EQ(table.Obtain(kSocket).value(), policy);
  EXPECT_EQ(table.Find(kSocket)->levels(), Ah(Level::kRequire));
  EXPECT_EQ(table.Find(kOther), nullptr);
}

TEST(SocketTable, RefusesSocketsBeyondItsLimit) {
  SocketTable table({.sockets = 1, .inherited = 1});
  ASSERT_TRUE(table.Obtain(kSocket).ok());
  EXPECT_TRUE(table.Obtain(kSocket).ok());
  const auto refused = table.Obtain(kOther);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_NE(table.Find(kSocket), nullptr);
}

TEST(SocketTable, RefusesHalfOpenConnectionsBeyondTheirLimit) {
  SocketTable table({.sockets = 10, .inherited = 1});
  const Instant now;
  ASSERT_TRUE(table.Inherit(KeyOf(1), Ah(Level::kUse), now).ok());
  const auto refused = table.Inherit(KeyOf(2), Ah(Level::kUse), now);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_NE(table.FindFlow(KeyOf(1)), nullptr);
  // A repeated SYN takes its own place; a bound one makes room.
  EXPECT_TRUE(table.Inherit(KeyOf(1), Ah(Level::kUse), now).ok());
  EXPECT_NE(table.Adopt(kChild, KeyOf(1)), nullptr);
  EXPECT_TRUE(table.Inherit(KeyOf(2), Ah(Level::kUse), now).ok());
}

TEST(SocketTable, KeepsRoomForTheChildOfEveryHalfOpenConnection) {
  SocketTable table({.sockets = 2, .inherited = 2});
  const Instant now;
  ASSERT_TRUE(table.Inherit(KeyOf(1), Ah(Level::kUse), now).ok());
  ASSERT_TRUE(table.Obtain(kSocket).ok());
  EXPECT_FALSE(table.Obtain(kOther).ok());
  EXPECT_FALSE(table.Inherit(KeyOf(2), Ah(Level::kUse), now).ok());
  ASSERT_NE(table.Adopt(kChild, KeyOf(1)), nullptr);
  EXPECT_EQ(table.Find(kChild)->levels(), Ah(Level::kUse));
}

TEST(SocketTable, BindsWhatTheConnectionInheritedToItsCookie) {  // API-33
  SocketTable table;
  const SocketPolicyRef copy =
      table.Inherit(KeyOf(1), Ah(Level::kRequire), Instant()).value();
  EXPECT_EQ(table.Adopt(kChild, KeyOf(1)), copy);
  EXPECT_EQ(table.Find(kChild), copy);
  EXPECT_EQ(table.FindFlow(KeyOf(1)), copy);
}

TEST(SocketTable, BindsAConnectionToOneCookieOnly) {
  SocketTable table;
  (void)table.Inherit(KeyOf(1), Ah(Level::kRequire), Instant());
  ASSERT_NE(table.Adopt(kChild, KeyOf(1)), nullptr);
  EXPECT_EQ(table.Adopt(kOther, KeyOf(1)), nullptr);
}

TEST(SocketTable, DoesNotReplaceASocketsOwnPolicyByAnInheritedOne) {
  SocketTable table;
  const SocketPolicyRef own = table.Obtain(kSocket).value();
  (void)table.Inherit(KeyOf(1), Ah(Level::kRequire), Instant());
  EXPECT_EQ(table.Adopt(kSocket, KeyOf(1)), own);
  EXPECT_EQ(table.Find(kSocket), own);
}

TEST(SocketTable, GivesAnAcceptedSocketItsInheritedLevels) {  // API-33
  SocketTable table;
  (void)table.Inherit(KeyOf(1), Ah(Level::kRequire), Instant());
  EXPECT_EQ(table.Obtain(kChild, KeyOf(1)).value()->levels(),
            Ah(Level::kRequire));
  EXPECT_TRUE(table.Obtain(kOther, KeyOf(2)).value()->levels().empty());
}

TEST(SocketTable, ForgetsHalfOpenConnectionsAfterAWhile) {
  SocketTable table;
  const Instant start;
  (void)table.Inherit(KeyOf(1), Ah(Level::kUse), start);
  (void)table.Inherit(KeyOf(2), Ah(Level::kUse), start + kSoon);
  table.Age(start + SocketTable::kHalfOpen - Duration(1));
  EXPECT_EQ(table.flows(), 2u);
  table.Age(start + SocketTable::kHalfOpen);
  EXPECT_EQ(table.FindFlow(KeyOf(1)), nullptr);
  EXPECT_NE(table.FindFlow(KeyOf(2)), nullptr);
}

TEST(SocketTable, NeverForgetsTheConnectionOfALiveSocket) {
  SocketTable table;
  const Instant start;
  (void)table.Inherit(KeyOf(1), Ah(Level::kRequire), start);
  (void)table.Adopt(kChild, KeyOf(1));
  table.Age(start + 1000 * SocketTable::kHalfOpen);
  EXPECT_EQ(table.Find(kChild)->levels(), Ah(Level::kRequire));
  EXPECT_NE(table.FindFlow(KeyOf(1)), nullptr);
}

TEST(SocketTable, LetsAGoneSocketLinger) {
  SocketTable table;
  const Instant start;
  table.Obtain(kSocket).value()->SetLevel(Category::kAh, Level::kRequire);
  table.Remember(kSocket, KeyOf(1));
  table.Retire(kSocket, start);
  table.Retire(kSocket, start + kSoon);  // a repeated notice changes nothing
  table.Age(start + SocketTable::kLinger - Duration(1));
  EXPECT_EQ(table.FindFlow(KeyOf(1))->levels(), Ah(Level::kRequire));
  EXPECT_NE(table.Find(kSocket), nullptr);
  table.Age(start + SocketTable::kLinger);
  EXPECT_EQ(table.FindFlow(KeyOf(1)), nullptr);
  EXPECT_EQ(table.Find(kSocket), nullptr);
  EXPECT_EQ(table.sockets(), 0u);
  EXPECT_EQ(table.flows(), 0u);
}

TEST(SocketTable, TellsWhoLingersFromWhoLives) {
  SocketTable table;
  const Instant start;
  (void)table.Obtain(kSocket);
  (void)table.Obtain(kOther);
  EXPECT_EQ(table.lingering(), 0u);
  table.Retire(kSocket, start);
  table.Retire(kSocket, start);
  EXPECT_EQ(table.sockets(), 2u);
  EXPECT_EQ(table.lingering(), 1u);
  table.Age(start + SocketTable::kLinger);
  EXPECT_EQ(table.sockets(), 1u);
  EXPECT_EQ(table.lingering(), 0u);
}

TEST(SocketTable, RemembersReopenedConnectionsWhileTheirHandshakeLasts) {
  SocketTable table({.sockets = 10, .inherited = 2});
  const Instant start;
  EXPECT_FALSE(table.MayBeReopened(KeyOf(1), start));
  EXPECT_TRUE(table.NoteReopening(KeyOf(1), start));
  EXPECT_TRUE(table.NoteReopening(KeyOf(2), start));
  EXPECT_FALSE(table.NoteReopening(KeyOf(3), start));
  EXPECT_TRUE(table.NoteReopening(KeyOf(1), start + std::chrono::seconds(1)));
  EXPECT_TRUE(table.MayBeReopened(KeyOf(1), start));
  table.Age(start + SocketTable::kHalfOpen);
  EXPECT_TRUE(table.MayBeReopened(KeyOf(1), start));
  EXPECT_FALSE(table.MayBeReopened(KeyOf(2), start));
}

TEST(SocketTable, LingersLongerThanTimeWait) {
  EXPECT_GT(SocketTable::kLinger, std::chrono::seconds(60));
}

TEST(SocketTable, RemembersTheLastFlowOfASocket) {
  SocketTable table;
  const SocketPolicyRef policy = table.Obtain(kSocket).value();
  table.Remember(kSocket, KeyOf(1));
  table.Remember(kSocket, KeyOf(2));
  table.Remember(kSocket, KeyOf(2));
  EXPECT_EQ(table.FindFlow(KeyOf(1)), nullptr);
  EXPECT_EQ(table.FindFlow(KeyOf(2)), policy);
  table.Remember(kOther, KeyOf(3));
  EXPECT_EQ(table.FindFlow(KeyOf(3)), nullptr);
}

TEST(SocketTable, ForgetsAFlowWithoutForgettingItsSocket) {
  SocketTable table;
  (void)table.Obtain(kSocket);
  table.Remember(kSocket, KeyOf(1));
  table.ForgetFlow(KeyOf(1));
  EXPECT_EQ(table.FindFlow(KeyOf(1)), nullptr);
  EXPECT_NE(table.Find(kSocket), nullptr);
  // The retired socket must not take a later owner's flow with it.
  const Instant start;
  (void)table.Inherit(KeyOf(1), Ah(Level::kUse), start);
  table.Retire(kSocket, start);
  table.Age(start + SocketTable::kLinger);
  EXPECT_NE(table.FindFlow(KeyOf(1)), nullptr);
}

TEST(SocketTable, ReplacesADeadConnectionsFlowByTheNextOne) {
  SocketTable table;
  const Instant start;
  (void)table.Obtain(kSocket);
  table.Remember(kSocket, KeyOf(1));
  table.Retire(kSocket, start);
  (void)table.Inherit(KeyOf(1), Ah(Level::kRequire), start);
  EXPECT_NE(table.Adopt(kChild, KeyOf(1)), nullptr);
  table.Age(start + SocketTable::kLinger);
  EXPECT_EQ(table.FindFlow(KeyOf(1))->levels(), Ah(Level::kRequire));
}

TEST(SocketTable, RaisesItsGenerationWhenSomethingMayBeFound) {
  SocketTable table;
  std::uint64_t last = table.generation();
  const auto rises = [&] {
    const bool rose = table.generation() > last;
    last = table.generation();
    return rose;
  };
  (void)table.Obtain(kSocket);
  EXPECT_TRUE(rises());
  (void)table.Obtain(kSocket);
  EXPECT_FALSE(rises());
  (void)table.Inherit(KeyOf(1), Ah(Level::kUse), Instant());
  EXPECT_TRUE(rises());
  (void)table.Adopt(kChild, KeyOf(1));
  EXPECT_TRUE(rises());
  table.Remember(kSocket, KeyOf(2));
  EXPECT_TRUE(rises());
  table.Retire(kOther, Instant());
  EXPECT_TRUE(rises());
}

TEST(SocketTable, SaysWhetherAnybodyHasAnEntry) {
  SocketTable table;
  EXPECT_FALSE(table.anybody());
  static_cast<void>(table.Find(kSocket));
  table.Retire(kSocket, Instant());
  EXPECT_FALSE(table.anybody());
  ASSERT_TRUE(table.Inherit(KeyOf(1), Ah(Level::kUse), Instant()).ok());
  EXPECT_TRUE(table.anybody());
  table.Age(Instant() + SocketTable::kHalfOpen);
  EXPECT_FALSE(table.anybody());
  ASSERT_TRUE(table.Obtain(kSocket).ok());
  table.Retire(kSocket, Instant());
  table.Age(Instant() + SocketTable::kLinger - Duration(1));
  EXPECT_TRUE(table.anybody());  // it lingers
  table.Age(Instant() + SocketTable::kLinger);
  EXPECT_FALSE(table.anybody());
}

TEST(SocketTable, PreparesForTheFirstEntry) {
  SocketTable table;
  int prepared = 0;
  table.BeforeFirst([&] {
    EXPECT_FALSE(table.anybody());
    ++prepared;
    return Ok();
  });
  ASSERT_TRUE(table.Obtain(kSocket).ok());
  ASSERT_TRUE(table.Obtain(kOther).ok());
  EXPECT_EQ(prepared, 1);
  table.Retire(kSocket, Instant());
  table.Retire(kOther, Instant());
  table.Age(Instant() + SocketTable::kLinger);
  ASSERT_TRUE(table.Inherit(KeyOf(1), Ah(Level::kUse), Instant()).ok());
  EXPECT_EQ(prepared, 2);
}

TEST(SocketTable, MakesNoEntryThatNobodyWouldTellOf) {
  SocketTable table;
  table.BeforeFirst([] { return Status(SystemError("joining", ENOBUFS)); });
  EXPECT_EQ(table.Obtain(kSocket).error().code, ErrorCode::kSystem);
  EXPECT_EQ(table.ObtainForRule(kSocket, Instant()).error().code,
            ErrorCode::kSystem);
  EXPECT_FALSE(table.Inherit(KeyOf(1), Ah(Level::kUse), Instant()).ok());
  EXPECT_FALSE(table.anybody());
}

// Nothing else would take it out when the notice of its end is lost.
TEST(SocketTable, DoubtsWhatIsThereForARuleAlone) {
  SocketTable table;
  const Instant start;
  ASSERT_TRUE(table.ObtainForRule(kSocket, start).ok());
  ASSERT_TRUE(table.ObtainForRule(kSocket, start).ok());
  EXPECT_TRUE(table.TakeDoubted(start, 9).empty());
  const auto doubted = table.TakeDoubted(start + SocketTable::kHalfOpen, 9);
  ASSERT_EQ(doubted.size(), 1u);
  EXPECT_EQ(doubted[0].cookie, kSocket);
  // Not once a program has set a level.
  ASSERT_TRUE(table.ObtainForRule(kOther, start).ok());
  table.Find(kOther)->SetLevel(Category::kAh, Level::kUse);
  EXPECT_TRUE(table.TakeDoubted(start + SocketTable::kHalfOpen, 9).empty());
}

TEST(SocketTable, KnowsTheStrongestLevelThatAnybodyHolds) {
  SocketTable table;
  const Instant start;
  table.Obtain(kSocket).value()->SetLevel(Category::kAh, Level::kUse);
  (void)table.Inherit(KeyOf(1), Ah(Level::kRequire), start);
  EXPECT_EQ(table.Strongest(), Ah(Level::kRequire));
  table.Age(start + SocketTable::kHalfOpen);
  EXPECT_EQ(table.Strongest(), Ah(Level::kUse));
}

TEST(SocketTable, DumpsEverySocket) {
  SocketTable table;
  table.Obtain(kSocket).value()->SetLevel(Category::kAh, Level::kUse);
  (void)table.Obtain(kOther);
  std::map<SocketCookie, LevelSet> seen;
  table.Dump([&](SocketCookie cookie, const SocketPolicy& policy) {
    seen[cookie] = policy.levels();
  });
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[kSocket], Ah(Level::kUse));
  EXPECT_TRUE(seen[kOther].empty());
}

TEST(SocketPolicy, IsReadWhileItIsChanged) {  // API-30; meant for tsan
  SocketTable table;
  const SocketPolicyRef policy = table.Obtain(kSocket).value();
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done.load()) {
      const LevelSet levels = policy->levels();
      EXPECT_EQ(levels.of(Category::kEspTransport), Level::kNone);
      const Level ah = levels.of(Category::kAh);
      EXPECT_TRUE(ah == Level::kNone || ah == Level::kRequire);
    }
  });
  std::thread other_writer([&] {
    for (int i = 0; i < 10'000; ++i) {
      policy->SetLevel(Category::kEspNetwork,
                       i % 2 == 0 ? Level::kUse : Level::kNone);
    }
  });
  for (int i = 0; i < 10'000; ++i) {
    policy->SetLevel(Category::kAh,
                     i % 2 == 0 ? Level::kRequire : Level::kNone);
  }
  other_writer.join();
  done = true;
  reader.join();
  EXPECT_TRUE(policy->levels().empty());
  EXPECT_TRUE(table.Strongest().empty());
}

TEST(SocketTable, ServesSeveralThreads) {  // meant for tsan
  SocketTable table;
  const auto work = [&table](std::uint64_t first) {
    for (std::uint64_t i = first; i < first + 2000; ++i) {
      const auto port = static_cast<std::uint16_t>(i);
      const Instant now(std::chrono::seconds(static_cast<std::int64_t>(i)));
      (void)table.Inherit(KeyOf(port), Ah(Level::kRequire), now);
      (void)table.Adopt(SocketCookie{i}, KeyOf(port));
      table.Retire(SocketCookie{i}, now);
      table.Age(now);
    }
  };
  std::thread one(work, 10);
  std::thread two(work, 10'000);
  one.join();
  two.join();
  table.Age(Instant(std::chrono::hours(24)));
  EXPECT_EQ(table.sockets(), 0u);
  EXPECT_EQ(table.flows(), 0u);
}

}  // namespace
}  // namespace postern
