// SPDX-License-Identifier: Apache-2.0
//
// Acquires as key management sees them: events, and the verbs that answer them.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/log/log.h"
#include "core/rcu.h"
#include "daemon/admin_verbs.h"
#include "daemon/host_events.h"
#include "daemon/json_text.h"
#include "settings/sa_settings.h"

namespace postern {
namespace {

constexpr Instant kNow{};
constexpr SocketCookie kSocket{42};

class DeafSink : public SaEventSink {
 public:
  bool Post(const SaEvent& /*event*/) override { return true; }
};

HostConfig Config() {
  HostConfig config;
  config.name = "a";
  config.network.tun.addresses = {*OwnAddress::Parse("10.9.0.1/24")};
  return config;
}

Need AhTo(const char* peer) {
  Need need;
  need.category = Category::kAh;
  need.source = *IpAddress::Parse("10.9.0.1");
  need.destination = *IpAddress::Parse(peer);
  need.flow = {.local = need.source,
               .remote = need.destination,
               .local_port = 4711,
               .remote_port = 80,
               .protocol = 6};
  return need;
}

Need Wishing(const SocketWishes& wishes) {
  Need need = AhTo("10.9.0.2");
  need.owner = kSocket;
  need.wishes = std::make_shared<const SocketWishes>(wishes);
  return need;
}

// An answer to acquire `id`, with an AH key of 32 octets.
std::string Answer(std::uint32_t spi, std::uint32_t id,
                   const std::string& more = "") {
  std::string key;
  for (int i = 0; i < 32; ++i) {
    key += "5a";
  }
  return R"({"verb":"sa.add","arguments":{"spi":)" + std::to_string(spi) +
         R"(,"acquire":)" + std::to_string(id) +
         R"(,"integrity":"hmac-sha2-256-128","integrity_key":"0x)" + key +
         "\"" + more + "}}";
}

std::string Refuse(std::uint32_t id) {
  return R"({"verb":"acquire.refuse","arguments":{"acquire":)" +
         std::to_string(id) + "}}";
}

class AcquireVerbsTest : public ::testing::Test {
 protected:
  void SetUp() override { SetLogLevel(LogLevel::kOff); }

  void TearDown() override {
    SetLogLevel(LogLevel::kInfo);
    RcuBarrier();
  }

  // As a worker and then the control thread do.
  std::uint32_t Ask(const Need& need) {
    const auto asked = acquires_.Ask(need, kNow);
    EXPECT_TRUE(asked.ok());
    events_.TellNew(kNow);
    return static_cast<std::uint32_t>(asked->id);
  }

  // As the daemon does after each change.
  std::string Obey(const std::string& request) {
    const Result<AdminReply> reply = verbs_.Obey(request);
    events_.Settle();
    if (!reply.ok()) {
      return std::string(NameOf(reply.error().code)) + ": " +
             reply.error().message;
    }
    std::string text;
    while (reply->pieces) {
      const auto piece = reply->pieces();
      if (!piece) {
        break;
      }
      text += *piece;
    }
    return text;
  }

  // Events since the last call.
  std::vector<std::string> News() {
    std::vector<std::string> texts;
    while (auto text = subscription_->Next()) {
      texts.push_back(*text);
    }
    return texts;
  }

  const HostConfig config_ = Config();
  DeafSink sink_;
  Sadb sadb_{sink_};
  SystemPolicy system_;
  CgroupRules cgroups_{system_, "/nowhere/cgroup", Ok()};
  SocketTable sockets_;
  Associations associations_{sadb_, nullptr};
  EventFeed feed_;
  Acquires acquires_{nullptr};
  AcquireEvents events_{acquires_, sadb_, feed_};
  AdminVerbs verbs_{{.config = config_,
                     .associations = associations_,
                     .system = system_,
                     .cgroups = cgroups_,
                     .sockets = sockets_,
                     .stats = {},
                     .acquires = events_,
                     .feed = feed_,
                     .status = [] { return Object(); }}};
  std::unique_ptr<EventFeed::Subscription> subscription_ = feed_.Subscribe({});
};

using Texts = std::vector<std::string>;

const char* const kPlain =
    R"({"event":"acquire","id":1,"category":"ah","protocol":"ah",)"
    R"("mode":"transport","source":"10.9.0.1","destination":"10.9.0.2",)"
    R"("flow":{"protocol":6,"source":"10.9.0.1","source_port":4711,)"
    R"("destination":"10.9.0.2","destination_port":80}})";

// PFK-49
TEST_F(AcquireVerbsTest, TellsEachAcquireOnceAndItsEnd) {
  EXPECT_EQ(Ask(AhTo("10.9.0.2")), 1u);
  EXPECT_EQ(Ask(AhTo("10.9.0.2")), 1u);
  EXPECT_EQ(News(), (Texts{R"({"event":"ready"})", kPlain}));
  EXPECT_EQ(Obey(Answer(0x1001, 1)),
            R"({"added":"ah 0x00001001 to 10.9.0.2"})");
  EXPECT_EQ(News(), (Texts{R"({"event":"acquire_answered","id":1})"}));
  EXPECT_EQ(Ask(AhTo("10.9.0.3")), 2u);
  EXPECT_EQ(Obey(Refuse(2)), R"({"refused":2})");
  EXPECT_EQ(News().back(), R"({"event":"acquire_refused","id":2})");
  EXPECT_EQ(Ask(AhTo("10.9.0.4")), 3u);
  events_.Age(kNow + Acquires::Limits().patience);
  EXPECT_EQ(News().back(), R"({"event":"acquire_expired","id":3})");
}

// Who is asked for ESP network may answer with BEET, for the flow's own pair.
TEST_F(AcquireVerbsTest, TakesBeetForAnEspTunnelAlone) {
  const auto beet = [](std::uint32_t id, const std::string& destination) {
    std::string answer = Answer(0x1001, id);
    const std::string cipher =
        R"(,"mode":"beet","encryption":"aes-cbc","encryption_key":"0x)" +
        std::string(32, '5') + R"(","selector":{"source":"10.9.0.1",)" +
        R"("destination":")" + destination + "\"}";
    return answer.insert(answer.size() - 2, cipher);
  };
  Need need = AhTo("10.9.0.2");
  need.category = Category::kEspTransport;
  EXPECT_EQ(Ask(need), 1u);
  EXPECT_NE(Obey(beet(1, "10.9.0.2")).find("asks for another mode"),
            std::string::npos);
  need.category = Category::kEspNetwork;
  EXPECT_EQ(Ask(need), 2u);
  EXPECT_NE(Obey(beet(2, "10.9.0.3")).find("does not match the flow"),
            std::string::npos);
  News();
  EXPECT_EQ(Obey(beet(2, "10.9.0.2")),
            R"({"added":"esp 0x00001001 to 10.9.0.2"})");
  EXPECT_EQ(News(), (Texts{R"({"event":"acquire_answered","id":2})"}));
}

TEST_F(AcquireVerbsTest, TellsNothingOfWhatWasAnsweredBeforeItWasTold) {
  static_cast<void>(acquires_.Ask(AhTo("10.9.0.2"), kNow));
  EXPECT_EQ(Obey(Answer(0x1001, 1)),
            R"({"added":"ah 0x00001001 to 10.9.0.2"})");
  events_.TellNew(kNow);
  EXPECT_EQ(News(), (Texts{R"({"event":"ready"})"}));
}

TEST_F(AcquireVerbsTest, TellsANewMonitorWhatWaits) {
  Ask(AhTo("10.9.0.2"));
  Ask(AhTo("10.9.0.3"));
  Obey(Refuse(2));
  const Result<AdminReply> monitor = verbs_.Obey(R"({"verb":"monitor"})");
  ASSERT_TRUE(monitor.ok());
  EXPECT_EQ(monitor->events->Next(), R"({"event":"ready"})");
  EXPECT_EQ(monitor->events->Next(), kPlain);
  EXPECT_EQ(monitor->events->Next(), std::nullopt);
}

TEST_F(AcquireVerbsTest, TellsWhatTheSocketWishes) {
  Ask(Wishing({.mine = *Identity::Parse("fqdn:a.example"),
               .peer = *Identity::Parse("fqdn:b.example"),
               .least_key_bits = 128}));
  EXPECT_NE(News().back().find(
                R"(,"owner":42,"local_identity":"fqdn:a.example",)"
                R"("peer_identity":"fqdn:b.example","least_key_bits":128})"),
            std::string::npos);
}

TEST_F(AcquireVerbsTest, ListsWhatWaitsAndWhatWasRefused) {
  EXPECT_EQ(Obey(R"({"verb":"acquire.list"})"), R"({"acquires":[]})");
  Ask(AhTo("10.9.0.2"));
  Ask(AhTo("10.9.0.3"));
  Obey(Refuse(2));
  const auto list = ParseJson(Obey(R"({"verb":"acquire.list"})"));
  ASSERT_TRUE(list.ok());
  const Array& all = *list->Find("acquires")->array();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(*all[0].Find("state")->text(), "waiting");
  EXPECT_EQ(*all[1].Find("state")->text(), "refused");
  EXPECT_EQ(*all[1].Find("destination")->text(), "10.9.0.3");
}

// API-19
TEST_F(AcquireVerbsTest, TakesTheOwnerAndTheIdentitiesFromTheAcquire) {
  Ask(Wishing({.mine = *Identity::Parse("fqdn:a.example"),
               .peer = *Identity::Parse("fqdn:b.example")}));
  Obey(Answer(0x1001, 1));
  const SecurityAssociation* sa =
      sadb_.Get({.spi = Spi{0x1001},
                 .destination = *IpAddress::Parse("10.9.0.2"),
                 .protocol = IpsecProtocol::kAh});
  ASSERT_NE(sa, nullptr);
  EXPECT_EQ(sa->parameters().owner, kSocket);
  EXPECT_EQ(sa->parameters().direction, Direction::kOutbound);
  EXPECT_EQ(sa->parameters().local_identity->ToString(), "fqdn:a.example");
  EXPECT_EQ(sa->parameters().peer_identity->ToString(), "fqdn:b.example");
  EXPECT_NE(ToJson(Describe(*sa, kNow)).find(R"("owner":42)"),
            std::string::npos);
  // The kernel can be asked for it.
  const auto doubted = associations_.owners().TakeDoubted(10);
  ASSERT_EQ(doubted.size(), 1u);
  EXPECT_EQ(doubted[0].owner, kSocket);
  EXPECT_EQ(doubted[0].flow.local_port, 4711);
}

TEST_F(AcquireVerbsTest, RefusesWhatContradictsTheAcquire) {
  Ask(AhTo("10.9.0.2"));
  Ask(Wishing(
      {.peer = *Identity::Parse("fqdn:b.example"), .least_key_bits = 256}));
  const auto refusal = [this](std::uint32_t id, const std::string& more) {
    return Obey(Answer(0x1001, id, more));
  };
  for (const auto& [more, part] :
       std::vector<std::pair<std::string, std::string>>{
           {R"(,"protocol":"esp")", "protocol: the acquire asks for another"},
           {R"(,"mode":"tunnel")", "mode: the acquire asks for another"},
           {R"(,"source":"10.9.0.9")", "source: the acquire asks for another"},
           {R"(,"destination":"10.9.0.9")", "destination: the acquire"},
           {R"(,"owner":7)", "owner: the acquire asks for an SA of another"},
           {R"(,"direction":"inbound")", "asks for an outbound SA"},
           {R"(,"selector":{"protocol":"udp"})",
            "selector: it does not match"}}) {
    const std::string told = refusal(1, more);
    EXPECT_EQ(told.substr(0, 9), "invalid: ") << more;
    EXPECT_NE(told.find(part), std::string::npos) << told;
  }
  EXPECT_NE(refusal(2, R"(,"peer_identity":"fqdn:c.example")").find("wishes"),
            std::string::npos);
  EXPECT_EQ(sadb_.size(), 0u);
  // What agrees may be said.
  EXPECT_EQ(refusal(2, R"(,"protocol":"ah","owner":42)").substr(0, 8),
            R"({"added")");
}

TEST_F(AcquireVerbsTest, RefusesAnswersToWhatIsOver) {
  Ask(AhTo("10.9.0.2"));
  Obey(Refuse(1));
  for (const std::string& request :
       {Answer(0x1001, 1), Answer(0x1001, 9), Refuse(1), Refuse(9)}) {
    const std::string told = Obey(request);
    EXPECT_EQ(told.substr(0, 11), "not_found: ") << told;
  }
  EXPECT_EQ(Obey(R"({"verb":"acquire.refuse","arguments":{}})").substr(0, 8),
            "invalid:");
}

TEST_F(AcquireVerbsTest, LetsExpertsNameAnOwner) {
  const std::string ends =
      R"(,"protocol":"ah","mode":"transport","source":"10.9.0.1",)"
      R"("destination":"10.9.0.2","owner":43)";
  std::string request = Answer(0x1001, 0, ends);
  request.erase(request.find(R"(,"acquire":0)"), 12);
  EXPECT_EQ(Obey(request), R"({"added":"ah 0x00001001 to 10.9.0.2"})");
  EXPECT_EQ(associations_.owners().owners(), 1u);
}

// API-20
TEST_F(AcquireVerbsTest, DeletesTheSasOfASocketThatIsGone) {
  std::vector<std::string> told;
  associations_.Watch([&told](const AssociationChange& change) {
    told.push_back(ToJson(DescribeChange(change)));
  });
  Ask(Wishing({}));
  Obey(Answer(0x1001, 1));
  associations_.owners().Retire(kSocket, kNow);
  associations_.DeleteOrphans(kNow + SaOwners::kLinger - Duration(1));
  EXPECT_EQ(sadb_.size(), 1u);
  associations_.DeleteOrphans(kNow + SaOwners::kLinger);
  EXPECT_EQ(sadb_.size(), 0u);
  EXPECT_EQ(told.back(),
            R"({"event":"sa_deleted","protocol":"ah","spi":"0x00001001",)"
            R"("destination":"10.9.0.2","why":"owner_gone"})");
}

}  // namespace
}  // namespace postern
