// SPDX-License-Identifier: Apache-2.0
//
// The route table against the definition of the longest prefix match: a linear
// scan that compares bit by bit.

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

#include "policy/route_table.h"

namespace postern {
namespace {

bool Bit(const IpAddress& address, unsigned position) {
  return (address.octets()[position / 8] >> (7 - position % 8) & 1) != 0;
}

bool Holds(const IpPrefix& prefix, const IpAddress& address) {
  if (prefix.address().family() != address.family()) {
    return false;
  }
  for (unsigned i = 0; i < prefix.length(); ++i) {
    if (Bit(prefix.address(), i) != Bit(address, i)) {
      return false;
    }
  }
  return true;
}

const Route* LinearScan(const std::vector<Route>& routes,
                        const IpAddress& address) {
  const Route* best = nullptr;
  for (const Route& route : routes) {
    if (Holds(route.prefix, address) &&
        (best == nullptr || route.prefix.length() > best->prefix.length())) {
      best = &route;
    }
  }
  return best;
}

class Addresses {
 public:
  // Few distinct octets, so that prefixes nest.
  IpAddress Next() {
    std::array<std::uint8_t, 16> octets{};
    for (auto& octet : octets) {
      octet = static_cast<std::uint8_t>(Choose(2) == 0 ? 0x0a : 0x8b);
    }
    octets[3] = static_cast<std::uint8_t>(Choose(256));
    octets[15] = octets[3];
    return IpAddress::FromOctets(
        ConstBytes(octets).first(Choose(2) == 0 ? 4 : 16));
  }

  unsigned Choose(unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random_);
  }

 private:
  std::mt19937 random_{20240601};
};

// DEF-41
TEST(RouteTableProperty, FindsWhatALinearScanFinds) {
  Addresses addresses;
  for (int round = 0; round < 100; ++round) {
    RouteTable table;
    std::vector<Route> definition;
    for (unsigned i = addresses.Choose(40); i > 0; --i) {
      const IpAddress address = addresses.Next();
      Route route;
      route.prefix =
          IpPrefix(address, addresses.Choose(BitsOf(address.family()) + 1));
      route.levels.Set(Category::kAh, static_cast<Level>(addresses.Choose(5)));
      std::erase_if(definition, [&](const Route& other) {
        return other.prefix == route.prefix;
      });
      definition.push_back(route);
      table = table.With(route).value();
    }
    for (int i = 0; i < 200; ++i) {
      const IpAddress remote = addresses.Next();
      const Route* const expected = LinearScan(definition, remote);
      const Route& found = table.Find(remote);
      if (expected == nullptr) {
        ASSERT_TRUE(found.levels.empty()) << remote.ToString();
      } else {
        ASSERT_EQ(found.prefix, expected->prefix) << remote.ToString();
        ASSERT_EQ(found.levels, expected->levels);
      }
    }
  }
}

}  // namespace
}  // namespace postern
