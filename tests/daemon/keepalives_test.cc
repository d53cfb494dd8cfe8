// SPDX-License-Identifier: Apache-2.0

#include "daemon/keepalives.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rcu.h"
#include "sadb/peer_moves.h"
#include "tests/support/packet_builder.h"
#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kInterval = seconds(20);

class KeepalivesTest : public ::testing::Test {
 protected:
  ~KeepalivesTest() override { RcuBarrier(); }

  SaIdentity Add(std::uint32_t spi, std::uint16_t port = 5000,
                 std::optional<Duration> interval = kInterval) {
    SaParameters sa = GcmSa(spi);
    sa.encapsulation = UdpPorts{.source = 4500, .destination = port};
    sa.keepalive = interval;
    const SaIdentity identity = sa.identity();
    EXPECT_TRUE(sadb_.Add(sa, {}, now_).ok());
    keepalives_->Take(sadb_.Get(identity)->parameters());
    return identity;
  }

  void SendBy(const SaIdentity& identity) {
    EXPECT_TRUE(sadb_.Get(identity)->NextNumber(100, now_).ok());
  }

  // Every second, as the daemon does; returns what was sent.
  std::vector<Octets> Pass(seconds time) {
    sent_.clear();
    for (seconds passed{0}; passed < time; passed += seconds(1)) {
      now_ += seconds(1);
      keepalives_->Tick(now_);
    }
    return sent_;
  }

  Keepalives::Emit Recorder() {
    return [this](const Octets& packet) { sent_.push_back(packet); };
  }

  static Octets Keepalive(std::uint16_t port) {
    return NatKeepalive(Address("10.9.0.1"), Address("10.9.0.2"),
                        {.source = 4500, .destination = port});
  }

  Instant now_ = kStart;
  RecordingSink sink_;
  Sadb sadb_{sink_};
  std::vector<Octets> sent_;
  std::optional<Keepalives> keepalives_{std::in_place, sadb_, Recorder()};
};

// UDP-09
TEST_F(KeepalivesTest, AreSentWhileNothingElseIs) {
  const SaIdentity sa = Add(0x1001);
  EXPECT_THAT(Pass(kInterval), IsEmpty());
  EXPECT_THAT(Pass(seconds(2)), ElementsAre(Keepalive(5000)));
  EXPECT_THAT(Pass(kInterval), ElementsAre(Keepalive(5000)));
  for (int i = 0; i < 10; ++i) {
    SendBy(sa);
    EXPECT_THAT(Pass(seconds(15)), IsEmpty());
  }
}

TEST_F(KeepalivesTest, GoOnceForAllSasWithTheSameEnds) {
  Add(0x1001, 5000, seconds(40));
  const SaIdentity busy = Add(0x1002, 5000, seconds(30));
  Add(0x1003, 6000, seconds(30));
  EXPECT_THAT(Pass(seconds(29)), IsEmpty());
  SendBy(busy);
  EXPECT_THAT(Pass(seconds(3)), ElementsAre(Keepalive(6000)));
  EXPECT_THAT(Pass(seconds(28)), ElementsAre(Keepalive(5000)));
}

TEST_F(KeepalivesTest, GoWhereThePeerIsNow) {
  SaParameters in = GcmSa(0x2002, Direction::kInbound);
  std::swap(in.source, in.destination);
  in.encapsulation = UdpPorts{.source = 5000, .destination = 4500};
  ASSERT_TRUE(sadb_.Add(in, {}, now_).ok());
  const SaIdentity mine = Add(0x1001);
  Pass(seconds(1));
  ASSERT_TRUE(MovePeer(sadb_, *sadb_.Get(in.identity()), 7000));
  EXPECT_THAT(Pass(seconds(22)), ElementsAre(Keepalive(7000)));
  ASSERT_TRUE(sadb_.Delete(mine).ok());
  EXPECT_THAT(Pass(kInterval), ElementsAre(Keepalive(7000)));
}

// UDP-10
TEST_F(KeepalivesTest, GoOnForFiveMinutesAfterTheLastSa) {
  const SaIdentity one = Add(0x1001);
  const SaIdentity other = Add(0x1002);
  Pass(seconds(1));
  ASSERT_TRUE(sadb_.Delete(one).ok());
  Pass(seconds(600));
  ASSERT_TRUE(sadb_.Delete(other).ok());
  EXPECT_EQ(Pass(seconds(300)).size(), 15u);
  EXPECT_THAT(Pass(seconds(100)), IsEmpty());
}

// UDP-10: another SA between the same ends takes over, and ends them anew.
TEST_F(KeepalivesTest, AreTheNextSasWhenThereIsOne) {
  const SaIdentity first = Add(0x1002);
  Pass(seconds(1));
  ASSERT_TRUE(sadb_.Delete(first).ok());
  Pass(seconds(200));
  const SaIdentity next = Add(0x1003);
  EXPECT_EQ(Pass(seconds(400)).size(), 20u);
  ASSERT_TRUE(sadb_.Delete(next).ok());
  EXPECT_EQ(Pass(seconds(300)).size(), 15u);
  EXPECT_THAT(Pass(seconds(100)), IsEmpty());
}

// UDP-10
TEST_F(KeepalivesTest, EndWithTheSaWhereTheyAreToldTo) {
  keepalives_.emplace(sadb_, Recorder(), Duration(0));
  const SaIdentity sa = Add(0x1001);
  Pass(seconds(1));
  ASSERT_TRUE(sadb_.Delete(sa).ok());
  EXPECT_THAT(Pass(seconds(100)), IsEmpty());
}

// UDP-10
TEST_F(KeepalivesTest, AreRememberedForSoManyWaysAtMost) {
  std::vector<SaIdentity> sas;
  for (std::uint16_t i = 0; i < Keepalives::kMostRemembered + 100; ++i) {
    sas.push_back(Add(0x1001U + i, static_cast<std::uint16_t>(5000 + i)));
  }
  Pass(seconds(1));
  for (const SaIdentity& sa : sas) {
    ASSERT_TRUE(sadb_.Delete(sa).ok());
  }
  EXPECT_EQ(Pass(kInterval).size(), Keepalives::kMostRemembered);
}

TEST_F(KeepalivesTest, AreNotForSasThatDoNotWantThem) {
  Add(0x1001, 5000, std::nullopt);
  EXPECT_THAT(Pass(seconds(100)), IsEmpty());
}

}  // namespace
}  // namespace postern
