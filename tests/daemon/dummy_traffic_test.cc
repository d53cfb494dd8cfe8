// SPDX-License-Identifier: Apache-2.0

#include "daemon/dummy_traffic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "core/rcu.h"
#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::Field;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

class DummyTrafficTest : public ::testing::Test {
 protected:
  ~DummyTrafficTest() override { RcuBarrier(); }

  SaIdentity Add(std::uint32_t spi, std::optional<DummyWish> wish,
                 std::uint32_t tfc_pad_to = 0) {
    SaParameters sa = GcmSa(spi);
    sa.mode = IpsecMode::kTunnel;
    sa.tfc_pad_to = tfc_pad_to;
    sa.dummies = wish;
    const SaIdentity identity = sa.identity();
    EXPECT_TRUE(sadb_.Add(sa, {}, now_).ok());
    dummies_.Take(sadb_.Get(identity)->parameters(), now_);
    return identity;
  }

  // As the loop ticks; returns what was ordered.
  std::vector<DummyOrder> Pass(milliseconds time) {
    ordered_.clear();
    for (Duration passed{0}; passed < time; passed += DummyTraffic::kBeat) {
      now_ += DummyTraffic::kBeat;
      dummies_.Tick(now_);
    }
    return ordered_;
  }

  Instant now_ = kStart;
  RecordingSink sink_;
  Sadb sadb_{sink_};
  EventLoop loop_;
  std::vector<DummyOrder> ordered_;
  DummyTraffic dummies_{loop_, sadb_, [this](const DummyOrder& order) {
                          ordered_.push_back(order);
                        }};
};

// ESP-16
TEST_F(DummyTrafficTest, ComesAsOftenAsWishedAndInNoBeat) {
  const SaIdentity sa = Add(0x1001, DummyWish{milliseconds(1000), 200});
  EXPECT_THAT(Pass(milliseconds(490)), IsEmpty());
  std::set<milliseconds> pauses;
  milliseconds since(490);
  int sent = 0;
  for (; sent < 40; since += milliseconds(10)) {
    for (const DummyOrder& order : Pass(milliseconds(10))) {
      EXPECT_EQ(order.identity, sa);
      EXPECT_EQ(order.octets, 200u);
      EXPECT_GE(since, milliseconds(480));
      EXPECT_LE(since, milliseconds(1510));
      pauses.insert(since);
      since = milliseconds(0);
      ++sent;
    }
  }
  EXPECT_GT(pauses.size(), 5u);  // of a hundred, by chance
}

// ESP-16
TEST_F(DummyTrafficTest, IsForThoseSasAloneThatWishIt) {
  Add(0x1001, std::nullopt);
  EXPECT_THAT(Pass(milliseconds(2000)), IsEmpty());
  EXPECT_EQ(dummies_.size(), 0u);
}

// ESP-16
TEST_F(DummyTrafficTest, LooksLikeWhatIsPaddedAndElseIsOfAnySize) {
  Add(0x1001, DummyWish{milliseconds(10), 0}, 1400);
  EXPECT_THAT(Pass(milliseconds(1000)),
              AllOf(SizeIs(Ge(50u)), Each(Field(&DummyOrder::octets, 1400u))));
  ASSERT_EQ(sadb_.Flush(), 1u);
  Add(0x1002, DummyWish{milliseconds(10), 0});
  const std::vector<DummyOrder> orders = Pass(milliseconds(1000));
  EXPECT_THAT(orders,
              Each(Field(&DummyOrder::octets, AllOf(Ge(40u), Le(1280u)))));
  std::set<std::size_t> sizes;
  for (const DummyOrder& order : orders) {
    sizes.insert(order.octets);
  }
  EXPECT_GT(sizes.size(), 20u);
}

TEST_F(DummyTrafficTest, EndsWithTheSa) {
  const SaIdentity gone = Add(0x1001, DummyWish{milliseconds(100), 0});
  const SaIdentity dead = Add(0x1002, DummyWish{milliseconds(100), 0});
  ASSERT_TRUE(sadb_.Delete(gone).ok());
  sadb_.Get(dead)->Kill();
  EXPECT_THAT(Pass(milliseconds(1000)), IsEmpty());
  EXPECT_EQ(dummies_.size(), 0u);
}

TEST_F(DummyTrafficTest, RemembersNoMoreThanThereAre) {
  for (std::uint32_t i = 0; i < 5 * DummyTraffic::kFewGone; ++i) {
    const SaIdentity sa = Add(0x1001 + i, DummyWish{std::chrono::hours(1), 0});
    ASSERT_TRUE(sadb_.Delete(sa).ok());
  }
  EXPECT_LE(dummies_.size(), DummyTraffic::kFewGone + 1);
}

TEST_F(DummyTrafficTest, IsNotOfAnSaThatTookTheNameOfAnother) {
  const SaIdentity sa = Add(0x1001, DummyWish{milliseconds(100), 0});
  ASSERT_TRUE(sadb_.Delete(sa).ok());
  ASSERT_TRUE(sadb_.Add(GcmSa(0x1001), {}, now_).ok());
  EXPECT_THAT(Pass(milliseconds(1000)), IsEmpty());
}

TEST_F(DummyTrafficTest, IsBoundedAndMadeUpForByNobody) {
  for (std::uint32_t i = 0; i < 100; ++i) {
    Add(0x1001 + i, DummyWish{milliseconds(10), 0});
  }
  now_ += std::chrono::hours(1);
  dummies_.Tick(now_);
  EXPECT_THAT(ordered_, SizeIs(DummyTraffic::kMostAtOnce));
  dummies_.Tick(now_);
  EXPECT_THAT(ordered_, SizeIs(100u));
  dummies_.Tick(now_);
  EXPECT_THAT(ordered_, SizeIs(100u));
}

// The loop's own timer.
TEST_F(DummyTrafficTest, IsDrivenByTheLoop) {
  SaParameters sa = GcmSa(0x1001);
  sa.dummies = DummyWish{milliseconds(10), 0};
  ASSERT_TRUE(sadb_.Add(sa, {}, MonotonicNow()).ok());
  EventLoop loop;
  DummyTraffic dummies(loop, sadb_,
                       [&loop](const DummyOrder&) { loop.Stop(); });
  dummies.Take(sa);
  loop.Run();
  EXPECT_EQ(dummies.size(), 1u);
}

}  // namespace
}  // namespace postern
