// SPDX-License-Identifier: Apache-2.0
//
// Bundles through two whole hosts: what is on the wire, in which order, and
// what comes out of it.

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/net/ip_view.h"
#include "tests/sim/sim_host.h"

namespace postern {
namespace {

const std::vector<std::pair<std::string, std::string>> kFamilies = {
    {"10.9.1.1", "10.9.2.1"}, {"fd00:9:1::1", "fd00:9:2::1"}};

std::uint8_t ProtocolAt(const Octets& packet) {
  return IpView::Parse(packet).value().protocol();
}

// Every subset of the three categories, both families: what goes in comes out,
// byte for byte, and its path satisfies a receiver that requires the subset.
class EveryBundle : public testing::TestWithParam<std::tuple<int, int>> {};

// IN-09
TEST_P(EveryBundle, ArrivesAsItWasSent) {
  const auto [subset, family] = GetParam();
  const auto& [here, there] = kFamilies[static_cast<std::size_t>(family)];
  SimHost alice(here);
  SimHost bob(there);
  for (const Category category : kCategories) {
    AddSaPair(alice, bob, category);
    const bool wanted = ((subset >> static_cast<int>(category)) & 1) != 0;
    const Level level = wanted ? Level::kRequire : Level::kNone;
    alice.SetSystemLevel(category, level);
    bob.SetSystemLevel(category, level);
  }
  const Octets clear = PacketBuilder(here, there).Udp(1000, 2000, Octets(99));

  const auto wire = alice.Send(clear);
  ASSERT_EQ(wire.size(), 1u);
  EXPECT_EQ(wire[0] == clear, subset == 0);

  const auto delivered = bob.Receive(wire[0]);
  ASSERT_EQ(delivered.size(), 1u);
  EXPECT_EQ(delivered[0], clear);
}

// API-18 API-45: each missing category is named.
TEST_P(EveryBundle, IsNotEnoughForAReceiverThatRequiresMore) {
  const auto [subset, family] = GetParam();
  const auto& [here, there] = kFamilies[static_cast<std::size_t>(family)];
  SimHost alice(here);
  SimHost bob(there);
  for (const Category category : kCategories) {
    AddSaPair(alice, bob, category);
    const bool wanted = ((subset >> static_cast<int>(category)) & 1) != 0;
    alice.SetSystemLevel(category, wanted ? Level::kUse : Level::kNone);
    bob.SetSystemLevel(category, Level::kRequire);
  }
  const Octets clear = PacketBuilder(here, there).Udp(1000, 2000, Octets(99));

  const auto wire = alice.Send(clear);
  ASSERT_EQ(wire.size(), 1u);
  const bool complete = subset == 7;
  EXPECT_EQ(bob.Receive(wire[0]).size(), complete ? 1u : 0u);
  const std::uint64_t refused =
      bob.drops(DropReason::kPolicyRequiresEspTransport) +
      bob.drops(DropReason::kPolicyRequiresAh) +
      bob.drops(DropReason::kPolicyRequiresEspNetwork);
  EXPECT_EQ(refused, complete ? 0u : 1u);
  EXPECT_EQ(bob.audits().size(), refused);
}

INSTANTIATE_TEST_SUITE_P(Subsets, EveryBundle,
                         testing::Combine(testing::Range(0, 8),
                                          testing::Values(0, 1)));

// API-03 API-04 API-05: IP' | ESP( IP | AH | ESP( payload ) ).
TEST(Bundle, HasTheDraftsOrder) {
  SimHost alice("fd00:9:1::1");
  SimHost bob("fd00:9:2::1");
  for (const Category category : kCategories) {
    AddSaPair(alice, bob, category, Encryption::kNull);  // legible
    alice.SetSystemLevel(category, Level::kRequire);
  }
  const auto wire = alice.Send(
      PacketBuilder("fd00:9:1::1", "fd00:9:2::1").Tcp(1000, 80, kSyn));
  ASSERT_EQ(wire.size(), 1u);

  const Octets& packet = wire[0];
  const IpView outer = IpView::Parse(packet).value();
  EXPECT_EQ(outer.protocol(), 50);
  EXPECT_EQ(outer.source(), alice.address());
  EXPECT_EQ(outer.destination(), bob.address());
  EXPECT_EQ(outer.payload_offset(), 40u);  // no extension headers

  // ESP with NULL encryption: SPI, number, then the inner packet in clear.
  const Octets inner(packet.begin() + 40 + 8, packet.end());
  const IpView between = IpView::Parse(inner).value();
  EXPECT_EQ(between.protocol(), 51);
  EXPECT_EQ(between.source(), alice.address());
  EXPECT_EQ(inner[between.payload_offset()], 50);  // AH's next header
}

// DEF-33.
TEST(Bundle, InTheWrongOrderSatisfiesNothing) {
  SimHost alice("10.9.1.1");
  SimHost bob("10.9.2.1");
  AddSaPair(alice, bob, Category::kAh);
  AddSaPair(alice, bob, Category::kEspTransport);
  // AH first and ESP transport around it: two senders in a row.
  alice.SetSystemLevel(Category::kAh, Level::kRequire);
  const auto signed_only =
      alice.Send(PacketBuilder("10.9.1.1", "10.9.2.1").Udp(1, 2, Octets(30)));
  ASSERT_EQ(signed_only.size(), 1u);
  SimHost second("10.9.1.1");
  SimHost unused("10.9.2.1");
  AddSaPair(second, unused, Category::kEspTransport);
  second.SetSystemLevel(Category::kEspTransport, Level::kRequire);
  const auto wrong = second.Send(signed_only[0]);
  ASSERT_EQ(wrong.size(), 1u);
  EXPECT_EQ(ProtocolAt(wrong[0]), 50);

  bob.SetSystemLevel(Category::kAh, Level::kRequire);
  EXPECT_TRUE(bob.Receive(wrong[0]).empty());
  EXPECT_EQ(bob.drops(DropReason::kPolicyRequiresAh), 1u);
}

TEST(Bundle, OfMoreTransformsThanWeRemoveIsRefused) {
  SimHost alice("10.9.1.1");
  SimHost bob("10.9.2.1");
  AddSaPair(alice, bob, Category::kEspNetwork);
  alice.SetSystemLevel(Category::kEspNetwork, Level::kRequire);
  const Octets clear =
      PacketBuilder("10.9.1.1", "10.9.2.1").Udp(1, 2, Octets(30));
  const auto nested = [&](std::size_t depth) {
    Octets packet = clear;
    for (std::size_t i = 0; i < depth; ++i) {
      packet = alice.Send(packet).at(0);
    }
    return packet;
  };
  EXPECT_TRUE(bob.Receive(nested(TransformPath::kMaxDepth + 1)).empty());
  EXPECT_EQ(bob.drops(DropReason::kTooManyTransforms), 1u);
  EXPECT_EQ(bob.Receive(nested(TransformPath::kMaxDepth)).size(), 1u);
}

}  // namespace
}  // namespace postern
