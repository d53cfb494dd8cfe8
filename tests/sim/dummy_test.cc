// SPDX-License-Identifier: Apache-2.0
//
// Dummy packets (RFC 4303 2.6) from one host's SAs to the other's pipeline.

#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/bytes.h"
#include "core/net/ip_view.h"
#include "tests/sim/sim_host.h"
#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

struct Case {
  const char* alice;
  const char* bob;
  IpsecMode mode;
};

class DummyTest : public ::testing::TestWithParam<Case> {
 protected:
  DummyTest() : alice_(GetParam().alice), bob_(GetParam().bob) {}

  SaIdentity AddSa(std::optional<UdpPorts> udp = std::nullopt) {
    sa_.mode = GetParam().mode;
    sa_.source = alice_.address();
    sa_.destination = bob_.address();
    sa_.encapsulation = udp;
    EXPECT_TRUE(alice_.sadb().Add(sa_, {}, alice_.now()).ok());
    SaParameters in = sa_;
    in.direction = Direction::kInbound;
    EXPECT_TRUE(bob_.sadb().Add(in, {}, bob_.now()).ok());
    return sa_.identity();
  }

  std::vector<Octets> Make(std::size_t octets) {
    SecurityAssociation* const sa = alice_.sadb().Get(sa_.identity());
    return alice_.MakeDummy({sa_.identity(), sa->generation_id(), octets});
  }

  std::uint64_t outer() const {
    return alice_.address().family() == IpFamily::kV4 ? 20 : 40;
  }

  SaParameters sa_ = GcmSa();
  SimHost alice_;
  SimHost bob_;
};

// ESP-14 ESP-15 ESP-38 AUD-11
TEST_P(DummyTest, IsTakenLikeAnyPacketAndDroppedWithoutAWord) {
  AddSa();
  std::uint64_t sent = 0;
  for (const std::size_t octets : {40u, 41u, 576u, 1280u}) {
    const std::vector<Octets> dummy = Make(octets);
    ASSERT_EQ(dummy.size(), 1u);
    EXPECT_TRUE(bob_.Receive(dummy[0]).empty());
    EXPECT_EQ(bob_.drops(DropReason::kDummyPacket), ++sent);
    EXPECT_EQ(bob_.sadb().Get(sa_.identity())->sequence(), sent);
  }
  EXPECT_TRUE(bob_.audits().empty());
  EXPECT_EQ(bob_.count(Count::kEspOpened), sent);
  // One that comes again is a replay, and that is told.
  const Octets twice = Make(100).at(0);
  bob_.Receive(twice);
  bob_.Receive(twice);
  ASSERT_EQ(bob_.audits().size(), 1u);
  EXPECT_EQ(bob_.audits()[0].reason, DropReason::kReplayDuplicate);
}

// ESP-14
TEST_P(DummyTest, IsCountedLikeAnyPacket) {
  sa_.hard.packets = 3;
  const SaIdentity identity = AddSa();
  const SecurityAssociation& sa = *alice_.sadb().Get(identity);
  for (std::uint64_t number = 1; number <= 3; ++number) {
    ASSERT_EQ(Make(100).size(), 1u);
    EXPECT_EQ(sa.sequence(), number);
    EXPECT_EQ(sa.usage().packets, number);
    EXPECT_EQ(sa.usage().octets, number * 100);
  }
  EXPECT_TRUE(Make(100).empty());
  EXPECT_FALSE(sa.usable());
  EXPECT_EQ(alice_.count(Count::kDummiesSent), 3u);
  EXPECT_EQ(alice_.count(Count::kOutboundProtected), 3u);
}

// ESP-14
TEST_P(DummyTest, IsNobodysOnceItsSaIsGone) {
  const SaIdentity identity = AddSa();
  const DummyOrder order{identity, alice_.sadb().Get(identity)->generation_id(),
                         100};
  alice_.sadb().Get(identity)->Kill();
  EXPECT_TRUE(alice_.MakeDummy(order).empty());
  ASSERT_TRUE(alice_.sadb().Delete(identity).ok());
  EXPECT_TRUE(alice_.MakeDummy(order).empty());
  // Another took its name.
  ASSERT_TRUE(alice_.sadb().Add(sa_, {}, alice_.now()).ok());
  EXPECT_TRUE(alice_.MakeDummy(order).empty());
  EXPECT_EQ(alice_.sadb().Get(identity)->sequence(), 0u);
}

// ESP-14
TEST_P(DummyTest, IsNoLargerThanItsWay) {
  const SaIdentity identity = AddSa();
  const std::vector<Octets> large = Make(9000);
  ASSERT_EQ(large.size(), 1u);
  EXPECT_LE(large[0].size(), 1500u);
  EXPECT_GT(large[0].size(), 1480u);
  ASSERT_TRUE(alice_.sadb().Get(identity)->path_mtu().Lower(
      1300, alice_.now(), std::chrono::minutes(1)));
  EXPECT_LE(Make(9000).at(0).size(), 1300u);
}

// ESP-16
TEST_P(DummyTest, IsPaddedAsOthersOfATunnelAre) {
  if (GetParam().mode != IpsecMode::kTunnel) {
    AddSa();  // and those of others are not
    EXPECT_LT(Make(100).at(0).size(), Make(1000).at(0).size());
    return;
  }
  sa_.tfc_pad_to = 1000;
  AddSa();
  EXPECT_EQ(Make(100).at(0).size(), Make(1000).at(0).size());
  ASSERT_TRUE(alice_.sadb()
                  .Get(sa_.identity())
                  ->path_mtu()
                  .Lower(900, alice_.now(), std::chrono::minutes(1)));
  EXPECT_TRUE(Make(100).empty());
  EXPECT_EQ(alice_.drops(DropReason::kTooBig), 1u);
}

// ESP-14 UDP-14
TEST_P(DummyTest, GoesInUdpWhereItsSaDoes) {
  AddSa(UdpPorts{.source = 4500, .destination = 4500});
  const Octets dummy = Make(200).at(0);
  const Opinion<IpView> view = IpView::Parse(dummy);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->protocol(), 17);
  bob_.Receive(dummy);
  EXPECT_EQ(bob_.drops(DropReason::kDummyPacket), 1u);
}

// No two are alike, and none tells that it is one.
TEST_P(DummyTest, HoldsNothingThatAnyCouldKnow) {
  sa_.encryption = Encryption::kNull;  // so that its octets can be seen
  sa_.encryption_key = SecretBytes();
  sa_.integrity = Integrity::kHmacSha2_256_128;
  sa_.integrity_key = Key(32, 1);
  AddSa();
  Octets one = Make(200).at(0);
  Octets other = Make(200).at(0);
  ASSERT_EQ(one.size(), other.size());
  // Behind the headers, in front of trailer and ICV.
  const auto from = static_cast<std::ptrdiff_t>(
      outer() + 8 + (sa_.mode == IpsecMode::kTunnel ? outer() : 0));
  int equal = 0;
  for (auto i = from; i < from + 150; ++i) {
    equal +=
        one[static_cast<std::size_t>(i)] == other[static_cast<std::size_t>(i)];
  }
  EXPECT_LT(equal, 20);
}

INSTANTIATE_TEST_SUITE_P(
    Both, DummyTest,
    ::testing::Values(Case{"10.9.1.1", "10.9.2.1", IpsecMode::kTransport},
                      Case{"10.9.1.1", "10.9.2.1", IpsecMode::kTunnel},
                      Case{"fd00:9:1::1", "fd00:9:2::1", IpsecMode::kTransport},
                      Case{"fd00:9:1::1", "fd00:9:2::1", IpsecMode::kTunnel}));

}  // namespace
}  // namespace postern
