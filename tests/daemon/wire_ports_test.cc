// SPDX-License-Identifier: Apache-2.0
//
// The ports that a configuration of a wire makes, in a network namespace with a
// cable.

#include "daemon/wire_ports.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/wire/veth_fixture.h"
#include "wire/ethernet_wire.h"

namespace postern {
namespace {

constexpr auto kError = PacketPort::DescriptorState::kError;

class WirePortsTest : public VethFixture {
 protected:
  static NetworkConfig Config(WireKind kind, const std::string& name) {
    NetworkConfig network;
    network.tun.addresses = {{Ip("192.0.2.9"), 24}, {Ip("2001:db8::9"), 64}};
    network.wire.kind = kind;
    network.wire.name = name;
    return network;
  }

  static NetworkConfig Packet() { return Config(WireKind::kPacket, "wire0"); }

  static NetworkConfig Tap() { return Config(WireKind::kTap, "wire-a"); }

  Result<WirePorts> Make(NetworkConfig& network) {
    return host().RunInside(
        [&] { return CreateWirePorts(network, LoadSteering(network.pairs)); });
  }

  Status Attach(const NetworkConfig& network) {
    return host().RunInside([&] { return AttachWire(network); });
  }

  WirePorts Made(NetworkConfig& network) {
    Result<WirePorts> wire = Make(network);
    EXPECT_TRUE(wire.ok()) << wire.error().message;
    return wire.ok() ? std::move(*wire) : WirePorts();
  }

  // Two announcements, for each address; from the wire's Ethernet address.
  void ExpectAnnouncements(PacketPort& port, const MacAddress& mac) {
    Batch batch;
    EXPECT_EQ(port.Receive(batch, pool_, stats_), 0U);
    for (const char* model :
         {frames::kArpAnnouncement, frames::kHostAdvertisesToAll,
          frames::kListenerReport}) {
      const Octets frame = peer_->Receive();
      EXPECT_EQ(MacAddress::FromOctets(ConstBytes(frame).subspan(6)), mac);
      if (mac == kHost) {
        EXPECT_EQ(frame, Hex(model));
      }
    }
  }
};

TEST_F(WirePortsTest, MakesAPacketWireThatSpeaksForTheHost) {
  NetworkConfig network = Packet();
  network.wire.mac = kHost;
  const WirePorts wire = Made(network);
  ASSERT_EQ(wire.size(), 1U);
  EXPECT_EQ(wire[0]->mtu(), 1500U);
  EXPECT_FALSE(wire[0]->IsGone(kError));
  EXPECT_EQ(network.wire.mac, kHost);
  EXPECT_TRUE(Attach(network));  // there is nothing to do
  ExpectAnnouncements(*wire[0], kHost);
}

TEST_F(WirePortsTest, ChoosesAnEthernetAddressWhereNoneIsNamed) {
  std::vector<MacAddress> chosen;
  for (int i = 0; i < 2; ++i) {
    NetworkConfig network = Packet();
    const WirePorts wire = Made(network);
    ASSERT_EQ(wire.size(), 1U);
    ASSERT_TRUE(network.wire.mac);
    EXPECT_EQ(network.wire.mac->octets()[0] & 3U, 2U);
    ExpectAnnouncements(*wire[0], *network.wire.mac);
    chosen.push_back(*network.wire.mac);
  }
  EXPECT_NE(chosen[0], chosen[1]);
}

TEST_F(WirePortsTest, APacketWiresMtuIsBounded) {
  NetworkConfig network = Packet();
  network.wire.path_mtu_octets = 1400;
  EXPECT_EQ(Made(network)[0]->mtu(), 1400U);
  network.wire.path_mtu_octets = 1600;
  const Result<WirePorts> more = Make(network);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, ErrorCode::kInvalid);
  EXPECT_NE(more.error().message.find("1500"), std::string::npos);
  ASSERT_TRUE(OpenNetlink().SetMtu(kInterface, 20'000));
  network.wire.path_mtu_octets.reset();
  EXPECT_EQ(Made(network)[0]->mtu(), EthernetWire::kMostMtu);
}

// The ports share what they know: the announcements are said once.
TEST_F(WirePortsTest, MakesAPortForEachPair) {
  NetworkConfig network = Packet();
  network.wire.mac = kHost;
  network.pairs = 3;
  const WirePorts wire = Made(network);
  ASSERT_EQ(wire.size(), 3U);
  ExpectAnnouncements(*wire[2], kHost);
  Batch batch;
  EXPECT_EQ(wire[0]->Receive(batch, pool_, stats_), 0U);
  EXPECT_TRUE(peer_->HasNothing());
}

TEST_F(WirePortsTest, MakesATapAndSetsItUp) {
  NetworkConfig network = Tap();
  network.wire.mtu_octets = 9000;
  const WirePorts wire = Made(network);
  ASSERT_EQ(wire.size(), 1U);
  EXPECT_EQ(wire[0]->mtu(), 9000U);
  ASSERT_TRUE(network.wire.mac);
  EXPECT_TRUE(network.wire.mac->is_station());
  EXPECT_EQ(OpenNetlink().FindLink("wire-a")->state(), LinkState::kDown);
  EXPECT_TRUE(Attach(network));
  EXPECT_EQ(OpenNetlink().FindLink("wire-a")->state(), LinkState::kUp);
}

// The cable's end and the TAP are ports of one bridge: the neighbour hears us.
TEST_F(WirePortsTest, ATapIsABridgesPort) {
  if (!Run("ip link add br0 type bridge && ip link set br0 up && "
           "ip link set wire0 master br0")) {
    GTEST_SKIP() << "no bridge for us";
  }
  NetworkConfig network = Tap();
  network.wire.mac = kHost;
  network.wire.bridge = "br0";
  const WirePorts wire = Made(network);
  ASSERT_EQ(wire.size(), 1U);
  ASSERT_TRUE(Attach(network));
  const auto spoken = [this, &wire] {
    Batch batch;
    EXPECT_EQ(wire[0]->Receive(batch, pool_, stats_), 0U);
    return !peer_->HasNothing();
  };
  // The bridge's other end says things of its own: they are passed over.
  const Instant end = MonotonicNow() + std::chrono::seconds(10);
  bool heard = false;
  while (!heard && MonotonicNow() < end) {
    heard = spoken() && peer_->Receive() == Hex(frames::kArpAnnouncement);
  }
  EXPECT_TRUE(heard);
}

TEST_F(WirePortsTest, SaysWhenThereIsNoSuchBridge) {
  NetworkConfig network = Tap();
  network.wire.bridge = "br7";
  const WirePorts wire = Made(network);
  const Status attached = Attach(network);
  ASSERT_FALSE(attached.ok());
  EXPECT_EQ(attached.error().code, ErrorCode::kNotFound);
  EXPECT_NE(attached.error().message.find("br7"), std::string::npos);
}

TEST_F(WirePortsTest, SaysWhenThereIsNoSuchInterface) {
  NetworkConfig network = Config(WireKind::kPacket, "eth7");
  const Result<WirePorts> wire = Make(network);
  ASSERT_FALSE(wire.ok());
  EXPECT_EQ(wire.error().code, ErrorCode::kNotFound);
  EXPECT_NE(wire.error().message.find("eth7"), std::string::npos);
}

// A wire that went down is not gone, whatever is in front of its port.
TEST_F(WirePortsTest, RecordsAndInjectsFaultsInFrontOfIt) {
  const std::string path =
      (std::filesystem::temp_directory_path() /
       ("postern-wire-ports-" + std::to_string(::getpid()) + ".pcap"))
          .string();
  NetworkConfig network = Packet();
  network.wire.mac = kHost;
  network.wire.record = path;
  network.wire.faults.emplace();
  const WirePorts wire = Made(network);
  ASSERT_EQ(wire.size(), 1U);
  ASSERT_TRUE(OpenNetlink().SetState(kInterface, LinkState::kDown));
  EXPECT_FALSE(wire[0]->IsGone(kError));
  SetUpInterface();
  EXPECT_TRUE(wire[0]->NextDeadline());  // the announcements
  ExpectAnnouncements(*wire[0], kHost);
  EXPECT_TRUE(std::filesystem::remove(path));
}

}  // namespace
}  // namespace postern
