// SPDX-License-Identifier: Apache-2.0
//
// Tunnels to gateways of either family: 4in4, 6in6, 4in6, 6in4. The inner packet
// is what was sent, whatever is around it.

#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"

#include "tests/sim/sim_host.h"

namespace postern {
namespace {

struct Ends {
  const char* here;
  const char* there;
};

constexpr Ends kInner[] = {{"10.9.1.1", "10.9.2.7"},
                           {"fd00:9:1::1", "fd00:9:2::7"}};
constexpr Ends kOuter[] = {{"192.0.2.1", "192.0.2.2"},
                           {"2001:db8::1", "2001:db8::2"}};

class GatewayFamilies : public testing::TestWithParam<std::tuple<int, int>> {
 protected:
  const Ends& inner() const { return kInner[std::get<0>(GetParam())]; }

  const Ends& outer() const { return kOuter[std::get<1>(GetParam())]; }

  // The route to the other side's network through its gateway.
  static Route Through(const char* network, const char* gateway,
                       const char* source) {
    Route route;
    route.prefix = IpPrefix::Parse(network).value();
    route.levels.Set(Category::kEspNetwork, Level::kRequire);
    route.gateway = IpAddress::Parse(gateway).value();
    route.gateway_source = IpAddress::Parse(source).value();
    return route;
  }

  void SetUp() override {
    const bool v4 = std::get<0>(GetParam()) == 0;
    alice_.SetRoutes({Through(v4 ? "10.9.2.0/24" : "fd00:9:2::/64",
                              outer().there, outer().here)});
    bob_.SetRoutes({Through(v4 ? "10.9.1.0/24" : "fd00:9:1::/64", outer().here,
                            outer().there)});
    AddSa(alice_, bob_, Category::kEspNetwork);
  }

  SimHost alice_{outer().here};
  SimHost bob_{outer().there};
};

INSTANTIATE_TEST_SUITE_P(All, GatewayFamilies,
                         testing::Combine(testing::Values(0, 1),
                                          testing::Values(0, 1)));

// TUN-01 TUN-02 TUN-03 TUN-04 TUN-11 TUN-13 TUN-17 TUN-18: also an inner packet
// with options, whose time to live stays as it is.
TEST_P(GatewayFamilies, CarryTheInnerPacketUnchanged) {
  PacketBuilder builder(inner().here, inner().there);
  builder.HopLimit(1);
  if (std::get<0>(GetParam()) == 0) {
    builder.Ipv4Options({7, 7, 4, 0, 0, 0, 0});
  } else {
    builder.Extension(0, {0, 0, 1, 4, 0, 0, 0, 0});
  }
  const Octets clear = builder.Udp(1000, 2000, Octets(77));
  const auto wire = alice_.Send(clear);
  ASSERT_EQ(wire.size(), 1u);
  const auto view = IpView::Parse(wire[0]);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->source().ToString(), outer().here);
  EXPECT_EQ(view->destination().ToString(), outer().there);
  EXPECT_EQ(view->protocol(), 50);
  EXPECT_EQ(view->payload_offset(), std::get<1>(GetParam()) == 0 ? 20u : 40u);
  EXPECT_EQ(view->hop_limit(), 64);
  EXPECT_EQ(bob_.Receive(wire[0]), std::vector<Octets>{clear});
}

// PMTU-03 PMTU-05: the outer header's size is the gateway's family's.
TEST_P(GatewayFamilies, KnowWhatTheyAdd) {
  const std::size_t ip = std::get<0>(GetParam()) == 0 ? 20 : 40;
  const std::size_t outer_header = std::get<1>(GetParam()) == 0 ? 20 : 40;
  const auto packet = [&](std::size_t size) {
    return PacketBuilder(inner().here, inner().there)
        .DontFragment()
        .Udp(1000, 2000, Octets(size - ip - 8));
  };
  std::size_t largest = 1500;
  while (outer_header + 16 + (largest + 2 + 3) / 4 * 4 + 16 > 1500) {
    --largest;
  }
  EXPECT_EQ(alice_.Send(packet(largest)).size(), 1u);
  EXPECT_TRUE(alice_.Send(packet(largest + 1)).empty());
  EXPECT_EQ(alice_.TakeTold().size(), 1u);
}

}  // namespace
}  // namespace postern
