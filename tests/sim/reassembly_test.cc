// SPDX-License-Identifier: Apache-2.0
//
// Protected packets that routers cut on their way: each is put together before
// its AH or ESP is looked at.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/net/protocols.h"
#include "tests/sim/sim_host.h"
#include "tests/support/naive_fragments.h"

namespace postern {
namespace {

struct Case {
  const char* here;
  const char* there;
  Category category;
};

class Reassembly : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    AddSaPair(alice_, bob_, GetParam().category);
    alice_.SetSystemLevel(GetParam().category, Level::kRequire);
    bob_.SetSystemLevel(GetParam().category, Level::kRequire);
  }

  Octets Datagram(std::size_t size) const {
    return PacketBuilder(GetParam().here, GetParam().there)
        .Udp(1000, 2000, Octets(size));
  }

  Octets OnTheWire(std::size_t size) {
    return alice_.Send(Datagram(size)).at(0);
  }

  SimHost alice_{GetParam().here};
  SimHost bob_{GetParam().there};
};

INSTANTIATE_TEST_SUITE_P(
    Categories, Reassembly,
    testing::Values(Case{"10.9.1.1", "10.9.2.1", Category::kEspTransport},
                    Case{"10.9.1.1", "10.9.2.1", Category::kAh},
                    Case{"10.9.1.1", "10.9.2.1", Category::kEspNetwork},
                    Case{"fd00:9:1::1", "fd00:9:2::1", Category::kEspTransport},
                    Case{"fd00:9:1::1", "fd00:9:2::1", Category::kAh},
                    Case{"fd00:9:1::1", "fd00:9:2::1", Category::kEspNetwork}));

// IN-01 FRAG-11 (IPv4's identification enters AH's ICV: it is kept)
TEST_P(Reassembly, FragmentsInAnyOrderAreOnePacket) {
  for (const std::size_t most : {704u, 504u}) {
    for (int order = 0; order < 6; ++order) {
      const Octets packet = OnTheWire(1300);
      const std::uint32_t id =
          packet[0] >> 4 == 4 ? packet[4] * 256u + packet[5] : 77;
      auto fragments = NaiveFragments(packet, most, id);
      ASSERT_EQ(fragments.size(), most == 704 ? 2u : 3u);
      std::rotate(fragments.begin(), fragments.begin() + order % 3 % 2,
                  fragments.end());
      if (order >= 3) {
        std::ranges::reverse(fragments);
      }
      EXPECT_EQ(bob_.ReceiveAll(fragments),
                std::vector<Octets>{Datagram(1300)});
    }
  }
  EXPECT_EQ(bob_.count(Count::kReassembled), 12u);
  EXPECT_EQ(bob_.audits().size(), 0u);
}

// FRAG-10: auditable, and the number is not used up.
TEST_P(Reassembly, ALeftOverFragmentIsAudited) {
  const Octets packet = OnTheWire(1000);
  EXPECT_TRUE(bob_.Receive(NaiveFragments(packet, 504)[0]).empty());
  bob_.Advance(std::chrono::seconds(30));
  EXPECT_TRUE(bob_.ReceiveAll({}).empty());
  EXPECT_EQ(bob_.drops(DropReason::kReassemblyTimeout), 1u);
  ASSERT_EQ(bob_.audits().size(), 1u);
  EXPECT_EQ(bob_.audits()[0].reason, DropReason::kReassemblyTimeout);
  EXPECT_EQ(bob_.Receive(packet).size(), 1u);
}

// DEF-18: what is too short for AH or ESP says nothing for itself.
TEST_P(Reassembly, AForgedFragmentSpoilsItsDatagramOnly) {
  const Octets packet = OnTheWire(1000);
  auto fragments = NaiveFragments(packet, 504, 9);
  Octets forged = NaiveFragment(packet, {8, 512, true, 9});
  EXPECT_TRUE(bob_.ReceiveAll({fragments[0], forged, fragments[1]}).empty());
  EXPECT_EQ(bob_.drops(DropReason::kFragmentOverlap), 3u);
  EXPECT_EQ(bob_.Receive(packet).size(), 1u);
}

// RFC 6946, FRAG-15: an atomic fragment waits for nobody.
TEST(Reassembly6, AnAtomicFragmentIsAWholePacket) {
  SimHost alice("fd00:9:1::1");
  SimHost bob("fd00:9:2::1");
  AddSaPair(alice, bob, Category::kEspTransport);
  for (SimHost* host : {&alice, &bob}) {
    host->SetSystemLevel(Category::kEspTransport, Level::kRequire);
  }
  const auto datagram =
      PacketBuilder("fd00:9:1::1", "fd00:9:2::1").Udp(1, 2, Octets(400));
  const Octets first = alice.Send(datagram).at(0);
  const Octets second = alice.Send(datagram).at(0);
  const auto fragments = NaiveFragments(first, 304, 5);
  const Octets atomic =
      NaiveFragment(second, {0, second.size() - 40, false, 5});
  EXPECT_TRUE(bob.Receive(fragments[0]).empty());
  EXPECT_EQ(bob.Receive(atomic).size(), 1u);
  EXPECT_EQ(bob.Receive(fragments[1]), std::vector<Octets>{datagram});
}

class ReassemblyInATunnel : public testing::Test {
 protected:
  // A gateway may cut what it puts into its tunnel: AH in fragments in ESP.
  void SetUp() override {
    AddSaPair(alice_, bob_, Category::kAh);
    AddSaPair(alice_, bob_, Category::kEspNetwork);
    alice_.SetSystemLevel(Category::kAh, Level::kRequire);
    const Octets packet = alice_.Send(datagram_).at(0);
    fragments_ = NaiveFragments(packet, 520, packet[4] * 256u + packet[5]);
    alice_.SetSystemLevel(Category::kAh, Level::kNone);
    alice_.SetSystemLevel(Category::kEspNetwork, Level::kRequire);
    bob_.SetSystemLevel(Category::kAh, Level::kRequire);
    bob_.SetSystemLevel(Category::kEspNetwork, Level::kRequire);
    for (const Octets& fragment : fragments_) {
      tunnelled_.push_back(alice_.Send(fragment).at(0));
    }
  }

  const Octets datagram_ =
      PacketBuilder("10.9.1.1", "10.9.2.1").Udp(1, 2, Octets(1000));
  SimHost alice_{"10.9.1.1"};
  SimHost bob_{"10.9.2.1"};
  std::vector<Octets> fragments_;
  std::vector<Octets> tunnelled_;
};

TEST_F(ReassemblyInATunnel, FragmentsThatCameThroughOneSaAreOnePacket) {
  EXPECT_TRUE(bob_.Receive(tunnelled_[0]).empty());
  // One that came without the tunnel is none of them.
  EXPECT_TRUE(bob_.Receive(fragments_[1]).empty());
  EXPECT_EQ(bob_.Receive(tunnelled_[1]), std::vector<Octets>{datagram_});
  bob_.Advance(std::chrono::seconds(30));
  EXPECT_TRUE(bob_.ReceiveAll({}).empty());
  EXPECT_EQ(bob_.drops(DropReason::kReassemblyTimeout), 1u);
}

// FRAG-12
TEST_F(ReassemblyInATunnel, ForgedFragmentsInClearPushNoneOfThemOut) {
  EXPECT_TRUE(bob_.Receive(tunnelled_[0]).empty());
  for (int host = 1; host < 200; ++host) {
    const auto forged =
        PacketBuilder("10.9.1." + std::to_string(host), "10.9.2.1")
            .Raw(Number(IpProtocol::kAh), Octets(1000));
    EXPECT_TRUE(bob_.Receive(NaiveFragments(forged, 520)[0]).empty());
  }
  EXPECT_GT(bob_.drops(DropReason::kReassemblyOverflow), 50u);
  EXPECT_EQ(bob_.Receive(tunnelled_[1]), std::vector<Octets>{datagram_});
}

}  // namespace
}  // namespace postern
