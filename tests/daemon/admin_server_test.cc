// SPDX-License-Identifier: Apache-2.0

#include "daemon/admin_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/admin_client.h"
#include "core/crypto/algorithm.h"
#include "core/log/log.h"
#include "core/rcu.h"
#include "daemon/json_text.h"
#include "tests/daemon/served.h"

namespace postern {
namespace {

class DeafSink : public SaEventSink {
 public:
  bool Post(const SaEvent& /*event*/) override { return true; }
};

std::string Key(std::size_t octets) {
  std::string text = "0x";
  for (std::size_t i = 0; i < octets; ++i) {
    text += "5a";
  }
  return text;
}

std::string Ask(const std::string& verb, const std::string& arguments) {
  return R"({"verb":")" + verb + R"(","arguments":)" + arguments + "}";
}

std::string Ah(std::uint32_t spi, const std::string& more = "") {
  return R"({"protocol":"ah","mode":"transport","spi":)" + std::to_string(spi) +
         R"(,"source":"10.9.0.2","destination":"10.9.0.1",)"
         R"("integrity":"hmac-sha2-256-128","integrity_key":")" +
         Key(32) + "\"" + more + "}";
}

constexpr const char* kIdentity =
    R"({"protocol":"ah","spi":"0x00002001","destination":"10.9.0.1"})";

HostConfig Config() {
  HostConfig config;
  config.name = "a";
  config.network.tun.addresses = {*OwnAddress::Parse("10.9.0.1/24")};
  return config;
}

class AdminTest : public ::testing::Test {
 protected:
  void SetUp() override { SetLogLevel(LogLevel::kOff); }

  void TearDown() override {
    SetLogLevel(LogLevel::kInfo);
    RcuBarrier();
  }

  // The whole answer; fails the test when the verb is refused.
  Value Answer(const std::string& request) {
    const Result<AdminReply> reply = verbs_.Obey(request);
    if (!reply.ok()) {
      ADD_FAILURE() << request << ": " << reply.error().message;
      return {};
    }
    std::string text;
    while (const auto piece = reply->pieces()) {
      text += *piece;
    }
    const Result<Value> value = ParseJson(text);
    EXPECT_TRUE(value.ok()) << text;
    return value.ok() ? *value : Value();
  }

  Error Refusal(const std::string& request) {
    const Result<AdminReply> reply = verbs_.Obey(request);
    EXPECT_FALSE(reply.ok()) << request;
    return reply.ok() ? Error() : reply.error();
  }

  const HostConfig config_ = Config();
  DeafSink sink_;
  Sadb sadb_{sink_};
  SystemPolicy system_;
  CgroupRules cgroups_{system_, "/nowhere/cgroup", Ok()};
  SocketTable sockets_;
  WorkerStats stats_[2];
  Associations associations_{sadb_, nullptr};
  EventFeed feed_;
  Acquires acquires_{nullptr};
  AcquireEvents acquire_events_{acquires_, sadb_, feed_};
  AdminVerbs verbs_{{.config = config_,
                     .associations = associations_,
                     .system = system_,
                     .cgroups = cgroups_,
                     .sockets = sockets_,
                     .stats = {&stats_[0], &stats_[1]},
                     .acquires = acquire_events_,
                     .feed = feed_,
                     .status = [] {
                       return Object{{"host", "a", {}}};
                     }}};
};

TEST_F(AdminTest, AddsGetsDumpsAndDeletesAssociations) {
  EXPECT_EQ(*Answer(Ask("sa.add", Ah(0x2001))).Find("added")->text(),
            "ah 0x00002001 to 10.9.0.1");
  const Value sa = Answer(Ask("sa.get", kIdentity));
  EXPECT_EQ(*sa.Find("direction")->text(), "inbound");
  EXPECT_EQ(*sa.Find("integrity")->text(), "hmac-sha2-256-128");
  EXPECT_EQ(*sa.Find("state")->text(), "mature");
  Answer(Ask("sa.add", Ah(0x2002)));
  EXPECT_EQ(Answer(Ask("sa.dump", "{}")).Find("associations")->array()->size(),
            2u);
  Answer(Ask("sa.delete", kIdentity));
  EXPECT_EQ(Refusal(Ask("sa.get", kIdentity)).code, ErrorCode::kNotFound);
  EXPECT_EQ(*Answer(Ask("sa.flush", "{}")).Find("deleted")->whole(), 1);
  EXPECT_EQ(ToJson(Answer(Ask("sa.dump", "{}"))), R"({"associations":[]})");
}

TEST_F(AdminTest, NeverTellsAKey) {
  Answer(Ask("sa.add", Ah(0x2001)));
  EXPECT_EQ(ToJson(Answer(Ask("sa.dump", "{}"))).find("5a5a"),
            std::string::npos);
  const std::string refused =
      Refusal(Ask("sa.add", Ah(0x2002, R"(,"encryption_key":"0x5a5a5")")))
          .message;
  EXPECT_EQ(refused.find("5a5a"), std::string::npos);
}

TEST_F(AdminTest, ReadsNoFilesForARequest) {
  EXPECT_NE(
      Refusal(Ask("sa.add", R"({"protocol":"ah","mode":"transport","spi":8193,)"
                            R"("source":"10.9.0.2","destination":"10.9.0.1",)"
                            R"("integrity":"hmac-sha1-96",)"
                            R"("integrity_key":"file:/etc/shadow"})"))
          .message.find("hexadecimal"),
      std::string::npos);
}

TEST_F(AdminTest, UpdatesLifetimes) {
  Answer(Ask("sa.add", Ah(0x2001)));
  std::string arguments = kIdentity;
  arguments.insert(1, R"("hard_packets":5,"soft_packets":3,)");
  Answer(Ask("sa.update", arguments));
  EXPECT_EQ(ToJson(*Answer(Ask("sa.get", kIdentity)).Find("hard")),
            R"({"packets":5})");
}

// API-36
TEST_F(AdminTest, SetsListsAndDeletesRoutes) {
  Answer(Ask("route.set", R"({"prefix":"10.0.0.0/8","ah":"use"})"));
  Answer(Ask("route.set", R"({"prefix":"10.0.0.0/8","ah":"require"})"));
  Answer(Ask("route.set", R"({"prefix":"10.1.0.0/16","verdict":"discard"})"));
  const Value list = Answer(Ask("route.list", "{}"));
  ASSERT_EQ(list.Find("routes")->array()->size(), 2u);
  const RouteTable& routes = system_.routes();
  EXPECT_EQ(routes.Find(*IpAddress::Parse("10.2.3.4")).levels.of(Category::kAh),
            Level::kRequire);
  Answer(Ask("route.delete", R"({"prefix":"10.0.0.0/8"})"));
  EXPECT_EQ(Refusal(Ask("route.delete", R"({"prefix":"10.0.0.0/8"})")).code,
            ErrorCode::kNotFound);
}

// SPD-09 SPD-07
TEST_F(AdminTest, SetsOrdersListsAndDeletesRules) {
  Answer(Ask("policy.set", R"({"name":"rest","verdict":"discard"})"));
  Answer(Ask("policy.set",
             R"({"name":"ike","verdict":"bypass","before":"rest",)"
             R"("protocol":"udp","remote_port":"500,4500-4501"})"));
  Answer(Ask("policy.set",
             R"({"name":"ping","verdict":"protect","before":"rest",)"
             R"("direction":"inbound","protocol":"icmp","icmp":["8","3/0-4"],)"
             R"("remote":"10.0.0.0/8","ah":"require"})"));
  EXPECT_EQ(ToJson(Answer(Ask("policy.list", "{}"))),
            R"({"rules":[{"name":"ike","verdict":"bypass","direction":"both",)"
            R"("protocol":17,"remote_port":[500,"4500-4501"]},)"
            R"({"name":"ping","verdict":"protect","direction":"inbound",)"
            R"("remote":"10.0.0.0/8","protocol":1,"icmp":["8","3/0-4"],)"
            R"("ah":"require"},)"
            R"({"name":"rest","verdict":"discard","direction":"both"}],)"
            R"("default":"levels"})");
  Answer(Ask("policy.delete", R"({"name":"ping"})"));
  EXPECT_EQ(system_.rules().rules().size(), 2u);
  EXPECT_EQ(Refusal(Ask("policy.delete", R"({"name":"ping"})")).code,
            ErrorCode::kNotFound);
  EXPECT_EQ(Refusal(Ask("policy.set", R"({"name":"a","verdict":"bypass",)"
                                      R"("before":"none"})"))
                .code,
            ErrorCode::kNotFound);
  // SPD-19 SEL-13
  for (const char* wrong :
       {R"({"name":"a","verdict":"bypass","remote_port":80})",
        R"({"name":"a","verdict":"bypass","protocol":["any","tcp"]})",
        R"({"name":"a","verdict":"protect"})",
        R"({"name":"a","verdict":"protect","ah":"use"})",
        R"({"name":"a","verdict":"bypass","remote":"10.0.0.9-10.0.0.1"})",
        R"({"name":"a","verdict":"bypass","protocol":"icmp","icmp":"3/9-1"})",
        R"({"name":"a","verdict":"bypass","protocol":"icmp","icmp":"300"})"}) {
    EXPECT_EQ(Refusal(Ask("policy.set", wrong)).code, ErrorCode::kInvalid)
        << wrong;
  }
}

// AUD-09: an SA that would accept forgeries is refused, and somebody asked.
TEST_F(AdminTest, LogsWhoAsksForAnSaWithoutProtection) {
  std::vector<std::string> lines;
  SetLogLevel(LogLevel::kInfo);
  SetLogSink([&lines](LogLevel /*level*/, std::string_view line) {
    lines.emplace_back(line);
  });
  Refusal(Ask("sa.add", R"({"protocol":"esp","mode":"transport","spi":8193,)"
                        R"("source":"10.9.0.2","destination":"10.9.0.1"})"));
  SetLogSink({});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].starts_with("sa_refused ")) << lines[0];
  EXPECT_NE(lines[0].find("integrity"), std::string::npos) << lines[0];
}

TEST_F(AdminTest, SetsListsAndDeletesCgroups) {
  const auto events = feed_.Subscribe({});
  Answer(Ask("cgroup.set", R"({"path":"/a/b/","ah":"use"})"));
  Answer(Ask("cgroup.set", R"({"path":"/a/b","ah":"require"})"));
  EXPECT_EQ(
      *Answer(Ask("cgroup.set",
                  R"({"path":"/nowhere/cgroup/c","esp_network":"bypass"})"))
           .Find("set")
           ->text(),
      "/c");
  EXPECT_EQ(
      ToJson(*Answer(Ask("cgroup.list", "{}")).Find("cgroups")),
      R"([{"path":"/a/b","levels":{"esp_transport":"none","ah":"require",)"
      R"("esp_network":"none"},"present":false},)"
      R"({"path":"/c","levels":{"esp_transport":"none","ah":"none",)"
      R"("esp_network":"bypass"},"present":false}])");
  EXPECT_EQ(system_.cgroups().Find("/a/b/c").of(Category::kAh),
            Level::kRequire);
  Answer(Ask("cgroup.delete", R"({"path":"/nowhere/cgroup/a/b"})"));
  EXPECT_TRUE(system_.cgroups().Find("/a/b").empty());
  EXPECT_EQ(events->Next(), R"({"event":"ready"})");
  EXPECT_EQ(events->Next(),
            R"({"event":"cgroup_set","path":"/a/b","levels":{)"
            R"("esp_transport":"none","ah":"use","esp_network":"none"}})");
  static_cast<void>(events->Next());
  static_cast<void>(events->Next());
  EXPECT_EQ(events->Next(), R"({"event":"cgroup_deleted","path":"/a/b"})");
  EXPECT_EQ(Refusal(Ask("cgroup.delete", R"({"path":"/a/b"})")).code,
            ErrorCode::kNotFound);
  EXPECT_EQ(Refusal(Ask("cgroup.set", R"({"path":"a","ah":"use"})")).code,
            ErrorCode::kInvalid);
  EXPECT_EQ(Refusal(Ask("cgroup.delete", "{}")).code, ErrorCode::kInvalid);
}

TEST(CgroupRules, AreRefusedWhereNoCgroupCanBeTold) {
  SystemPolicy system;
  CgroupRules rules(system, "", Error{ErrorCode::kUnsupported, "none here."});
  EXPECT_EQ(rules.Set({"/a", {}}).error().message, "none here.");
  EXPECT_EQ(rules.Load({{"/a", {}}}).error().message, "none here.");
  EXPECT_TRUE(rules.Load({}).ok());
  EXPECT_TRUE(system.cgroups().empty());
}

TEST(CgroupRules, TellTheNumberOfACgroupThatIsThere) {
  const TemporaryDirectory mount;
  SystemPolicy system;
  CgroupRules rules(system, mount.path(), Ok());
  ASSERT_TRUE(rules.Load({{"/a", {}}, {"/", {}}}).ok());

  struct stat root {};

  ASSERT_EQ(::stat(mount.path().c_str(), &root), 0);
  const std::vector<Value> told = rules.Describe();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(ToJson(*told[0].Find("id")), std::to_string(root.st_ino));
  EXPECT_EQ(told[1].Find("id"), nullptr);
}

// API-21: changing one category's system level affects only that one.
TEST_F(AdminTest, ChangesTheSystemLevelsThatAreNamed) {
  Answer(Ask("level.set", R"({"ah":"require"})"));
  Answer(Ask("level.set", R"({"esp_transport":"avail"})"));
  const Value levels = Answer(Ask("level.get", "{}"));
  for (const char* family : {"ipv4", "ipv6"}) {
    EXPECT_EQ(
        ToJson(*levels.Find(family)),
        R"({"esp_transport":"avail","ah":"require","esp_network":"none"})");
  }
  EXPECT_EQ(Refusal(Ask("level.set", R"({"ah":"bypass"})")).code,
            ErrorCode::kInvalid);
}

TEST_F(AdminTest, AddsUpCountersAndNamesDrops) {
  stats_[0].Add(Count::kOutboundPackets, 3);
  stats_[1].Add(Count::kOutboundPackets, 4);
  stats_[1].Drop(DropReason::kBadIcv);
  const Value stats = Answer(Ask("stats", "{}"));
  EXPECT_EQ(*stats.Find("counts")->Find("outbound_packets")->whole(), 7);
  EXPECT_EQ(*stats.Find("drops")->Find("bad_icv")->whole(), 1);
  EXPECT_FALSE(stats.Find("meanings")
                   ->Find("bad_icv")
                   ->Find("sentence")
                   ->text()
                   ->empty());
  EXPECT_EQ(stats.Find("drops")->object()->size(), kDropReasonCount);
}

TEST_F(AdminTest, ListsSocketsAndStatus) {
  (*sockets_.Obtain(SocketCookie{42}))->SetLevel(Category::kAh, Level::kUse);
  const Value sockets = Answer(Ask("socket.list", "{}"));
  EXPECT_EQ(ToJson(sockets),
            R"({"sockets":[{"cookie":42,"levels":{"esp_transport":"none",)"
            R"("ah":"use","esp_network":"none"}}]})");
  const Value status = Answer(Ask("status", "{}"));
  EXPECT_EQ(*status.Find("host")->text(), "a");
  EXPECT_EQ(*status.Find("sockets")->whole(), 1);
}

TEST_F(AdminTest, RefusesWhatIsNoRequest) {
  for (const char* request :
       {"", "x", "[]", "{}", R"({"verb":1})", R"({"verb":"status","x":1})",
        R"({"verb":"status","arguments":[]})",
        R"({"verb":"status","arguments":{"x":1}})"}) {
    EXPECT_EQ(Refusal(request).code, ErrorCode::kInvalid) << request;
  }
  EXPECT_EQ(Refusal(R"({"verb":"sa.steal"})").code, ErrorCode::kUnsupported);
  EXPECT_EQ(Refusal(Ask("namespace", "{}")).code, ErrorCode::kUnavailable);
}

TEST_F(AdminTest, RefusesArgumentsThatAreMissingWrongOrUnknown) {
  EXPECT_EQ(Refusal(Ask("sa.add", "{}")).code, ErrorCode::kInvalid);
  EXPECT_EQ(Refusal(Ask("sa.get", R"({"protocol":"ah"})")).code,
            ErrorCode::kInvalid);
  EXPECT_NE(Refusal(Ask("sa.add", Ah(0x2001, R"(,"replay_windw":3)")))
                .message.find("did you mean \"replay_window\"?"),
            std::string::npos);
  Answer(Ask("sa.add", Ah(0x2001)));
  EXPECT_EQ(Refusal(Ask("sa.add", Ah(0x2001))).code, ErrorCode::kExists);
}

// DEF-39, DEF-16: a number is kept as it was said, or the request is refused.
TEST_F(AdminTest, KeepsEveryNumberWholeOrRefusesIt) {
  const auto told = [&](const std::string& field) -> std::int64_t {
    const Value sa = Answer(Ask("sa.get", kIdentity));
    const std::size_t cut = field.find('_');
    const Value* const bound = sa.Find(field.substr(0, cut));
    const Value* const value =
        bound == nullptr ? sa.Find(field) : bound->Find(field.substr(cut + 1));
    return value == nullptr ? -1 : *value->whole();
  };
  for (const std::string field :
       {"replay_window", "soft_octets", "hard_octets", "soft_packets",
        "hard_packets", "soft_seconds", "hard_seconds"}) {
    int taken = 0;
    for (int bit = 0; bit < 63; ++bit) {
      for (const std::int64_t near : {-1, 0, 1, 64}) {
        for (const std::int64_t sign : {1, -1}) {
          const std::int64_t number = sign * ((std::int64_t{1} << bit) + near);
          const std::string more =
              ",\"" + field + "\":" + std::to_string(number);
          if (verbs_.Obey(Ask("sa.add", Ah(0x2001, more))).ok()) {
            ++taken;
            ASSERT_EQ(told(field), number) << more;
            Answer(Ask("sa.delete", kIdentity));
          } else {
            ASSERT_EQ(sadb_.size(), 0u) << more;
          }
        }
      }
    }
    EXPECT_GT(taken, 20) << field;
    EXPECT_LT(taken, 63 * 4 + 1) << field;
  }
}

// DEF-16: the window was made for its size, which no update can change.
TEST_F(AdminTest, UpdatesNoWindow) {
  Answer(Ask("sa.add", Ah(0x2001, R"(,"replay_window":32)")));
  std::string arguments = kIdentity;
  arguments.insert(1, R"("replay_window":65536,"hard_packets":5,)");
  EXPECT_EQ(Refusal(Ask("sa.update", arguments)).code, ErrorCode::kInvalid);
  const Value sa = Answer(Ask("sa.get", kIdentity));
  EXPECT_EQ(*sa.Find("replay_window")->whole(), 32);
  EXPECT_EQ(ToJson(*sa.Find("hard")), "{}");
}

// DEF-16: keys of every length for every algorithm; the SADB has what was taken
// and nothing else.
TEST_F(AdminTest, TakesKeysOfTheAlgorithmsLengthsOnly) {
  const auto add = [&](const std::string& algorithms) {
    const bool taken =
        verbs_
            .Obey(Ask("sa.add",
                      R"({"protocol":"esp","mode":"transport","spi":8193,)"
                      R"("source":"10.9.0.2","destination":"10.9.0.1",)" +
                          algorithms + "}"))
            .ok();
    EXPECT_EQ(sadb_.size(), taken ? 1u : 0u) << algorithms;
    sadb_.Flush();
    return taken;
  };
  for (const EncryptionInfo& info : AllEncryptions()) {
    const std::string integrity =
        info.brings_integrity()
            ? ""
            : R"(,"integrity":"hmac-sha1-96","integrity_key":")" + Key(20) +
                  "\"";
    for (std::size_t size = 1; size <= 80; ++size) {
      const bool fits =
          std::ranges::count(info.key_sizes, size - info.salt) > 0;
      EXPECT_EQ(add("\"encryption\":\"" + std::string(info.name) +
                    R"(","encryption_key":")" + Key(size) + "\"" + integrity),
                fits && !IsLegacy(info.status))
          << info.name << " " << size;
    }
  }
  for (const IntegrityInfo& info : AllIntegrities()) {
    for (std::size_t size = 1; size <= 80; ++size) {
      const bool fits = info.kind == IntegrityInfo::Kind::kHmac ||
                        info.kind == IntegrityInfo::Kind::kBlockMac;
      EXPECT_EQ(
          add(R"("encryption":"null","integrity":")" + std::string(info.name) +
              R"(","integrity_key":")" + Key(size) + "\""),
          fits && size == info.key && !IsLegacy(info.status))
          << info.name << " " << size;
    }
  }
}

// ---------------------------------------------------------------------------
// Through the socket.

class AdminServerTest : public AdminTest {
 protected:
  void Serve() {
    server_.emplace(loop_, ListenAt(path_), verbs_);
    thread_.Start();
  }

  void TearDown() override {
    thread_.Stop();
    AdminTest::TearDown();
  }

  TemporaryDirectory directory_;
  const UnixPath path_ = directory_.Socket("admin.sock");
  EventLoop loop_;
  std::optional<AdminServer> server_;
  LoopThread thread_{loop_};
};

TEST_F(AdminServerTest, AnswersAndRefuses) {
  Serve();
  const auto answer = AskAdmin(path_, Ask("status", "{}"));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->type, AdminType::kReply);
  const auto refused = AskAdmin(path_, "nonsense");
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->type, AdminType::kError);
  EXPECT_EQ(refused->text,
            R"({"code":"invalid","message":"the request is not JSON."})");
}

TEST_F(AdminServerTest, SendsALongDumpInParts) {
  constexpr std::uint32_t kSas = 3000;
  for (std::uint32_t i = 0; i < kSas; ++i) {
    Answer(Ask("sa.add", Ah(0x2001 + i)));
  }
  Serve();
  const auto answer = AskAdmin(path_, Ask("sa.dump", "{}"));
  ASSERT_TRUE(answer.ok());
  EXPECT_GT(answer->text.size(), 2 * kAdminMaxText);
  const auto value = ParseJson(answer->text);
  ASSERT_TRUE(value.ok());
  std::set<std::string> spis;
  for (const Value& sa : *value->Find("associations")->array()) {
    spis.insert(*sa.Find("spi")->text());
  }
  EXPECT_EQ(spis.size(), kSas);
}

// A client that reads nothing neither blocks the others nor grows anything.
TEST_F(AdminServerTest, GoesOnWhileAClientDoesNotReadItsAnswer) {
  for (std::uint32_t i = 0; i < 5000; ++i) {
    Answer(Ask("sa.add", Ah(0x2001 + i)));
  }
  Serve();
  const UniqueFd lazy = ConnectTo(path_);
  ASSERT_EQ(SendSeqpacket(lazy.get(), EncodeAdminMessage(AdminType::kRequest, 1,
                                                         Ask("sa.dump", "{}")))
                .outcome,
            TransferOutcome::kDone);
  ASSERT_EQ(WaitFor(lazy.get(), POLLIN, Deadline::AfterMilliseconds(5000)), 0);
  // Deletions in the meantime do not break the dump.
  const auto flushed = AskAdmin(path_, Ask("sa.flush", "{}"));
  ASSERT_TRUE(flushed.ok());
  EXPECT_EQ(flushed->type, AdminType::kReply);
  AdminReassembly whole(1, kAdminMaxAnswer);
  std::vector<std::uint8_t> room(kAdminMaxMessage);
  for (bool more = true; more;) {
    ASSERT_EQ(WaitFor(lazy.get(), POLLIN, Deadline::AfterMilliseconds(5000)),
              0);
    const auto message = ReceiveSeqpacket(lazy.get(), room);
    const auto frame =
        DecodeAdminMessage(ConstBytes(room).first(message.size), 0);
    ASSERT_TRUE(frame.ok());
    const auto progress = whole.Add(*frame);
    ASSERT_TRUE(progress.ok());
    more = *progress == AdminReassembly::Progress::kMore;
  }
  EXPECT_TRUE(ParseJson(whole.TakeText()).ok());
}

TEST_F(AdminServerTest, TellsAMonitorWhatIsChanged) {
  Serve();
  std::vector<std::string> seen;
  const auto ended =
      FollowAdmin(path_, Ask("monitor", "{}"), [&](std::string_view event) {
        seen.emplace_back(event);
        if (seen.size() == 1) {
          for (const auto& [verb, arguments] :
               {std::pair{"level.set", R"({"ah":"use"})"},
                std::pair{"route.set",
                          R"({"prefix":"10.0.0.0/8","verdict":"discard"})"},
                std::pair{"route.delete", R"({"prefix":"10.0.0.0/8"})"}}) {
            EXPECT_TRUE(AskAdmin(path_, Ask(verb, arguments)).ok());
          }
        }
        return seen.size() == 4 ? Appetite::kSated : Appetite::kMore;
      });
  ASSERT_TRUE(ended.ok());
  const std::string levels =
      R"({"esp_transport":"none","ah":"use","esp_network":"none"})";
  EXPECT_EQ(seen, (std::vector<std::string>{
                      R"({"event":"ready"})",
                      R"({"event":"levels_set","ipv4":)" + levels +
                          R"(,"ipv6":)" + levels + "}",
                      R"({"event":"route_set","route":{"prefix":"10.0.0.0/8",)"
                      R"("verdict":"discard","levels":{"esp_transport":"none",)"
                      R"("ah":"none","esp_network":"none"}}})",
                      R"({"event":"route_deleted","prefix":"10.0.0.0/8"})"}));
}

TEST_F(AdminServerTest, ClosesConnectionsThatTalkNonsense) {
  Serve();
  const UniqueFd connection = ConnectTo(path_);
  const std::vector<std::uint8_t> nonsense(40, 1);
  SendSeqpacket(connection.get(), nonsense);
  ASSERT_EQ(
      WaitFor(connection.get(), POLLIN, Deadline::AfterMilliseconds(5000)), 0);
  std::vector<std::uint8_t> room(64);
  EXPECT_EQ(ReceiveSeqpacket(connection.get(), room).outcome,
            TransferOutcome::kClosed);
  EXPECT_TRUE(AskAdmin(path_, Ask("status", "{}")).ok());
}

TEST_F(AdminServerTest, PassesTheNamespace) {
  const UniqueFd ours(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  AdminVerbs verbs({.config = config_,
                    .associations = associations_,
                    .system = system_,
                    .cgroups = cgroups_,
                    .sockets = sockets_,
                    .stats = {},
                    .network_namespace = ours.get(),
                    .acquires = acquire_events_,
                    .feed = feed_,
                    .status = [] { return Object(); }});
  AdminServer server(loop_, ListenAt(path_), verbs);
  thread_.Start();
  const auto answer = AskAdmin(path_, Ask("namespace", "{}"));
  thread_.Stop();
  ASSERT_TRUE(answer.ok());

  struct stat sent {};

  struct stat got {};

  ASSERT_EQ(::fstat(ours.get(), &sent), 0);
  ASSERT_EQ(::fstat(answer->fd.get(), &got), 0);
  EXPECT_EQ(got.st_ino, sent.st_ino);
}

}  // namespace
}  // namespace postern
