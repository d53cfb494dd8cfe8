// SPDX-License-Identifier: Apache-2.0

#include "core/flow/flow_key.h"

#include <cstdint>
#include <unordered_set>

#include "gtest/gtest.h"

namespace postern {
namespace {

IpAddress Address(std::string_view text) {
  return IpAddress::Parse(text).value();
}

TEST(FlowKey, IsWrittenForPeople) {
  EXPECT_EQ(
      ToString(FlowKey{Address("10.9.0.1"), Address("10.9.0.2"), 4711, 80, 6}),
      "tcp 10.9.0.1:4711 > 10.9.0.2:80");
  EXPECT_EQ(ToString(FlowKey{Address("2001:db8::1"), Address("2001:db8::2"),
                             4711, 53, 17}),
            "udp [2001:db8::1]:4711 > [2001:db8::2]:53");
  EXPECT_EQ(
      ToString(FlowKey{Address("10.9.0.1"), Address("10.9.0.2"), 0, 0, 1}),
      "icmp 10.9.0.1 > 10.9.0.2");
  EXPECT_EQ(
      ToString(FlowKey{Address("10.9.0.1"), Address("10.9.0.2"), 0, 0, 89}),
      "protocol 89 10.9.0.1 > 10.9.0.2");
}

TEST(FlowKey, HashesEveryPartOfItself) {
  const FlowKey base{Address("10.9.0.1"), Address("10.9.0.2"), 4711, 80, 6};
  const FlowKeyHash hash;
  EXPECT_EQ(hash(base), hash(FlowKey(base)));

  FlowKey other = base;
  other.local = Address("10.9.0.3");
  EXPECT_NE(hash(other), hash(base));
  other = base;
  other.remote = Address("10.9.0.3");
  EXPECT_NE(hash(other), hash(base));
  other = base;
  other.local_port = 4712;
  EXPECT_NE(hash(other), hash(base));
  other = base;
  other.remote_port = 81;
  EXPECT_NE(hash(other), hash(base));
  other = base;
  other.protocol = 17;
  EXPECT_NE(hash(other), hash(base));
}

// Ports that differ by multiples of a table's size must still spread.
TEST(FlowKey, SpreadsNeighbouringPortsOverATable) {
  constexpr std::size_t kSlots = 1024;
  std::unordered_set<std::size_t> slots;
  FlowKey key{Address("10.9.0.1"), Address("10.9.0.2"), 0, 80, 6};
  for (std::size_t i = 0; i < 64; ++i) {
    key.local_port = static_cast<std::uint16_t>(i * kSlots);
    slots.insert(FlowKeyHash()(key) % kSlots);
  }
  EXPECT_GT(slots.size(), 48U);  // 62 expected
}

}  // namespace
}  // namespace postern
