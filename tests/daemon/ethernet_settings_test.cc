// SPDX-License-Identifier: Apache-2.0
//
// The configuration of a wire by which the host is a station of an Ethernet.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/host_config.h"
#include "policy/bundle.h"

namespace postern {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr const char* kTap = "kind = \"tap\"\n";
constexpr const char* kPacket = "kind = \"packet\"\ninterface = \"eth0\"\n";

std::string HostWith(const std::string& addresses, const std::string& wire) {
  return "[host]\nname = \"a\"\n[tun]\naddresses = [" + addresses +
         "]\n[wire]\n" + wire;
}

std::string Host(const std::string& wire) {
  return HostWith(R"("10.9.1.1/24", "fd00:9:1::1/64")", wire);
}

WireConfig Read(const std::string& text) {
  const auto config = ParseHostConfig(text, "/etc/postern");
  if (!config.ok()) {
    for (const Defect& defect : config.error()) {
      ADD_FAILURE() << InFile("host.toml", defect);
    }
    return {};
  }
  return config->network.wire;
}

std::vector<std::string> Refused(const std::string& text) {
  const auto config = ParseHostConfig(text, "/etc/postern");
  std::vector<std::string> lines;
  if (!config.ok()) {
    for (const Defect& defect : config.error()) {
      lines.push_back(InFile("host.toml", defect));
    }
  }
  return lines;
}

TEST(EthernetSettings, ReadsATapWire) {
  const WireConfig wire = Read(
      Host(std::string(kTap) + "name = \"t0\"\nmtu = 9000\nbridge = \"br0\"\n"
                               "mac = \"02:00:5e:10:00:01\"\n"
                               "gateways = [\"10.9.1.254\", \"fe80::1\"]\n"));
  EXPECT_EQ(wire.kind, WireKind::kTap);
  EXPECT_EQ(wire.name, "t0");
  EXPECT_EQ(wire.mtu_octets, 9000U);
  EXPECT_EQ(MtuOf(wire), 9000U);
  EXPECT_EQ(wire.bridge, "br0");
  ASSERT_TRUE(wire.mac);
  EXPECT_EQ(wire.mac->ToString(), "02:00:5e:10:00:01");
  ASSERT_EQ(wire.gateways.size(), 2U);
  EXPECT_EQ(wire.gateways[0].ToString(), "10.9.1.254");
  EXPECT_EQ(wire.gateways[1].ToString(), "fe80::1");
}

TEST(EthernetSettings, ReadsAPacketWire) {
  const WireConfig wire = Read(Host(std::string(kPacket) +
                                    "mtu = 1400\nmac = \"0A:00:5e:10:00:01\"\n"
                                    "gateways = [\"10.9.1.254\"]\n"));
  EXPECT_EQ(wire.kind, WireKind::kPacket);
  EXPECT_EQ(wire.name, "eth0");
  EXPECT_EQ(wire.path_mtu_octets, 1400U);
  ASSERT_TRUE(wire.mac);
  EXPECT_EQ(wire.mac->ToString(), "0a:00:5e:10:00:01");
  ASSERT_EQ(wire.gateways.size(), 1U);
}

TEST(EthernetSettings, NeedsLittle) {
  const WireConfig tap = Read(Host(kTap));
  EXPECT_EQ(tap.name, "wire-a");
  EXPECT_EQ(tap.mtu_octets, 1500U);
  EXPECT_FALSE(tap.bridge);
  EXPECT_FALSE(tap.mac);  // by chance, later
  EXPECT_THAT(tap.gateways, IsEmpty());
  const WireConfig packet = Read(Host(kPacket));
  EXPECT_FALSE(packet.path_mtu_octets);
  EXPECT_FALSE(packet.mac);
  EXPECT_THAT(packet.gateways, IsEmpty());
}

// That of the interface that is used is only known once the wire is there.
TEST(EthernetSettings, TheTunsMtuFollowsFromTheTaps) {
  const auto config = ParseHostConfig(Host(kTap), "/etc/postern");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->network.tun.mtu_octets, 1500 - kWorstBundleOverhead);
  const auto packet = ParseHostConfig(Host(kPacket), "/etc/postern");
  ASSERT_TRUE(packet.ok());
  EXPECT_FALSE(packet->network.tun.mtu_octets);
  EXPECT_FALSE(MtuOf(packet->network.wire));
}

TEST(EthernetSettings, APacketWireNeedsItsInterface) {
  EXPECT_THAT(Refused(Host("kind = \"packet\"\n")),
              ElementsAre(AllOf(StartsWith("host.toml:5:1: wire:"),
                                HasSubstr("\"interface\" is missing"))));
  EXPECT_THAT(Refused(Host("kind = \"packet\"\ninterface = \"eth/0\"\n")),
              ElementsAre(AllOf(StartsWith("host.toml:7:13: wire.interface:"),
                                HasSubstr("1 to 15 characters"))));
}

TEST(EthernetSettings, RefusesNamesThatAreNone) {
  EXPECT_THAT(
      Refused(Host(std::string(kTap) +
                   "name = \"much-too-long-a-name\"\nbridge = \"\"\n")),
      ElementsAre(HasSubstr("wire.name: "), HasSubstr("wire.bridge: ")));
}

// A frame of more than 9216 octets is not what a pool's packet holds.
TEST(EthernetSettings, TheMtuHasBounds) {
  for (const char* kind : {kTap, kPacket}) {
    EXPECT_THAT(Refused(Host(std::string(kind) + "mtu = 1280\n")), IsEmpty());
    EXPECT_THAT(Refused(Host(std::string(kind) + "mtu = 9202\n")), IsEmpty());
    for (const char* mtu : {"1279", "9203"}) {
      EXPECT_THAT(Refused(Host(std::string(kind) + "mtu = " + mtu + "\n")),
                  ElementsAre(AllOf(HasSubstr("wire.mtu: "),
                                    HasSubstr("1280 to 9202"))));
    }
  }
}

TEST(EthernetSettings, RefusesAddressesThatNoStationHas) {
  for (const char* kind : {kTap, kPacket}) {
    const auto with = [kind](const char* mac) {
      return Refused(Host(std::string(kind) + "mac = \"" + mac + "\"\n"));
    };
    EXPECT_THAT(
        with("02:00:5e:10:00"),
        ElementsAre(AllOf(HasSubstr("wire.mac: "), HasSubstr("six pairs"))));
    EXPECT_THAT(with("02-00-5e-10-00-01"), ElementsAre(HasSubstr("six pairs")));
    for (const char* mac :
         {"01:00:5e:10:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"}) {
      EXPECT_THAT(with(mac),
                  ElementsAre(AllOf(HasSubstr("wire.mac: "), HasSubstr(mac),
                                    HasSubstr("of a group, or of nobody"))));
    }
  }
}

TEST(EthernetSettings, RefusesGatewaysThatAreNoRouters) {
  for (const char* kind : {kTap, kPacket}) {
    const auto with = [kind](const char* gateways) {
      return Refused(
          Host(std::string(kind) + "gateways = [" + gateways + "]\n"));
    };
    EXPECT_THAT(with("\"10.9.1.0/24\""),
                ElementsAre(HasSubstr("wire.gateways: ")));
    for (const char* gateway :
         {"\"0.0.0.0\"", "\"224.0.0.1\"", "\"ff02::2\"", "\"::\""}) {
      EXPECT_THAT(with(gateway),
                  ElementsAre(AllOf(HasSubstr("wire.gateways: "),
                                    HasSubstr("write a unicast one"))));
    }
    EXPECT_THAT(with("\"10.9.1.2\", \"fd00:9:1::2\", \"10.9.1.3\""),
                ElementsAre(AllOf(HasSubstr("wire.gateways: 10.9.1.3"),
                                  HasSubstr("second one of its family"))));
    EXPECT_THAT(with("1"), ElementsAre(HasSubstr("list of texts")));
  }
}

TEST(EthernetSettings, RefusesAGatewayThatCannotBeAskedFor) {
  EXPECT_THAT(
      Refused(HostWith("\"10.9.1.1/24\"",
                       std::string(kTap) + "gateways = [\"fd00:9:1::2\"]\n")),
      ElementsAre(AllOf(StartsWith("host.toml:4:13: tun.addresses:"),
                        HasSubstr("fd00:9:1::2"),
                        HasSubstr("has no address"))));
  EXPECT_THAT(
      Refused(Host(std::string(kPacket) + "gateways = [\"10.9.1.1\"]\n")),
      ElementsAre(AllOf(HasSubstr("tun.addresses: 10.9.1.1"),
                        HasSubstr("its own address"))));
}

TEST(EthernetSettings, RefusesAnAddressThatReachesNobody) {
  EXPECT_THAT(Refused(HostWith("\"10.9.1.1\"", kTap)),
              ElementsAre(AllOf(HasSubstr("tun.addresses: 10.9.1.1 is alone"),
                                HasSubstr("10.9.1.1/24"))));
  EXPECT_THAT(
      Refused(HostWith("\"10.9.1.1/24\", \"fd00:9:1::1\"", kPacket)),
      ElementsAre(AllOf(HasSubstr("tun.addresses: fd00:9:1::1 is alone"),
                        HasSubstr("fd00:9:1::1/64"))));
  EXPECT_THAT(
      Refused(HostWith("\"10.9.1.1\"",
                       std::string(kTap) + "gateways = [\"10.9.1.2\"]\n")),
      IsEmpty());
  // Of a wire that is no Ethernet it is the usual thing.
  EXPECT_THAT(Refused(HostWith("\"10.9.1.1\"", "kind = \"tun\"\n")), IsEmpty());
}

// One mistake is told once.
TEST(EthernetSettings, SaysNothingOfGatewaysWithoutAddresses) {
  EXPECT_THAT(
      Refused(HostWith("", std::string(kTap) + "gateways = [\"10.9.1.2\"]\n")),
      ElementsAre(HasSubstr("needs an address")));
}

constexpr const char* kTun = "kind = \"tun\"\n";
constexpr const char* kUdp =
    "kind = \"udp\"\nlisten = \"192.0.2.1:4500\"\n%"
    "[[wire.peer]]\nhost = \"10.9.2.1\"\nat = \"192.0.2.2:4500\"\n";

// With this key among the wire's own.
std::vector<std::string> RefusedWith(const std::string& kind,
                                     const std::string& key) {
  std::string wire = kind;
  if (const std::size_t at = wire.find('%'); at != std::string::npos) {
    wire.replace(at, 1, key);
  } else {
    wire += key;
  }
  return Refused(Host(wire));
}

TEST(EthernetSettings, EachKindHasItsOwnKeys) {
  constexpr const char* kName = "name = \"w0\"\n";
  constexpr const char* kInterface = "interface = \"eth1\"\n";
  constexpr const char* kBridge = "bridge = \"br0\"\n";
  constexpr const char* kMac = "mac = \"02:00:5e:10:00:01\"\n";
  constexpr const char* kGateways = "gateways = [\"10.9.1.2\"]\n";
  constexpr const char* kListen = "listen = \"192.0.2.1:4500\"\n";
  constexpr const char* kPeer =
      "[[wire.peer]]\nhost = \"10.9.2.1\"\nat = \"192.0.2.2:1\"\n";
  const auto only = [](const std::string& key, const char* why) {
    return ElementsAre(AllOf(HasSubstr("wire." + key + ": "), HasSubstr(why)));
  };
  EXPECT_THAT(RefusedWith(kTun, kName), IsEmpty());
  EXPECT_THAT(RefusedWith(kTap, kName), IsEmpty());
  EXPECT_THAT(RefusedWith(kUdp, kName),
              only("name", "a udp wire has no interface"));
  EXPECT_THAT(RefusedWith(kPacket, kName),
              only("name", "a packet wire makes no interface"));
  for (const char* kind : {kTun, kUdp, kTap}) {
    EXPECT_THAT(RefusedWith(kind, kInterface),
                only("interface", "only a wire of the kind \"packet\""));
  }
  for (const char* kind : {kTun, kUdp, kPacket}) {
    EXPECT_THAT(RefusedWith(kind, kBridge),
                only("bridge", "only a wire of the kind \"tap\""));
  }
  for (const char* kind : {kTun, kUdp}) {
    EXPECT_THAT(RefusedWith(kind, kMac), only("mac", "of the kind"));
    EXPECT_THAT(RefusedWith(kind, kGateways), only("gateways", "of the kind"));
  }
  for (const char* kind : {kTap, kPacket}) {
    EXPECT_THAT(RefusedWith(kind, kListen), only("listen", "of the kind"));
    EXPECT_THAT(RefusedWith(kind, kPeer), only("peer", "of the kind"));
    EXPECT_THAT(RefusedWith(kind, "port = 1\n"),
                ElementsAre(HasSubstr("port")));
  }
}

// As of the other kinds.
TEST(EthernetSettings, HasARecorderAndFaults) {
  for (const char* kind : {kTap, kPacket}) {
    const WireConfig wire =
        Read(Host(std::string(kind) + "record = \"a.pcap\"\n[wire.faults]\n" +
                  "seed = 7\n"));
    EXPECT_EQ(wire.record, "/etc/postern/a.pcap");
    ASSERT_TRUE(wire.faults);
    EXPECT_EQ(wire.faults->seed, 7U);
  }
}

TEST(EthernetSettings, SaysWhichKindsThereAre) {
  EXPECT_THAT(
      Refused(Host("kind = \"ethernet\"\nmac = \"02:00:5e:10:00:01\"\n")),
      ElementsAre(AllOf(HasSubstr("wire.kind: "),
                        HasSubstr("\"tun\", \"udp\", \"tap\" or \"packet\""))));
}

}  // namespace
}  // namespace postern
