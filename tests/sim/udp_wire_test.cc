// SPDX-License-Identifier: Apache-2.0
//
// Two whole hosts joined by their udp wires over the loopback.

#include "wire/udp_wire.h"

#include <poll.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "tests/sim/sim_host.h"
#include "tests/unit/wire/udp_fixture.h"

namespace postern {
namespace {

const std::vector<std::pair<std::string, std::string>> kFamilies = {
    {"10.9.1.1", "10.9.2.1"}, {"fd00:9:1::1", "fd00:9:2::1"}};

// An address of the loopback that no other run of this test uses at this time.
UdpEndpoint OwnLoopback(unsigned side) {
  const unsigned pid = static_cast<unsigned>(::getpid()) & 0x3fffffU;
  const unsigned low = 127U << 24U | (pid << 1U | side) << 1U | 1U;
  Octets octets(4);
  StoreBe(Bytes(octets), low);
  return {IpAddress::FromOctets(octets), 4500};
}

class UdpWiresTest : public testing::TestWithParam<std::tuple<int, int>> {
 protected:
  std::unique_ptr<UdpWire> WireOf(unsigned side, const std::string& here,
                                  const std::string& there) {
    return UdpWire::Create({.listen = {OwnLoopback(side)},
                            .peers = {{.host = Address(there),
                                       .at = OwnLoopback(1 - side)}},
                            .own_addresses = {Address(here)},
                            .path_mtu_octets = 1500})
        .value();
  }

  // What comes out of `to` of the packets that go into `from`.
  std::vector<Octets> Pass(UdpWire& from, UdpWire& to,
                           const std::vector<Octets>& packets) {
    Batch out;
    for (const Octets& packet : packets) {
      out.Push(pool_.Copy(packet));
    }
    from.Send(out, stats_);
    std::vector<Octets> came;
    while (came.size() < packets.size() && Readable(to.descriptor())) {
      Batch in;
      to.Receive(in, pool_, stats_);
      for (const Packet& packet : in.packets()) {
        const ConstBytes octets = packet.bytes();
        came.emplace_back(octets.begin(), octets.end());
      }
      in.Clear();
    }
    return came;
  }

  PacketPool pool_{{.packets = 256, .payload = 2000}};
  WorkerStats stats_;
};

TEST_P(UdpWiresTest, CarryEveryBundleOfEspAsItWasSent) {
  const auto [subset, family] = GetParam();
  const auto& [here, there] = kFamilies[static_cast<std::size_t>(family)];
  SimHost alice(here);
  SimHost bob(there);
  for (const Category category :
       {Category::kEspTransport, Category::kEspNetwork}) {
    AddSaPair(alice, bob, category);
    const unsigned bit = category == Category::kEspTransport ? 1U : 2U;
    const Level level = (static_cast<unsigned>(subset) & bit) != 0
                            ? Level::kRequire
                            : Level::kNone;
    alice.SetSystemLevel(category, level);
    bob.SetSystemLevel(category, level);
  }
  const auto wire_of_alice = WireOf(0, here, there);
  const auto wire_of_bob = WireOf(1, there, here);
  std::vector<Octets> clear;
  for (std::size_t i = 0; i < 40; ++i) {
    // What the rebuilt header has where transport mode does not protect it.
    clear.push_back(
        WithoutIdentification(PacketBuilder(here, there)
                                  .HopLimit(64)
                                  .DontFragment()
                                  .Udp(1000, 2000,
                                       Octets(i % 10 == 9 ? 33 : 1000,
                                              static_cast<std::uint8_t>(i)))));
  }
  const auto arrived = Pass(*wire_of_alice, *wire_of_bob, alice.SendAll(clear));
  EXPECT_EQ(bob.ReceiveAll(arrived), clear);
  EXPECT_EQ(stats_.of(Count::kWireSendCalls), 1U);
  EXPECT_EQ(stats_.of(Count::kWireTrainsSent), 4U);
  EXPECT_EQ(stats_.of(Count::kWireDatagramsReceived), 40U);
  EXPECT_TRUE(bob.drained());
}

INSTANTIATE_TEST_SUITE_P(Subsets, UdpWiresTest,
                         testing::Combine(testing::Values(1, 2, 3),
                                          testing::Values(0, 1)));

// Levels that let packets go in clear: they have nowhere to go.
TEST_F(UdpWiresTest, DropWhatIsInClearByName) {
  const auto& [here, there] = kFamilies[0];
  SimHost alice(here);
  const auto wire = WireOf(0, here, there);
  const auto sent =
      alice.Send(PacketBuilder(here, there).Udp(1, 2, Octets(10)));
  ASSERT_EQ(sent.size(), 1U);
  Batch out;
  out.Push(pool_.Copy(sent[0]));
  wire->Send(out, stats_);
  EXPECT_EQ(stats_.of(DropReason::kWireCarriesEspOnly), 1U);
  EXPECT_EQ(stats_.of(Count::kWireSendCalls), 0U);
}

}  // namespace
}  // namespace postern
