// SPDX-License-Identifier: Apache-2.0

#include "daemon/lane_pair.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/daemon/lane_pair_world.h"

namespace postern {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

enum class Who : std::uint8_t {
  kOneThread,
  kLender,   // two threads; nothing here makes the first one lend
  kBothTwo,  // two threads; the inbound lane is lent all the time
};

// Whether a thread of this process has the name.
bool Lives(const std::string& name) {
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::string its;
    std::getline(std::ifstream(task.path() / "comm"), its);
    if (its == name) {
      return true;
    }
  }
  return false;
}

class LanePairTest : public LanePairWorld,
                     public ::testing::WithParamInterface<Who> {
 protected:
  void Start(Duration hold = milliseconds(50),
             BusyPoll busy_poll = BusyPoll(Duration(0))) {
    const bool lent = GetParam() == Who::kBothTwo;
    if (lent) {
      // The first round finds both.
      Put(tun(), Datagram());
      Put(wire(), Datagram());
    }
    LanePairWorld::Start({.number = GetParam() == Who::kOneThread ? 1u : 2u,
                          .busy_poll = busy_poll,
                          .loans = {.rounds = lent ? 1u : 32u,
                                    .packets = lent ? 2u : 1'000'000u,
                                    .quiet = hours(1)}},
                         hold);
    if (lent) {
      EXPECT_EQ(Await(wire()), Datagram());
      EXPECT_EQ(Await(tun()), Datagram());
      ASSERT_TRUE(Comes([this] { return pair_->lent(); }));
    }
  }

  void TearDown() override {
    if (pair_) {
      EXPECT_EQ(pair_->lent(), GetParam() == Who::kBothTwo);
      EXPECT_EQ(pair_->loans(), GetParam() == Who::kBothTwo ? 1u : 0u);
    }
    LanePairWorld::TearDown();
  }

  void ExchangeDatagrams() {
    for (int i = 0; i < 200; ++i) {
      Put(tun(), Datagram());
      EXPECT_EQ(Await(wire()), Datagram());
      Put(wire(), Datagram());
      EXPECT_EQ(Await(tun()), Datagram());
    }
  }

  void DemandAh() {
    Route everything;
    everything.prefix = IpPrefix::Parse("0.0.0.0/0").value();
    everything.levels.Set(Category::kAh, Level::kRequire);
    system_.Replace(RouteTable::Create({everything}).value());
  }

  void ExpectDrop(DropReason reason) {
    const WorkerStats& stats = pair_->lane(Direction::kOutbound).stats();
    EXPECT_TRUE(Comes([&] { return stats.of(reason) > 0; }));
    EXPECT_EQ(stats.of(reason), 1u);
  }

  AcquireId AwaitAcquire() {
    EXPECT_TRUE(Comes([this] { return acquires_.size() > 0; }));
    const std::vector<Acquire> all = acquires_.List();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? AcquireId{} : all[0].id;
  }

  void ExpectDropOnceRefused() {
    DemandAh();
    Put(tun(), Datagram());
    const AcquireId id = AwaitAcquire();
    ASSERT_TRUE(acquires_.Refuse(id, MonotonicNow()).ok());
    pair_->Prod();
    ExpectDrop(DropReason::kAcquireRefused);
  }
};

INSTANTIATE_TEST_SUITE_P(Threads, LanePairTest,
                         ::testing::Values(Who::kOneThread, Who::kLender,
                                           Who::kBothTwo),
                         [](const auto& tested) {
                           return tested.param == Who::kOneThread ? "OneThread"
                                  : tested.param == Who::kLender
                                      ? "TwoThreads"
                                      : "TwoThreadsAndALoan";
                         });

TEST_P(LanePairTest, CarriesClearPacketsBothWaysWhenNothingIsDemanded) {
  Start();
  const std::uint64_t before =
      Counted(Direction::kInbound, Count::kInboundClear);
  ExchangeDatagrams();
  EXPECT_EQ(Counted(Direction::kOutbound, Count::kOutboundClear), before + 200);
  EXPECT_EQ(Counted(Direction::kInbound, Count::kInboundClear), before + 200);
  EXPECT_EQ(
      pair_->lane(Direction::kOutbound).stats().of(DropReason::kForgotten), 0u);
  const bool lent = GetParam() == Who::kBothTwo;
  ExpectCarried(0, Direction::kOutbound, before + 200);
  ExpectCarried(0, Direction::kInbound, lent ? before : 200);
  if (GetParam() != Who::kOneThread) {
    ExpectCarried(1, Direction::kInbound, lent ? 200 : 0);
  }
}

// Questions and answers, so that looking pays all the time.
TEST_P(LanePairTest, CarriesWhatItLooksForBeforeItSleeps) {
  Start(milliseconds(50), BusyPoll(milliseconds(20)));
  ExchangeDatagrams();
  // While it looks it can still be prodded, and ended.
  ExpectDropOnceRefused();
  EXPECT_EQ(failures_.load(), 0);
}

// API-31: when the change has returned, every later packet obeys it.
TEST_P(LanePairTest, ObeysANewRouteTableAtOnce) {
  Start();
  ExchangeDatagrams();
  Route discard;
  discard.prefix = IpPrefix(*IpAddress::Parse("10.9.0.2"), 32);
  discard.verdict = Route::Verdict::kDiscard;
  auto table = RouteTable::Create({discard});
  ASSERT_TRUE(table.ok());
  system_.Replace(std::move(*table));
  // What is sent behind it, to somebody else, is what arrives next.
  Put(tun(), Datagram());
  Put(tun(), Datagram(3));
  EXPECT_EQ(Await(wire()), Datagram(3));
  EXPECT_EQ(
      pair_->lane(Direction::kOutbound).stats().of(DropReason::kDiscardRoute),
      1u);
}

// Nothing else wakes the thread: not the packet's time, not the SA.
TEST_P(LanePairTest, DropsWhatHasWaitedTooLong) {
  Start();
  DemandAh();
  Put(tun(), Datagram());
  ExpectDrop(DropReason::kNoSa);
}

TEST_P(LanePairTest, DropsWhatWasRefusedOnceItIsProdded) {
  Start(hours(1));
  ExpectDropOnceRefused();
}

TEST_P(LanePairTest, SendsWhatHasItsSaOnceItIsProdded) {  // API-14
  Start(hours(1));
  DemandAh();
  Put(tun(), Datagram());
  AwaitAcquire();
  SaParameters sa;
  sa.protocol = IpsecProtocol::kAh;
  sa.spi = Spi{0x1001};
  sa.source = *IpAddress::Parse("10.9.0.1");
  sa.destination = *IpAddress::Parse("10.9.0.2");
  sa.integrity = Integrity::kHmacSha2_256_128;
  sa.integrity_key = SecretBytes(std::vector<std::uint8_t>(32, 7));
  ASSERT_TRUE(sadb_->Add(sa, {}, MonotonicNow()).ok());
  pair_->Prod();
  EXPECT_EQ(Await(wire()).at(9), 51);
}

TEST_P(LanePairTest, SendsWhatTheHostItselfHasToSay) {
  Start();
  const std::uint64_t before =
      Counted(Direction::kOutbound, Count::kOutboundPackets);
  pair_->Emit(Datagram(7));
  EXPECT_EQ(Await(wire()), Datagram(7));
  EXPECT_EQ(Counted(Direction::kOutbound, Count::kOutboundPackets), before);
}

// DEF-04
TEST_P(LanePairTest, EndsWhileItWaitsAndWhileItIsBusy) {
  Start();
  pair_.reset();
  Start();
  for (int i = 0; i < 50; ++i) {
    Put(tun(), Datagram());
    Put(wire(), Datagram());
  }
  pair_.reset();
  EXPECT_EQ(failures_.load(), 0);
}

// DEF-04
TEST_P(LanePairTest, SaysWhenTheTunIsGone) {
  Start();
  tun().reset();
  EXPECT_TRUE(Comes([this] { return failures_.load() > 0; }));
}

// DEF-04
TEST_P(LanePairTest, SaysWhenTheWireIsGone) {
  Start();
  wire().reset();
  EXPECT_TRUE(Comes([this] { return failures_.load() > 0; }));
}

// An interface that went down, and may come up again.
TEST_P(LanePairTest, GoesOnWhileAPortWithAnErrorIsNotGone) {
  wire_port().set_fate(SocketPort::Fate::kGoesOn);
  Start();
  const Worker& packets = *pair_->workers().front();
  wire().reset();
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t before = packets.carried(Direction::kOutbound);
    Put(tun(), Datagram());
    EXPECT_TRUE(
        Comes([&] { return packets.carried(Direction::kOutbound) > before; }));
  }
  EXPECT_EQ(failures_.load(), 0);
  wire_port().set_fate(SocketPort::Fate::kGone);
  EXPECT_TRUE(Comes([this] { return failures_.load() > 0; }));
}

// The kernel does not tell of an interface that went down before.
TEST_P(LanePairTest, FindsOutThatAPortIsGoneWhoseDescriptorIsFine) {
  Start();
  wire_port().set_fate(SocketPort::Fate::kGoneUntold);
  Put(wire(), Datagram());
  EXPECT_TRUE(Comes([this] { return failures_.load() > 0; }));
}

TEST_P(LanePairTest, GoesOnWhileATunWithAnErrorIsNotGone) {
  tun_port().set_fate(SocketPort::Fate::kGoesOn);
  Start();
  const std::uint64_t before =
      Counted(Direction::kInbound, Count::kInboundPackets);
  tun().reset();
  Put(wire(), Datagram());
  EXPECT_TRUE(Comes([&] {
    return Counted(Direction::kInbound, Count::kInboundPackets) > before;
  }));
  EXPECT_EQ(failures_.load(), 0);
  tun_port().set_fate(SocketPort::Fate::kGone);
  EXPECT_TRUE(Comes([this] { return failures_.load() > 0; }));
}

// Nothing else wakes the thread.
TEST_P(LanePairTest, LooksAtAPortWhenItsTimeHasCome) {
  const Instant soon = MonotonicNow() + milliseconds(300);
  wire_port().BringAt(soon, Datagram(5));
  tun_port().BringAt(soon + milliseconds(300), Datagram(6));
  Start();
  EXPECT_EQ(Await(tun()), Datagram(5));
  EXPECT_GE(MonotonicNow(), soon);
  EXPECT_EQ(Await(wire()), Datagram(6));
}

// DEF-04: each of two threads has one that failed.
TEST_P(LanePairTest, SaysOnceThatBothAreGone) {
  Start();
  const bool two = GetParam() != Who::kOneThread;
  EXPECT_TRUE(Comes([] { return Lives("packets"); }));
  EXPECT_TRUE(Comes([two] { return Lives("inbound") == two; }));
  wire().reset();
  tun().reset();
  EXPECT_TRUE(Comes([] { return !Lives("packets"); }));
  if (GetParam() == Who::kBothTwo) {
    EXPECT_TRUE(Comes([] { return !Lives("inbound"); }));
  }
  EXPECT_EQ(failures_.load(), 1);
}

}  // namespace
}  // namespace postern
