// SPDX-License-Identifier: Apache-2.0
//
// What a host's own programs are told of packets that do not leave (RFC 4301
// 5.1.1). The errors are read as RFC 792 and RFC 4443 have them.

#include <vector>

#include "gtest/gtest.h"

#include "core/bytes.h"
#include "core/net/checksum.h"
#include "core/net/ip_view.h"
#include "core/net/protocols.h"
#include "tests/sim/sim_host.h"

namespace postern {
namespace {

struct Family {
  const char* alice;
  const char* bob;
  std::uint16_t prohibited;   // type and code
  std::uint16_t unreachable;  // of the peer
};

class DiscardsTest : public ::testing::TestWithParam<Family> {
 protected:
  Octets Datagram() const {
    return PacketBuilder(GetParam().alice, GetParam().bob).Udp(4000, 80, {1});
  }

  void Discard() {
    Route route;
    route.prefix = IpPrefix::Parse(GetParam().bob).value();
    route.verdict = Route::Verdict::kDiscard;
    alice_.SetRoutes({route});
  }

  // That the error is from bob to alice, of this kind, and quotes the packet.
  static void ExpectError(const Octets& error, std::uint16_t kind,
                          const Octets& about) {
    const Opinion<IpView> view = IpView::Parse(error);
    ASSERT_TRUE(view.ok());
    EXPECT_EQ(view->source().ToString(), GetParam().bob);
    EXPECT_EQ(view->destination().ToString(), GetParam().alice);
    const ConstBytes icmp = view->payload();
    ASSERT_EQ(icmp.size(), 8 + about.size());
    EXPECT_EQ(LoadBe<std::uint16_t>(icmp), kind);
    EXPECT_EQ(LoadBe<std::uint32_t>(icmp.subspan(4)), 0u);
    EXPECT_EQ(Octets(icmp.begin() + 8, icmp.end()), about);
    const bool v4 = view->family() == IpFamily::kV4;
    EXPECT_EQ(view->protocol(), v4 ? 1 : 58);
    if (v4) {
      EXPECT_EQ(InternetChecksum(icmp), 0);
      EXPECT_EQ(InternetChecksum(view->header()), 0);
    } else {
      EXPECT_EQ(
          TransportChecksum(view->source(), view->destination(), 58, icmp), 0);
    }
  }

  SimHost alice_{GetParam().alice, {}, SimHost::Discards::kTold};
};

INSTANTIATE_TEST_SUITE_P(
    Families, DiscardsTest,
    ::testing::Values(Family{"10.9.1.1", "10.9.2.1", 0x030d, 0x0301},
                      Family{"fd00::1", "fd00::2", 0x0101, 0x0103}));

// OUT-06
TEST_P(DiscardsTest, PolicyIsToldAsProhibited) {
  Discard();
  EXPECT_TRUE(alice_.Send(Datagram()).empty());
  const std::vector<Octets> told = alice_.TakeTold();
  ASSERT_EQ(told.size(), 1u);
  ExpectError(told[0], GetParam().prohibited, Datagram());
  EXPECT_EQ(alice_.count(Count::kDiscardsTold), 1u);
  EXPECT_EQ(alice_.drops(DropReason::kDiscardRoute), 1u);
}

// OUT-06: key management said that there will be none.
TEST_P(DiscardsTest, ARefusedAcquireIsToldAsProhibited) {
  alice_.SetSystemLevel(Category::kAh, Level::kRequire);
  EXPECT_TRUE(alice_.Send(Datagram()).empty());
  EXPECT_TRUE(alice_.TakeTold().empty());
  const auto asked = alice_.acquires().List();
  ASSERT_EQ(asked.size(), 1u);
  ASSERT_TRUE(alice_.acquires().Refuse(asked[0].id, alice_.now()).ok());
  alice_.ReleaseHeld();
  EXPECT_TRUE(alice_.Resume().empty());
  const std::vector<Octets> told = alice_.TakeTold();
  ASSERT_EQ(told.size(), 1u);
  ExpectError(told[0], GetParam().prohibited, Datagram());
}

// OUT-07: nobody said anything.
TEST_P(DiscardsTest, APeerWithoutSaIsToldAsUnreachable) {
  alice_.SetSystemLevel(Category::kAh, Level::kRequire);
  EXPECT_TRUE(alice_.Send(Datagram()).empty());
  alice_.Advance(HeldPackets::Limits().time - std::chrono::milliseconds(1));
  EXPECT_TRUE(alice_.Resume().empty());
  EXPECT_TRUE(alice_.TakeTold().empty());
  alice_.Advance(std::chrono::milliseconds(1));
  EXPECT_TRUE(alice_.Resume().empty());
  const std::vector<Octets> told = alice_.TakeTold();
  ASSERT_EQ(told.size(), 1u);
  ExpectError(told[0], GetParam().unreachable, Datagram());
  EXPECT_EQ(alice_.drops(DropReason::kNoSa), 1u);
}

// OUT-08: as wished, and not too often.
TEST_P(DiscardsTest, AreToldWhereThatIsWishedAndNotTooOften) {
  Discard();
  for (std::size_t i = 0; i < 2 * OutboundPipeline::kToldDiscards; ++i) {
    EXPECT_TRUE(alice_.Send(Datagram()).empty());
  }
  EXPECT_EQ(alice_.TakeTold().size(), OutboundPipeline::kToldDiscards);
  alice_.Advance(std::chrono::milliseconds(10));
  EXPECT_TRUE(alice_.SendAll({Datagram(), Datagram()}).empty());
  EXPECT_EQ(alice_.TakeTold().size(), 1u);

  SimHost silent(GetParam().alice);
  Route route;
  route.prefix = IpPrefix::Parse(GetParam().bob).value();
  route.verdict = Route::Verdict::kDiscard;
  silent.SetRoutes({route});
  EXPECT_TRUE(silent.Send(Datagram()).empty());
  EXPECT_TRUE(silent.TakeTold().empty());
  EXPECT_EQ(silent.count(Count::kDiscardsTold), 0u);
}

// ICMP-11: no error about an error, nor about what policy does not discard.
TEST_P(DiscardsTest, AreNotToldOfErrors) {
  Discard();
  const bool v4 = GetParam().prohibited == 0x030d;
  Octets icmp = {static_cast<std::uint8_t>(v4 ? 3 : 1), 1, 0, 0, 0, 0, 0, 0};
  const Octets about =
      PacketBuilder(GetParam().bob, GetParam().alice).Udp(80, 4000, {1});
  icmp.insert(icmp.end(), about.begin(), about.end());
  EXPECT_TRUE(alice_
                  .Send(PacketBuilder(GetParam().alice, GetParam().bob)
                            .Raw(v4 ? 1 : 58, icmp))
                  .empty());
  EXPECT_TRUE(alice_.Send({0x45}).empty());
  EXPECT_TRUE(alice_.TakeTold().empty());
  EXPECT_EQ(alice_.drops(DropReason::kDiscardRoute), 1u);
}

}  // namespace
}  // namespace postern
