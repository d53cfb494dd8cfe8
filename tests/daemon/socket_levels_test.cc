// SPDX-License-Identifier: Apache-2.0

#include "daemon/socket_levels.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace postern {
namespace {

constexpr NamespaceCookie kHost{17};

SocketFacts Tcp(std::uint64_t cookie) {
  return {.cookie = SocketCookie{cookie},
          .network_namespace = kHost,
          .domain = AF_INET,
          .type = SOCK_STREAM,
          .protocol = IPPROTO_TCP,
          .local = {}};
}

ApiRequest Set(ApiLevel level, ApiCategory category = ApiCategory::kAh) {
  return {.type = ApiRequestType::kSetLevel,
          .request_id = 9,
          .category = category,
          .family = ApiFamily::kIpv4,
          .level = level};
}

ApiRequest Get(ApiCategory category) {
  return {.type = ApiRequestType::kGetLevel,
          .request_id = 9,
          .category = category,
          .family = ApiFamily::kIpv4};
}

class SocketLevelsTest : public ::testing::Test {
 protected:
  int ErrnoOf(const ApiRequest& request, const SocketFacts& facts) {
    return ErrnoOf(levels_, request, facts);
  }

  // As a user without privilege, unless `privileged` says otherwise.
  int ErrnoOf(SocketLevels& levels, const ApiRequest& request,
              const SocketFacts& facts) {
    return levels.Obey(request, facts, [this] { return privileged_; })
        .reply.error;
  }

  ApiLevel LevelOf(ApiCategory category, const SocketFacts& facts) {
    return levels_.Obey(Get(category), facts, [this] { return privileged_; })
        .reply.level;
  }

  bool privileged_ = false;
  SocketTable sockets_;
  SocketLevels levels_{kHost, sockets_};
};

// API-01 API-02
TEST_F(SocketLevelsTest, KeepsThreeLevelsApart) {
  for (const auto& [category, level] :
       {std::pair{ApiCategory::kEspTransport, ApiLevel::kAvail},
        std::pair{ApiCategory::kAh, ApiLevel::kUse},
        std::pair{ApiCategory::kEspNetwork, ApiLevel::kRequire}}) {
    const auto outcome = levels_.Obey(Set(level, category), Tcp(1),
                                      [this] { return privileged_; });
    EXPECT_EQ(outcome.reply.error, 0);
    EXPECT_EQ(outcome.reply.level, level);
    EXPECT_EQ(outcome.reply.request_id, 9u);
    // The promise of setsockopt() needs a grace period.
    EXPECT_EQ(outcome.visible, SocketLevels::Visible::kAfterGracePeriod);
  }
  EXPECT_EQ(LevelOf(ApiCategory::kEspTransport, Tcp(1)), ApiLevel::kAvail);
  EXPECT_EQ(LevelOf(ApiCategory::kAh, Tcp(1)), ApiLevel::kUse);
  EXPECT_EQ(LevelOf(ApiCategory::kEspNetwork, Tcp(1)), ApiLevel::kRequire);
}

// API-09
TEST_F(SocketLevelsTest, TellsNoneOfAFreshSocketAndRemembersNothing) {
  EXPECT_EQ(LevelOf(ApiCategory::kAh, Tcp(1)), ApiLevel::kNone);
  EXPECT_EQ(sockets_.sockets(), 0u);
}

TEST_F(SocketLevelsTest, RefusesSocketsOfAnotherNamespace) {
  SocketFacts elsewhere = Tcp(1);
  elsewhere.network_namespace = NamespaceCookie{18};
  EXPECT_EQ(ErrnoOf(Set(ApiLevel::kRequire), elsewhere), ENETUNREACH);
  EXPECT_EQ(ErrnoOf(Get(ApiCategory::kAh), elsewhere), ENETUNREACH);
  EXPECT_EQ(sockets_.sockets(), 0u);
}

// What cannot be enforced is refused: raw, ICMP, SCTP, UDP-Lite.
TEST_F(SocketLevelsTest, RefusesWhatIsNeitherTcpNorUdp) {
  const auto kind = [](int type, int protocol) {
    SocketFacts facts = Tcp(1);
    facts.type = type;
    facts.protocol = protocol;
    return facts;
  };
  const ApiRequest set = Set(ApiLevel::kRequire);
  EXPECT_EQ(ErrnoOf(set, kind(SOCK_DGRAM, IPPROTO_UDP)), 0);
  EXPECT_EQ(ErrnoOf(set, kind(SOCK_RAW, IPPROTO_ICMP)), EOPNOTSUPP);
  EXPECT_EQ(ErrnoOf(set, kind(SOCK_RAW, IPPROTO_UDP)), EOPNOTSUPP);
  EXPECT_EQ(ErrnoOf(set, kind(SOCK_DGRAM, IPPROTO_ICMP)), EOPNOTSUPP);
  EXPECT_EQ(ErrnoOf(set, kind(SOCK_STREAM, IPPROTO_SCTP)), EOPNOTSUPP);
  EXPECT_EQ(ErrnoOf(set, kind(SOCK_DGRAM, IPPROTO_UDPLITE)), EOPNOTSUPP);
}

// API-28
TEST_F(SocketLevelsTest, RefusesTheIpv6OptionOnAnIpv4Socket) {
  ApiRequest v6 = Set(ApiLevel::kRequire);
  v6.family = ApiFamily::kIpv6;
  EXPECT_EQ(ErrnoOf(v6, Tcp(1)), ENOPROTOOPT);
  SocketFacts dual = Tcp(2);
  dual.domain = AF_INET6;
  EXPECT_EQ(ErrnoOf(v6, dual), 0);
  // One triple: the other family's option reads what this one wrote.
  EXPECT_EQ(LevelOf(ApiCategory::kAh, dual), ApiLevel::kRequire);
}

// API-23
TEST_F(SocketLevelsTest, RefusesUsersBypassAndKeepsTheOldLevel) {
  ASSERT_EQ(ErrnoOf(Set(ApiLevel::kUse), Tcp(1)), 0);
  EXPECT_EQ(ErrnoOf(Set(ApiLevel::kBypass), Tcp(1)), EACCES);
  EXPECT_EQ(LevelOf(ApiCategory::kAh, Tcp(1)), ApiLevel::kUse);
  EXPECT_EQ(ErrnoOf(Set(ApiLevel::kBypass), Tcp(2)), EACCES);
  EXPECT_EQ(sockets_.sockets(), 1u);  // nothing was made for the second
}

// API-23 API-25 API-26
TEST_F(SocketLevelsTest, LetsThePrivilegedBypassOneCategoryAtATime) {
  privileged_ = true;
  EXPECT_EQ(ErrnoOf(Set(ApiLevel::kBypass), Tcp(1)), 0);
  EXPECT_EQ(LevelOf(ApiCategory::kAh, Tcp(1)), ApiLevel::kBypass);
  EXPECT_EQ(LevelOf(ApiCategory::kEspTransport, Tcp(1)), ApiLevel::kNone);
  EXPECT_EQ(sockets_.Find(SocketCookie{1})->levels().of(Category::kAh),
            Level::kBypass);
}

TEST_F(SocketLevelsTest, AsksForPrivilegeOnlyWhenTheAnswerDependsOnIt) {
  int asked = 0;
  const auto is_privileged = [&asked] {
    ++asked;
    return true;
  };
  levels_.Obey(Set(ApiLevel::kRequire), Tcp(1), is_privileged);
  levels_.Obey(Get(ApiCategory::kAh), Tcp(1), is_privileged);
  EXPECT_EQ(asked, 0);
  levels_.Obey(Set(ApiLevel::kBypass), Tcp(1), is_privileged);
  EXPECT_EQ(asked, 1);
}

// API-19
TEST_F(SocketLevelsTest, TakesUniqueFromEverybody) {
  EXPECT_EQ(ErrnoOf(Set(ApiLevel::kUnique), Tcp(1)), 0);
  EXPECT_EQ(LevelOf(ApiCategory::kAh, Tcp(1)), ApiLevel::kUnique);
}

// SPD-10 API-42 API-43
TEST_F(SocketLevelsTest, LetsUsersOnlyStrengthenWhereTheAdministratorSaysSo) {
  SocketLevels levels(kHost, sockets_, UserLevels::kStrengthen);
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kNone), Tcp(1)), 0);
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kUse), Tcp(1)), 0);
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kUse), Tcp(1)), 0);
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kAvail), Tcp(1)), EACCES);
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kNone), Tcp(1)), EACCES);
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kBypass), Tcp(1)), EACCES);
  EXPECT_EQ(LevelOf(ApiCategory::kAh, Tcp(1)), ApiLevel::kUse);
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kRequire), Tcp(1)), 0);
  // Another category has a level of its own.
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kAvail, ApiCategory::kEspTransport),
                    Tcp(1)),
            0);
  privileged_ = true;
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kBypass), Tcp(1)), 0);
  // A socket that was handed over with BYPASS is strengthened by leaving it.
  privileged_ = false;
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kAvail), Tcp(1)), 0);
}

// API-42
TEST_F(SocketLevelsTest, LetsUsersChangeNothingWhereTheAdministratorSaysSo) {
  SocketLevels levels(kHost, sockets_, UserLevels::kLocked);
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kRequire), Tcp(1)), EACCES);
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kNone), Tcp(1)), 0);  // no change
  privileged_ = true;
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kUse), Tcp(1)), 0);
  privileged_ = false;
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kNone), Tcp(1)), EACCES);
  EXPECT_EQ(LevelOf(ApiCategory::kAh, Tcp(1)), ApiLevel::kUse);
}

// API-33 API-42
TEST_F(SocketLevelsTest, HoldsAChildToWhatItInherited) {
  SocketLevels levels(kHost, sockets_, UserLevels::kStrengthen);
  SocketFacts child = Tcp(2);
  child.local = {.address = *IpAddress::Parse("10.9.0.1"), .port = 80};
  child.remote =
      SocketEnd{.address = *IpAddress::Parse("10.9.0.2"), .port = 4711};
  LevelSet inherited;
  inherited.Set(Category::kAh, Level::kRequire);
  ASSERT_TRUE(sockets_.Inherit(*FlowOf(child), inherited, MonotonicNow()).ok());
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kUse), child), EACCES);
  EXPECT_EQ(LevelOf(ApiCategory::kAh, child), ApiLevel::kRequire);
}

TEST_F(SocketLevelsTest, SaysWhenTheTableIsFull) {
  SocketTable small({.sockets = 1, .inherited = 1});
  SocketLevels levels(kHost, small);
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kUse), Tcp(1)), 0);
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kUse), Tcp(2)), ENOBUFS);
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kRequire), Tcp(1)), 0);
}

// API-33
TEST_F(SocketLevelsTest, GivesAChildWhatItsConnectionInherited) {
  SocketFacts child = Tcp(2);
  child.local = {.address = *IpAddress::Parse("10.9.0.1"), .port = 80};
  child.remote =
      SocketEnd{.address = *IpAddress::Parse("10.9.0.2"), .port = 4711};
  LevelSet inherited;
  inherited.Set(Category::kAh, Level::kRequire);
  ASSERT_TRUE(sockets_.Inherit(*FlowOf(child), inherited, MonotonicNow()).ok());
  const ApiRequest adopt{.type = ApiRequestType::kAdopt, .request_id = 1};
  EXPECT_EQ(ErrnoOf(adopt, child), 0);
  EXPECT_EQ(LevelOf(ApiCategory::kAh, child), ApiLevel::kRequire);
  // What the child sets itself adds to it.
  EXPECT_EQ(ErrnoOf(Set(ApiLevel::kUse, ApiCategory::kEspTransport), child), 0);
  EXPECT_EQ(sockets_.FindFlow(*FlowOf(child))->levels().ToString(),
            "esp_transport=use ah=require esp_network=none");
}

TEST_F(SocketLevelsTest, TranslatesEveryLevelAndCategoryBothWays) {
  for (int i = static_cast<int>(ApiLevel::kBypass);
       i <= static_cast<int>(ApiLevel::kUnique); ++i) {
    const auto level = static_cast<ApiLevel>(i);
    EXPECT_EQ(ApiLevelOf(postern::LevelOf(level)), level);
  }
  EXPECT_EQ(CategoryOf(ApiCategory::kEspTransport), Category::kEspTransport);
  EXPECT_EQ(CategoryOf(ApiCategory::kAh), Category::kAh);
  EXPECT_EQ(CategoryOf(ApiCategory::kEspNetwork), Category::kEspNetwork);
}

// A wire that carries ESP only: refused when asked for, and the socket keeps
// what it had.
TEST_F(SocketLevelsTest, RefusesWhatTheHostsWireCannotCarry) {
  NetworkConfig network;
  network.wire.kind = WireKind::kUdp;
  SocketLevels levels(kHost, sockets_, UserLevels::kFree, nullptr,
                      WireLimits(network));
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kAvail), Tcp(1)), 0);
  for (const ApiLevel level :
       {ApiLevel::kUse, ApiLevel::kRequire, ApiLevel::kUnique}) {
    EXPECT_EQ(ErrnoOf(levels, Set(level), Tcp(1)), EOPNOTSUPP);
    EXPECT_EQ(ErrnoOf(levels, Set(level, ApiCategory::kEspNetwork), Tcp(1)), 0);
  }
  EXPECT_EQ(LevelOf(ApiCategory::kAh, Tcp(1)), ApiLevel::kAvail);
  privileged_ = true;
  EXPECT_EQ(ErrnoOf(levels, Set(ApiLevel::kBypass), Tcp(1)), 0);
}

}  // namespace
}  // namespace postern
