// SPDX-License-Identifier: Apache-2.0
//
// The configuration of a udp wire, and what it can never carry.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/host_config.h"
#include "daemon/wire_limits.h"
#include "policy/bundle.h"

namespace postern {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr const char* kHost = R"([host]
name = "a"
[tun]
addresses = ["10.9.1.1/24", "10.9.1.7/24", "fd00:9:1::1/64"]
[wire]
)";

constexpr const char* kUdp = R"(kind = "udp"
listen = ["192.0.2.1:4500", "[2001:db8::1]:4500"]
[[wire.peer]]
host = "10.9.2.1"
at = "192.0.2.2:4500"
[[wire.peer]]
host = "fd00:9:2::1"
at = "[2001:db8::2]:4500"
)";

Expected<HostConfig, Defects> Parse(const std::string& wire) {
  return ParseHostConfig(kHost + wire, "/etc/postern");
}

HostConfig Read(const std::string& wire) {
  const auto config = Parse(wire);
  if (!config.ok()) {
    for (const Defect& defect : config.error()) {
      ADD_FAILURE() << InFile("host.toml", defect);
    }
    return {};
  }
  return *config;
}

std::vector<std::string> Refused(const std::string& wire) {
  const auto config = Parse(wire);
  std::vector<std::string> lines;
  if (!config.ok()) {
    for (const Defect& defect : config.error()) {
      lines.push_back(InFile("host.toml", defect));
    }
  }
  return lines;
}

std::string Peer(const std::string& host, const std::string& at) {
  return "[[wire.peer]]\nhost = \"" + host + "\"\nat = \"" + at + "\"\n";
}

constexpr const char* kV4 = "kind = \"udp\"\nlisten = \"192.0.2.1:4500\"\n";

TEST(WireSettings, ReadsAUdpWire) {
  const WireConfig wire = Read(kUdp).network.wire;
  EXPECT_EQ(wire.kind, WireKind::kUdp);
  ASSERT_EQ(wire.listen.size(), 2U);
  EXPECT_EQ(wire.listen[1].ToString(), "[2001:db8::1]:4500");
  ASSERT_EQ(wire.peers.size(), 2U);
  EXPECT_EQ(wire.peers[0].host.ToString(), "10.9.2.1");
  EXPECT_EQ(wire.peers[0].at.ToString(), "192.0.2.2:4500");
  EXPECT_FALSE(wire.path_mtu_octets);
}

// The interface's MTU is only known once the wire is there.
TEST(WireSettings, TheMtuFollowsFromTheWayIfThatIsSaid) {
  EXPECT_FALSE(Read(kUdp).network.tun.mtu_octets);
  const HostConfig config =
      Read(kV4 + std::string("mtu = 1500\n") + Peer("10.9.2.1", "192.0.2.2:1"));
  EXPECT_EQ(MtuOf(config.network.wire), 1492U);
  EXPECT_EQ(config.network.tun.mtu_octets, 1492 - kWorstBundleOverhead);
  EXPECT_EQ(TunMtuOver(1300), 1280U);
  EXPECT_EQ(TunMtuOver(68), 1280U);
}

TEST(WireSettings, SaysWhatIsMissing) {
  EXPECT_THAT(Refused("kind = \"udp\"\n"),
              ElementsAre(AllOf(StartsWith("host.toml:5:1: wire:"),
                                HasSubstr("listen = \"192.0.2.1:4500\"")),
                          HasSubstr("write [[wire.peer]]")));
  EXPECT_THAT(Refused(kV4 + std::string("[[wire.peer]]\n")),
              ElementsAre(HasSubstr("wire.peer[1]: \"host\" is missing"),
                          HasSubstr("wire.peer[1]: \"at\" is missing")));
}

TEST(WireSettings, SaysWhatIsNoEndpointOrHost) {
  EXPECT_THAT(Refused("kind = \"udp\"\nlisten = \"192.0.2.1\"\n" +
                      Peer("10.9.2.0/24", "192.0.2.2")),
              ElementsAre(AllOf(StartsWith("host.toml:7:10: wire.listen:"),
                                HasSubstr("\"192.0.2.1:4500\"")),
                          HasSubstr("wire.peer[1].host: "),
                          HasSubstr("wire.peer[1].at: ")));
  EXPECT_THAT(Refused(kV4 + Peer("224.0.0.1", "0.0.0.0:4500")),
              ElementsAre(HasSubstr("unicast"), HasSubstr("at one address")));
  EXPECT_THAT(Refused("kind = \"udp\"\nlisten = [\"192.0.2.1:1\", "
                      "\"192.0.2.1:2\"]\n" +
                      Peer("10.9.2.1", "192.0.2.2:1")),
              ElementsAre(HasSubstr("second one of its family")));
}

TEST(WireSettings, RefusesPeersThatCannotBeToldApartOrReached) {
  EXPECT_THAT(Refused(kV4 + Peer("10.9.2.1", "192.0.2.2:1") +
                      Peer("10.9.2.1", "192.0.2.3:1")),
              ElementsAre(HasSubstr("wire.peer[2].host: 10.9.2.1 is a peer "
                                    "twice")));
  EXPECT_THAT(Refused(kV4 + Peer("10.9.2.1", "192.0.2.2:1") +
                      Peer("fd00:9:2::1", "192.0.2.2:1")),
              ElementsAre(HasSubstr("another address or port")));
  EXPECT_THAT(Refused(kV4 + Peer("10.9.2.1", "[2001:db8::2]:1")),
              ElementsAre(HasSubstr("nothing listens in the family")));
  EXPECT_THAT(Refused(kV4 + Peer("10.9.1.7", "192.0.2.2:1")),
              ElementsAre(HasSubstr("one of the wire's peers, too")));
  EXPECT_THAT(ParseHostConfig("[host]\nname = \"a\"\n[tun]\naddresses = "
                              "[\"10.9.1.1\"]\n[wire]\n" +
                                  (kV4 + Peer("fd00:9:2::1", "192.0.2.2:1")),
                              "/")
                  .error()
                  .front()
                  .message,
              HasSubstr("in which this host has no address"));
}

TEST(WireSettings, RefusesEndpointsThatNoDatagramReaches) {
  EXPECT_THAT(Refused("kind = \"udp\"\nlisten = []\n" +
                      Peer("10.9.2.1", "192.0.2.2:1")),
              Contains(HasSubstr("listen: write an address and a port")));
  EXPECT_THAT(Refused(kV4 + Peer("10.9.2.1", "[::ffff:192.0.2.2]:4500")),
              ElementsAre(HasSubstr("an IPv4 one as such")));
  EXPECT_THAT(Refused(kV4 + Peer("10.9.2.1", "255.255.255.255:4500")),
              ElementsAre(HasSubstr("unicast")));
  EXPECT_THAT(Refused(kV4 + Peer("10.9.2.1", "192.0.2.1:4500")),
              ElementsAre(HasSubstr("is where this host itself listens")));
}

TEST(WireSettings, RefusesKeysOfTheOtherKind) {
  EXPECT_THAT(Refused("name = \"w0\"\n" + std::string(kUdp)),
              ElementsAre(HasSubstr("wire.name: a udp wire has no interface")));
  EXPECT_THAT(Refused("kind = \"tun\"\nlisten = \"192.0.2.1:4500\"\n" +
                      Peer("10.9.2.1", "192.0.2.2:1")),
              ElementsAre(HasSubstr("wire.listen: only a wire of the kind"),
                          HasSubstr("wire.peer: only a wire of the kind")));
  // One mistake is told once.
  EXPECT_THAT(
      Refused("kind = \"upd\"\nlisten = \"192.0.2.1:4500\"\n" +
              Peer("10.9.2.1", "192.0.2.2:1") + "[levels]\nah = \"require\"\n"),
      ElementsAre(HasSubstr("wire.kind")));
}

TEST(WireSettings, RefusesLevelsThatItsWireCannotMeet) {
  for (const char* level : {"use", "require", "unique"}) {
    EXPECT_THAT(
        Refused(kUdp + ("[levels]\nah = \"" + std::string(level)) + "\"\n"),
        ElementsAre(AllOf(HasSubstr("levels.ah: the host's udp wire "
                                    "carries ESP only"),
                          HasSubstr(level))));
  }
  EXPECT_THAT(Refused(kUdp + std::string("[levels]\nah = \"avail\"\n"
                                         "esp_transport = \"require\"\n")),
              IsEmpty());
  EXPECT_THAT(Refused(kUdp + std::string("[[route]]\nprefix = \"10.0.0.0/8\"\n"
                                         "ah = \"use\"\n")),
              ElementsAre(HasSubstr("route[1].ah: ")));
  EXPECT_THAT(Refused(kUdp + std::string("[[cgroup]]\npath = \"/x\"\n"
                                         "ah = \"use\"\n")),
              ElementsAre(HasSubstr("cgroup[1].ah: ")));
  EXPECT_THAT(Refused(kUdp + std::string("[[cgroup]]\npath = \"/x\"\n"
                                         "ah = \"bypass\"\n")),
              IsEmpty());
  EXPECT_THAT(Refused(kUdp + std::string("[[route]]\nprefix = \"10.0.0.0/8\"\n"
                                         "esp_network = \"use\"\n"
                                         "gateway = \"10.9.3.1\"\n")),
              ElementsAre(HasSubstr("route[1].gateway: the host's udp wire has "
                                    "no peer 10.9.3.1")));
}

std::string Sa(const std::string& protocol, const std::string& source,
               const std::string& destination) {
  std::string key = "0x";
  for (int i = 0; i < 32; ++i) {
    key += "5a";
  }
  return "[[sa]]\nprotocol = \"" + protocol +
         "\"\nmode = \"transport\"\nspi = 4097\nsource = \"" + source +
         "\"\ndestination = \"" + destination +
         "\"\nintegrity = \"hmac-sha2-256-128\"\nintegrity_key = \"" + key +
         "\"\n";
}

TEST(WireSettings, RefusesSasWhosePacketsItsWireCannotCarry) {
  const auto with = [](const std::string& sa) { return Refused(kUdp + sa); };
  EXPECT_THAT(with(Sa("esp", "10.9.1.1", "10.9.2.1")), IsEmpty());
  EXPECT_THAT(with(Sa("esp", "10.9.2.1", "10.9.1.1")), IsEmpty());
  EXPECT_THAT(with(Sa("esp", "fd00:9:1::1", "fd00:9:2::1")), IsEmpty());
  EXPECT_THAT(with(Sa("ah", "10.9.1.1", "10.9.2.1")),
              ElementsAre(AllOf(StartsWith("host.toml:14:1: sa[1]:"),
                                HasSubstr("carries ESP only"))));
  EXPECT_THAT(with(Sa("esp", "10.9.1.1", "10.9.3.1")),
              ElementsAre(HasSubstr("no peer 10.9.3.1")));
  EXPECT_THAT(with(Sa("esp", "10.9.3.1", "10.9.1.1")),
              ElementsAre(HasSubstr("correct the SA's source")));
  EXPECT_THAT(with(Sa("esp", "10.9.1.7", "10.9.2.1")),
              ElementsAre(HasSubstr(", 10.9.1.1: make the SA for that one")));
  EXPECT_THAT(with(Sa("esp", "10.9.1.1", "10.9.2.1") + "udp = {}\n"),
              ElementsAre(HasSubstr("puts all ESP in UDP itself")));
}

TEST(WireLimits, OfATunWireAreNone) {
  HostConfig config = Read("kind = \"tun\"\n");
  LevelSet levels;
  levels.Set(Category::kAh, Level::kUnique);
  EXPECT_TRUE(WireLimits(config.network).Check(levels).ok());
  EXPECT_TRUE(WireLimits().Check(levels).ok());
  EXPECT_FALSE(WireLimits(Read(kUdp).network).Check(levels).ok());
}

}  // namespace
}  // namespace postern
