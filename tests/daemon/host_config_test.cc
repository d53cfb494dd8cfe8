// SPDX-License-Identifier: Apache-2.0

#include "daemon/host_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/crypto/legacy.h"
#include "policy/bundle.h"
#include "tests/daemon/host_text.h"

namespace postern {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(HostConfig, ReadsTheLeastThatAHostNeeds) {
  const HostConfig config = Read(kLeast);
  EXPECT_EQ(config.name, "a");
  EXPECT_EQ(config.network.tun.name, "tun0");
  EXPECT_EQ(config.network.tun.framing, TunFraming::kVnetHeader);
  EXPECT_EQ(config.network.wire.name, "wire-a");
  EXPECT_EQ(config.network.wire.mtu_octets, 1500u);
  // Every bundle fits the wire.
  EXPECT_EQ(config.network.tun.mtu_octets, 1500 - kWorstBundleOverhead);
  ASSERT_EQ(config.network.tun.addresses.size(), 2u);
  EXPECT_EQ(config.network.tun.addresses[1].address.ToString(), "fd00:9::1");
  EXPECT_EQ(config.network.tun.addresses[1].prefix_length, 64u);
  EXPECT_FALSE(config.state_directory);
  EXPECT_FALSE(config.network.namespace_name);
  EXPECT_TRUE(config.routes.empty());
}

TEST(HostConfig, ReadsHowManyThreadsCarryPackets) {
  EXPECT_EQ(Read(kLeast).threads, 2u);
  EXPECT_EQ(Read("[host]\nname = \"a\"\nthreads = 1\n[tun]\naddresses = "
                 "[\"10.9.0.1/24\"]\n[wire]\nkind = \"tun\"\n")
                .threads,
            1u);
  EXPECT_THAT(Refused("[host]\nname = \"a\"\nthreads = 3\n[tun]\naddresses "
                      "= [\"10.9.0.1/24\"]\n[wire]\nkind = \"tun\"\n"),
              ElementsAre(HasSubstr("host.toml:3")));
}

TEST(HostConfig, ReadsHowLongAThreadLooksBeforeItSleeps) {
  const std::string rest =
      "[tun]\naddresses = [\"10.9.0.1/24\"]\n[wire]\nkind = \"tun\"\n";
  EXPECT_EQ(Read(kLeast).busy_poll, Duration::zero());
  EXPECT_EQ(Read("[host]\nname = \"a\"\nbusy_poll_us = 50\n" + rest).busy_poll,
            std::chrono::microseconds(50));
  EXPECT_THAT(Refused("[host]\nname = \"a\"\nbusy_poll_us = 1001\n" + rest),
              ElementsAre(HasSubstr("host.toml:3")));
}

TEST(HostConfig, ReadsHowManyPairsOfWorkersThereAre) {
  const auto with = [](const std::string& pairs, const std::string& more = "") {
    return "[host]\nname = \"a\"\npairs = " + pairs +
           "\nstate_directory = \"/x\"\n[tun]\naddresses = "
           "[\"10.9.0.1/24\"]\n[wire]\nkind = \"tun\"\n" +
           more;
  };
  EXPECT_EQ(Read(kLeast).network.pairs, 1u);
  EXPECT_EQ(Read(with("32")).network.pairs, 32u);
  for (const char* wrong : {"0", "33"}) {
    EXPECT_THAT(Refused(with(wrong)), ElementsAre(HasSubstr("host.toml:3")));
  }
  // Several workers send by one SA: their numbers arrive out of order.
  EXPECT_EQ(Read(with("1", Gcm(""))).associations.at(0).replay_window, 64u);
  EXPECT_EQ(Read(with("2", Gcm(""))).associations.at(0).replay_window, 4096u);
  EXPECT_EQ(Read(with("2", Gcm("replay_window = 128\n")))
                .associations.at(0)
                .replay_window,
            128u);
}

TEST(HostConfig, ReadsHowLongPacketsWait) {
  const AcquireSettings defaults = Read(kLeast).acquire;
  EXPECT_EQ(defaults.acquires.patience, std::chrono::seconds(30));
  EXPECT_EQ(defaults.held.time, std::chrono::seconds(10));
  const AcquireSettings settings =
      Read(std::string(kLeast) +
           "[acquire]\npatience_seconds = 5\nhold_down_seconds = 6\n"
           "waiting = 7\nhold_seconds = 8\nheld_per_acquire = 9\n"
           "held_per_peer = 10\nheld = 11\n")
          .acquire;
  EXPECT_EQ(settings.acquires.patience, std::chrono::seconds(5));
  EXPECT_EQ(settings.acquires.hold_down, std::chrono::seconds(6));
  EXPECT_EQ(settings.acquires.waiting, 7u);
  EXPECT_EQ(settings.held.time, std::chrono::seconds(8));
  EXPECT_EQ(settings.held.per_acquire, 9u);
  EXPECT_EQ(settings.held.per_peer, 10u);
  EXPECT_EQ(settings.held.in_all, 11u);
  for (const char* wrong :
       {"patience_seconds = 0", "waiting = 0", "held = 100000",
        "hold_seconds = \"long\"", "patience = 3"}) {
    EXPECT_THAT(Refused(std::string(kLeast) + "[acquire]\n" + wrong + "\n"),
                ElementsAre(HasSubstr("acquire.")))
        << wrong;
  }
}

// ALG-07, ALG-08: off unless the file says so, and for its own SAs too.
TEST(HostConfig, AllowsLegacyAlgorithmsOnlyWhenTold) {
  const std::string sa =
      "[[sa]]\nprotocol = \"ah\"\nmode = \"transport\"\nspi = 0x1001\n"
      "source = \"10.9.0.1\"\ndestination = \"10.9.0.2\"\n"
      "integrity = \"hmac-md5-96\"\nintegrity_key = \"" +
      Key(16) + "\"\n";
  EXPECT_THAT(Refused(std::string(kLeast) + sa),
              ElementsAre(HasSubstr("set legacy = true under [crypto]")));
  EXPECT_THAT(Refused(std::string(kLeast) + "[crypto]\nlegacy = false\n" + sa),
              ElementsAre(HasSubstr("set legacy = true under [crypto]")));
  EXPECT_EQ(Read(std::string(kLeast) + "[crypto]\nlegacy = true\n" + sa)
                .associations.size(),
            1U);
  EXPECT_EQ(Read(kLeast).associations.size(), 0U);
  EXPECT_FALSE(LegacyIsAllowed());
}

TEST(HostConfig, ReadsTheCryptoBackend) {
  EXPECT_EQ(Read(kLeast).crypto, BestBackend());
  const auto text = [](std::string_view backend) {
    return std::string(kLeast) + "[crypto]\nbackend = \"" +
           std::string(backend) + "\"\n";
  };
  EXPECT_EQ(Read(text("auto")).crypto, BestBackend());
  for (const CryptoBackend backend : AllBackends()) {
    const Status there = CheckBackend(backend);
    if (there.ok()) {
      EXPECT_EQ(Read(text(NameOf(backend))).crypto, backend);
    } else {
      EXPECT_THAT(Refused(text(NameOf(backend))),
                  ElementsAre(HasSubstr(there.error().message)));
    }
  }
  EXPECT_THAT(Refused(text("openssl")),
              ElementsAre(HasSubstr("crypto.backend: write \"auto\", ")));
}

// A configuration knows no sockets.
TEST(HostConfig, KnowsNoOwnersOfAssociations) {
  EXPECT_THAT(Refused(std::string(kLeast) + Gcm("owner = 42\n")),
              ElementsAre(HasSubstr("owner")));
}

// API-42
TEST(HostConfig, ReadsWhatProgramsMayDo) {
  EXPECT_FALSE(Read(kLeast).api.bypass_group);
  EXPECT_EQ(Read(kLeast).api.user_levels, UserLevels::kFree);
  const HostConfig config = Read(std::string(kLeast) +
                                 "[api]\nbypass_group = \"root\"\n"
                                 "user_levels = \"strengthen\"\n"
                                 "user_algorithms = \"forbid\"\n");
  EXPECT_EQ(config.api.user_algorithms, UserAlgorithms::kForbid);
  EXPECT_EQ(config.api.bypass_group, 0u);
  EXPECT_EQ(config.api.user_levels, UserLevels::kStrengthen);
  EXPECT_EQ(Read(std::string(kLeast) + "[api]\nbypass_group = \"4711\"\n"
                                       "user_levels = \"locked\"\n")
                .api.bypass_group,
            4711u);
}

TEST(HostConfig, RefusesWordsThatGrantNobodyKnowsWhat) {
  EXPECT_THAT(Refused(std::string(kLeast) +
                      "[api]\nbypass_group = \"no such group\"\n"),
              ElementsAre(HasSubstr("there is no group \"no such group\"")));
  // Members of unmapped groups would all be in it.
  EXPECT_THAT(
      Refused(std::string(kLeast) + "[api]\nbypass_group = \"65534\"\n"),
      ElementsAre(HasSubstr("stands for every group")));
  EXPECT_THAT(
      Refused(std::string(kLeast) + "[api]\nuser_levels = \"weaken\"\n"),
      ElementsAre(HasSubstr("write free, strengthen or locked")));
  EXPECT_THAT(
      Refused(std::string(kLeast) + "[api]\nuser_algorithms = \"locked\"\n"),
      ElementsAre(HasSubstr("write free, strengthen or forbid")));
}

TEST(HostConfig, ReadsEveryKeyOfTheHost) {
  const HostConfig config = Read(R"([host]
name = "blue-1"
state_directory = "/var/lib/postern/blue"
run_directory = "/run/p"
namespace = "blue"
[tun]
name = "t0"
addresses = ["192.0.2.1"]
mtu = 1400
offload = false
[wire]
kind = "tun"
name = "w0"
mtu = 9000
record = "wire.pcap"
[wire.faults]
seed = 7
[wire.faults.sending]
drop_per_mille = 10
delay_per_mille = 20
delay_packets = 5
[wire.faults.receiving]
flip_per_mille = 1
[log]
level = "debug"
)");
  EXPECT_EQ(config.state_directory, "/var/lib/postern/blue");
  EXPECT_EQ(config.run_directory, "/run/p");
  EXPECT_EQ(config.network.namespace_name, "blue");
  EXPECT_EQ(config.network.tun.mtu_octets, 1400u);
  EXPECT_EQ(config.network.tun.framing, TunFraming::kPlain);
  EXPECT_EQ(config.network.tun.addresses[0].prefix_length, 32u);
  EXPECT_EQ(config.network.wire.record, "/etc/postern/wire.pcap");
  ASSERT_TRUE(config.network.wire.faults);
  EXPECT_EQ(config.network.wire.faults->seed, 7u);
  EXPECT_EQ(config.network.wire.faults->sending.drop_per_mille, 10u);
  EXPECT_EQ(config.network.wire.faults->sending.delay_packets, 5u);
  EXPECT_EQ(config.network.wire.faults->receiving.flip_per_mille, 1u);
  EXPECT_EQ(config.log_level, LogLevel::kDebug);
}

TEST(HostConfig, NeverGivesTheTunLessThanIpv6Needs) {
  const HostConfig config = Read(
      "[host]\nname=\"a\"\n[tun]\naddresses=[\"10.9.0.1\"]\n[wire]\n"
      "kind=\"tun\"\nmtu=1300\n");
  EXPECT_EQ(config.network.tun.mtu_octets, 1280u);
}

// API-36
TEST(HostConfig, ReadsTheDraftsRouteTable) {
  const HostConfig config = Read(std::string(kLeast) + R"([levels]
ah = "avail"
[[route]]
prefix = "10.91.25.0/24"
esp_transport = "require"
[[route]]
prefix = "192.0.2.0/24"
verdict = "discard"
[[route]]
prefix = "2001:db8::/32"
esp_network = "use"
gateway = "fd00:9::99"
)");
  const auto table = RouteTable::Create(config.routes);
  ASSERT_TRUE(table.ok());
  const auto levels = [&table](const char* remote) {
    return table->Find(*IpAddress::Parse(remote)).levels.ToString();
  };
  EXPECT_EQ(levels("203.0.113.1"),
            "esp_transport=none ah=avail esp_network=none");
  EXPECT_EQ(levels("fe80::1"), "esp_transport=none ah=avail esp_network=none");
  EXPECT_EQ(levels("10.91.25.7"),
            "esp_transport=require ah=none esp_network=none");
  EXPECT_EQ(table->Find(*IpAddress::Parse("192.0.2.7")).verdict,
            Route::Verdict::kDiscard);
  EXPECT_EQ(table->Find(*IpAddress::Parse("2001:db8::1")).gateway,
            *IpAddress::Parse("fd00:9::99"));
}

TEST(HostConfig, LetsARouteForEverythingReplaceTheLevels) {
  const HostConfig config = Read(std::string(kLeast) +
                                 "[levels]\nah = \"avail\"\n[[route]]\nprefix "
                                 "= \"0.0.0.0/0\"\nah = \"require\"\n");
  ASSERT_EQ(config.routes.size(), 2u);
  EXPECT_EQ(config.routes[0].prefix.ToString(), "::/0");
  EXPECT_EQ(config.routes[1].levels.of(Category::kAh), Level::kRequire);
}

TEST(HostConfig, ReadsCgroupsAndTheirLevels) {
  const HostConfig config = Read(std::string(kLeast) + R"([[cgroup]]
path = "/system.slice//nginx.service/"
ah = "require"
[[cgroup]]
path = "/"
esp_network = "bypass"
)");
  ASSERT_EQ(config.cgroups.size(), 2u);
  EXPECT_EQ(config.cgroups[0].path, "/system.slice/nginx.service");
  EXPECT_EQ(config.cgroups[0].levels.ToString(),
            "esp_transport=none ah=require esp_network=none");
  EXPECT_EQ(config.cgroups[1].path, "/");
  EXPECT_EQ(config.cgroups[1].levels.of(Category::kEspNetwork), Level::kBypass);
}

TEST(HostConfig, RefusesCgroupsThatNobodyCanFind) {
  const auto refused = [](const std::string& lines) {
    return Refused(std::string(kLeast) + "[[cgroup]]\n" + lines);
  };
  EXPECT_THAT(refused("ah = \"use\"\n"), ElementsAre(HasSubstr("path")));
  EXPECT_THAT(refused("path = \"nginx\"\n"),
              ElementsAre(HasSubstr("begins with a slash")));
  EXPECT_THAT(refused("path = \"/a/../b\"\n"), ElementsAre(HasSubstr("..")));
  EXPECT_THAT(refused("path = \"/a\"\nah = \"maybe\"\n"),
              ElementsAre(HasSubstr("maybe")));
  EXPECT_THAT(refused("path = \"/a\"\n[[cgroup]]\npath = \"/a/\"\n"),
              ElementsAre(HasSubstr("/a has two rules")));
}

// UDP-10
TEST(HostConfig, ReadsHowLongKeepalivesOutliveTheirSas) {
  EXPECT_EQ(Read(std::string(kLeast)).keepalive_afterlife,
            std::chrono::minutes(5));
  const std::string text(kLeast);
  const std::string host = "[host]\n";
  const std::size_t at = text.find(host);
  ASSERT_NE(at, std::string::npos);
  std::string changed = text;
  changed.insert(at + host.size(), "keepalive_minutes = 0\n");
  EXPECT_EQ(Read(changed).keepalive_afterlife, Duration(0));
}

// PMTU-06 ICMP-02 ICMP-03
TEST(HostConfig, ReadsWhatIsBelievedOfThePathMtu) {
  const HostConfig config =
      Read(std::string(kLeast) +
           "[path_mtu]\nbelieve = false\nleast_ipv4 = 1000\nseconds = 60\n");
  EXPECT_EQ(config.path_mtu.belief, PathMtuRules::Belief::kNever);
  EXPECT_EQ(config.path_mtu.least_ipv4_octets, 1000u);
  EXPECT_EQ(config.path_mtu.lasts, std::chrono::minutes(1));
  EXPECT_EQ(Read(std::string(kLeast)).path_mtu.belief,
            PathMtuRules::Belief::kVerified);
}

// ---------------------------------------------------------------------------
// Each kind of mistake: where it is and what to write instead.

TEST(HostConfig, PlacesASyntaxError) {
  EXPECT_THAT(Refused("[host]\nname = \"a\nx = 1\n"),
              ElementsAre(StartsWith("host.toml:2:")));
  EXPECT_THAT(Refused("[host\n"), ElementsAre(HasSubstr("this is not TOML")));
}

TEST(HostConfig, NamesMissingTables) {
  EXPECT_THAT(Refused(""),
              ElementsAre(HasSubstr("the table [host] is missing"),
                          HasSubstr("the table [wire] is missing"),
                          HasSubstr("the table [tun] is missing")));
}

TEST(HostConfig, NamesAMissingKey) {
  EXPECT_THAT(
      Refused("[host]\n[tun]\naddresses = [\"10.9.0.1\"]\n[wire]\nkind = "
              "\"tun\"\n"),
      ElementsAre("host.toml:1:1: host: \"name\" is missing: it must be set."));
}

TEST(HostConfig, RefusesUnknownKeysAndGuessesWhatWasMeant) {
  EXPECT_THAT(
      Refused(std::string(kLeast) + "mut = 1400\n"),
      ElementsAre("host.toml:7:1: wire.mut: there is no such key: did you mean "
                  "\"mtu\"?"));
  EXPECT_THAT(Refused(std::string(kLeast) + "[firewall]\nx = 1\n"),
              ElementsAre(AllOf(StartsWith("host.toml:7:"),
                                HasSubstr("firewall: there is no such key"),
                                HasSubstr("docs/configuration.md"))));
}

TEST(HostConfig, RefusesAValueOfAnotherKind) {
  EXPECT_THAT(Refused(std::string(kLeast) + "mtu = \"big\"\n"),
              ElementsAre("host.toml:7:7: wire.mtu: write a whole number here, "
                          "not a text."));
  EXPECT_THAT(
      Refused(std::string(kLeast) + "record = 2020-01-01\nname = 1\n"),
      ElementsAre(StartsWith("host.toml:8:8: wire.name: write a text")));
  EXPECT_THAT(Refused(std::string(kLeast) + "faults = 3\n"),
              ElementsAre(HasSubstr("this must be a table")));
  EXPECT_THAT(Refused(std::string(kLeast) + "[sa]\nspi = 1\n"),
              ElementsAre(HasSubstr("under [[sa]]")));
}

// DEF-39
TEST(HostConfig, RefusesANumberOutOfRange) {
  EXPECT_THAT(Refused(std::string(kLeast) + "mtu = 576\n"),
              ElementsAre("host.toml:7:7: wire.mtu: 576 is out of range: write "
                          "a number from 1280 to 9216."));
  EXPECT_THAT(
      Refused(std::string(kLeast) + Gcm("replay_window = 65537\n")),
      ElementsAre(HasSubstr("sa[1].replay_window: 65537 is out of range")));
}

// API-21
TEST(HostConfig, ReadsEveryLevelOfTheSystem) {
  for (const Level level : {Level::kNone, Level::kAvail, Level::kUse,
                            Level::kRequire, Level::kUnique}) {
    const HostConfig config = Read(std::string(kLeast) + "[levels]\nah = \"" +
                                   std::string(NameOf(level)) + "\"\n");
    EXPECT_EQ(config.routes.at(0).levels.of(Category::kAh), level);
  }
}

TEST(HostConfig, RefusesWordsThatNameNothing) {
  EXPECT_THAT(Refused(std::string(kLeast) + "[levels]\nah = \"bypass\"\n"),
              ElementsAre(AllOf(StartsWith("host.toml:8:6: levels.ah:"),
                                HasSubstr("write none, avail, use"))));
  EXPECT_THAT(Refused(std::string(kLeast) + "[log]\nlevel = \"loud\"\n"),
              ElementsAre(HasSubstr("log.level")));
  EXPECT_THAT(Refused(std::string(kLeast) +
                      "[[route]]\nprefix = \"10.0.0.0/8\"\nverdict = \"no\"\n"),
              ElementsAre(HasSubstr("is no verdict")));
}

TEST(HostConfig, RefusesAnotherWireAndBadNames) {
  EXPECT_THAT(
      Refused("[host]\nname = \"by-netns\"\nstate_directory = \"x\"\nnamespace "
              "= \"a/b\"\n[tun]\nname = \"much-too-long-a-name\"\naddresses = "
              "[\"10.9.0.1\"]\n[wire]\nkind = \"vlan\"\n"),
      ElementsAre(HasSubstr("host.name"), HasSubstr("host.state_directory"),
                  HasSubstr("host.namespace"), HasSubstr("wire.kind"),
                  HasSubstr("tun.name")));
}

TEST(HostConfig, RefusesBadAddresses) {
  const auto with = [](const std::string& addresses) {
    return Refused(
        "[host]\nname = \"a\"\n[wire]\nkind = \"tun\"\n[tun]\n"
        "addresses = " +
        addresses + "\n");
  };
  EXPECT_THAT(with("[\"10.9.0.300\"]"),
              ElementsAre(StartsWith("host.toml:6:13: tun.addresses")));
  EXPECT_THAT(with("[\"10.9.0.1/33\"]"), ElementsAre(HasSubstr("up to 32")));
  EXPECT_THAT(with("[\"10.9.0.1/\"]"), ElementsAre(HasSubstr("up to 32")));
  EXPECT_THAT(with("[\"224.0.0.1\"]"), ElementsAre(HasSubstr("unicast")));
  EXPECT_THAT(with("[\"10.9.0.1\", \"10.9.0.1/8\"]"),
              ElementsAre(HasSubstr("listed twice")));
  EXPECT_THAT(with("[]"), ElementsAre(HasSubstr("needs an address")));
  EXPECT_THAT(with("[1]"), ElementsAre(HasSubstr("list of texts")));
}

TEST(HostConfig, RefusesTwoRoutesForOnePrefix) {
  EXPECT_THAT(Refused(std::string(kLeast) +
                      "[[route]]\nprefix = \"10.0.0.0/8\"\n[[route]]\nprefix = "
                      "\"10.0.0.0/8\"\n"),
              ElementsAre(AllOf(StartsWith("host.toml:10:10: route[2].prefix"),
                                HasSubstr("two routes"))));
}

TEST(HostConfig, RefusesARouteThatContradictsItself) {
  EXPECT_THAT(
      Refused(std::string(kLeast) +
              "[[route]]\nprefix = \"10.0.0.0/8\"\nverdict = \"discard\"\nah = "
              "\"use\"\n"),
      ElementsAre(StartsWith("host.toml:7:")));
}

// SAD-23
TEST(HostConfig, NeverQuotesAKey) {
  const std::string secret = "0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5";
  std::string text = std::string(kLeast) + Gcm("");
  text.replace(text.find(Key(20)), Key(20).size(), secret);
  const std::vector<std::string> lines = Refused(text);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("sa[1].encryption_key"));
  EXPECT_EQ(lines[0].find("5a5a"), std::string::npos);
}

TEST(HostConfig, TellsAllMistakesAtOnce) {
  EXPECT_EQ(Refused(std::string(kLeast) +
                    "mtu = 1\nnmae = \"x\"\n[levels]\nah = \"very\"\n" +
                    Gcm("esn = 1\n"))
                .size(),
            4u);
}

TEST(HostConfig, SaysWhenTheFileCannotBeRead) {
  const auto config = LoadHostConfig("/nonexistent/host.toml");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(InFile("host.toml", config.error().at(0)),
            "host.toml: the file cannot be read: No such file or directory.");
}

// OUT-08
TEST(HostConfig, ReadsWhetherDiscardsAreTold) {
  std::string text = kLeast;
  text.insert(text.find("name"), "tell_discards = true\n");
  EXPECT_EQ(Read(text).discards, OutboundPipeline::Parts::Discards::kTold);
}

// ECN-07
TEST(HostConfig, ReadsWhetherUnusedMarksAreTold) {
  using UnusedEcn = NoticeRules::UnusedEcn;
  EXPECT_EQ(Read(std::string(kLeast)).notices.unused_ecn, UnusedEcn::kTold);
  EXPECT_EQ(Read(std::string(kLeast) + "[log]\nunused_ecn = false\n")
                .notices.unused_ecn,
            UnusedEcn::kSilent);
}

// SPD-03 SEL-01 SEL-04
TEST(HostConfig, ReadsRulesInTheirOrder) {
  const HostConfig config = Read(std::string(kLeast) +
                                 "[log]\naudit = false\n"
                                 "[monitor]\nselector_mismatches = 0\n"
                                 "[[policy]]\nname = \"ike\"\n"
                                 "verdict = \"bypass\"\nprotocol = \"udp\"\n"
                                 "remote_port = [500, \"4500-4501\"]\n"
                                 "[[policy]]\nname = \"lab\"\n"
                                 "verdict = \"protect\"\nah = \"require\"\n"
                                 "direction = \"inbound\"\n"
                                 "remote = [\"10.1.0.0/16\", "
                                 "\"10.2.0.3-10.2.0.10\"]\n"
                                 "[[policy]]\nname = \"rest\"\n"
                                 "verdict = \"discard\"\n");
  EXPECT_EQ(config.audit, AuditLog::Switch::kOff);
  EXPECT_EQ(config.selector_mismatches, 0u);
  EXPECT_EQ(config.discards, OutboundPipeline::Parts::Discards::kSilent);
  EXPECT_EQ(config.otherwise, RuleTable::Otherwise::kNoLevels);
  ASSERT_EQ(config.rules.size(), 3u);
  EXPECT_EQ(config.rules[0].selector.destination_port,
            PortSelector::Of({{500, 500}, {4500, 4501}}));
  EXPECT_EQ(config.rules[1].ways, Rule::Ways::kInbound);
  EXPECT_EQ(ToString(config.rules[1].selector.destination),
            "10.1.0.0/16,10.2.0.3-10.2.0.10");
  EXPECT_EQ(config.rules[2].verdict, Rule::Verdict::kDiscard);
}

// SPD-02
TEST(HostConfig, DiscardsByDefaultWhereLevelsDoNotNameEverything) {
  const std::string discarding =
      "[host]\nname = \"a\"\ndefault = \"discard\"\n"
      "[tun]\naddresses = [\"10.9.0.1/24\"]\n[wire]\nkind = \"tun\"\n";
  EXPECT_EQ(Read(discarding).otherwise, RuleTable::Otherwise::kDiscard);
  EXPECT_FALSE(
      ParseHostConfig(discarding + "[levels]\nah = \"use\"\n", ".").ok());
}

}  // namespace
}  // namespace postern
