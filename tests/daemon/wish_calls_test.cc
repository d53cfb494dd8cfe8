// SPDX-License-Identifier: Apache-2.0

#include "daemon/wish_calls.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "policy/level.h"

namespace postern {
namespace {

constexpr NamespaceCookie kHost{17};

SocketFacts Udp(std::uint64_t cookie) {
  return {.cookie = SocketCookie{cookie},
          .network_namespace = kHost,
          .domain = AF_INET,
          .type = SOCK_DGRAM,
          .protocol = IPPROTO_UDP,
          .local = {}};
}

WishText Text(std::string_view text) {
  WishText made;
  EXPECT_TRUE(made.Assign(text));
  return made;
}

WishRequest SetIdentity(WishEnd end, WishIdentity type, const char* text) {
  return {.type = WishRequestType::kSetIdentity,
          .request_id = 4,
          .end = end,
          .identity = type,
          .text = Text(text)};
}

WishRequest GetIdentity(WishEnd end) {
  return {.type = WishRequestType::kGetIdentity, .end = end};
}

WishRequest Algorithms(std::string_view list) {
  return {.type = WishRequestType::kSetAlgorithms, .text = Text(list)};
}

WishRequest Strength(std::uint32_t bits) {
  return {.type = WishRequestType::kSetStrength, .number = bits};
}

class WishCallsTest : public ::testing::Test {
 protected:
  WishCalls::Outcome Obey(const WishRequest& request, const SocketFacts& facts,
                          const std::optional<SocketFacts>& other = {}) {
    WishCalls calls(
        {.host = kHost, .sockets = sockets_, .system = system_, .rule = rule_});
    return calls.Obey(request, {.socket = facts, .other = other},
                      [this] { return privileged_; });
  }

  int ErrnoOf(const WishRequest& request, const SocketFacts& facts = Udp(1)) {
    return Obey(request, facts).reply.error;
  }

  int Share(const SocketFacts& facts, const SocketFacts& other) {
    return Obey({.type = WishRequestType::kShare, .number = 1}, facts, other)
        .reply.error;
  }

  SocketWishes WishesOf(std::uint64_t cookie) {
    const SocketPolicyRef policy = sockets_.Find(SocketCookie{cookie});
    const WishesRef wishes = policy ? policy->wishes().Load() : nullptr;
    return wishes ? *wishes : SocketWishes();
  }

  bool privileged_ = false;
  UserAlgorithms rule_ = UserAlgorithms::kFree;
  SocketTable sockets_;
  SystemPolicy system_;
};

// API-37
TEST_F(WishCallsTest, KeepsBothIdentitiesAndTellsOnesOwn) {
  const auto outcome = Obey(
      SetIdentity(WishEnd::kMine, WishIdentity::kFqdn, "A.example"), Udp(1));
  EXPECT_EQ(outcome.reply.error, 0);
  EXPECT_EQ(outcome.reply.request_id, 4u);
  // The promise of setsockopt() needs a grace period.
  EXPECT_EQ(outcome.visible, WishCalls::Visible::kAfterGracePeriod);
  EXPECT_EQ(ErrnoOf(SetIdentity(WishEnd::kPeer, WishIdentity::kX509Dn, "CN=b")),
            0);
  EXPECT_EQ(WishesOf(1).mine->ToString(), "fqdn:a.example");
  EXPECT_EQ(WishesOf(1).peer->ToString(), "x509_dn:CN=b");
  const WishReply told = Obey(GetIdentity(WishEnd::kMine), Udp(1)).reply;
  EXPECT_EQ(told.error, 0);
  EXPECT_EQ(told.identity, WishIdentity::kFqdn);
  EXPECT_EQ(told.text.view(), "a.example");
  EXPECT_EQ(
      ErrnoOf({.type = WishRequestType::kSetIdentity, .end = WishEnd::kMine}),
      0);
  EXPECT_FALSE(WishesOf(1).mine);
  EXPECT_TRUE(WishesOf(1).peer);
  EXPECT_EQ(ErrnoOf(GetIdentity(WishEnd::kMine)), ENOENT);
}

TEST_F(WishCallsTest, RefusesWhatIsNoIdentityAndKeepsTheOldOne) {
  ASSERT_EQ(ErrnoOf(SetIdentity(WishEnd::kPeer, WishIdentity::kFqdn, "b")), 0);
  EXPECT_EQ(ErrnoOf(SetIdentity(WishEnd::kPeer, WishIdentity::kFqdn, "a b")),
            EINVAL);
  EXPECT_EQ(ErrnoOf(SetIdentity(WishEnd::kPeer, WishIdentity::kPrefix, "10.9")),
            EINVAL);
  EXPECT_EQ(WishesOf(1).peer->text(), "b");
}

TEST_F(WishCallsTest, RefusesSocketsThatItCannotAnswerFor) {
  SocketFacts elsewhere = Udp(1);
  elsewhere.network_namespace = NamespaceCookie{18};
  EXPECT_EQ(ErrnoOf(Strength(128), elsewhere), ENETUNREACH);
  SocketFacts sctp = Udp(1);
  sctp.type = SOCK_STREAM;
  sctp.protocol = IPPROTO_SCTP;
  EXPECT_EQ(ErrnoOf(Strength(128), sctp), EOPNOTSUPP);
  EXPECT_EQ(sockets_.sockets(), 0u);
}

// API-39
TEST_F(WishCallsTest, KeepsAlgorithmsAndStrength) {
  EXPECT_FALSE(sockets_.anyone_wishes());
  EXPECT_EQ(ErrnoOf(Algorithms("aes128gcm16")), 0);
  EXPECT_EQ(ErrnoOf(Strength(192)), 0);
  EXPECT_TRUE(sockets_.anyone_wishes());
  EXPECT_EQ(WishesOf(1).algorithms.text(), "aes128gcm16");
  EXPECT_EQ(WishesOf(1).least_key_bits, 192u);
  EXPECT_EQ(ErrnoOf(Algorithms("aes,")), EINVAL);
  EXPECT_EQ(ErrnoOf(Algorithms("rot13")), EOPNOTSUPP);
  EXPECT_EQ(ErrnoOf(Algorithms("aes,3des-cbc")), EOPNOTSUPP);
  EXPECT_EQ(ErrnoOf(Strength(100'000)), EOPNOTSUPP);
  EXPECT_EQ(WishesOf(1).algorithms.text(), "aes128gcm16");
  EXPECT_EQ(ErrnoOf(Algorithms("")), 0);
  EXPECT_EQ(ErrnoOf(Strength(0)), 0);
  EXPECT_FALSE(WishesOf(1).binding());
}

// API-39 API-42
TEST_F(WishCallsTest, LetsUsersOnlyStrengthenWhereTheAdministratorSaysSo) {
  rule_ = UserAlgorithms::kStrengthen;
  EXPECT_EQ(ErrnoOf(Strength(192)), 0);
  EXPECT_EQ(ErrnoOf(Strength(128)), EACCES);
  EXPECT_EQ(ErrnoOf(Algorithms("null")), EACCES);
  EXPECT_EQ(ErrnoOf(Algorithms("aes128gcm16")), EACCES);
  EXPECT_EQ(ErrnoOf(Algorithms("aes256gcm16")), 0);
  EXPECT_EQ(ErrnoOf(Algorithms("")), EACCES);
  EXPECT_EQ(WishesOf(1).algorithms.text(), "aes256gcm16");
  privileged_ = true;
  EXPECT_EQ(ErrnoOf(Algorithms("null")), 0);
}

// API-39 API-42
TEST_F(WishCallsTest, LetsUsersChooseNothingWhereTheAdministratorSaysSo) {
  rule_ = UserAlgorithms::kForbid;
  EXPECT_EQ(ErrnoOf(Strength(256)), EACCES);
  EXPECT_EQ(ErrnoOf(Algorithms("aes256gcm16")), EACCES);
  // Who they are is another matter.
  EXPECT_EQ(ErrnoOf(SetIdentity(WishEnd::kMine, WishIdentity::kFqdn, "a")), 0);
  privileged_ = true;
  EXPECT_EQ(ErrnoOf(Strength(256)), 0);
}

// API-38
TEST_F(WishCallsTest, SharesWithTheSocketThatHasTheSas) {
  EXPECT_EQ(Share(Udp(1), Udp(2)), 0);
  EXPECT_EQ(WishesOf(1).share, SocketCookie{2});
  EXPECT_EQ(Share(Udp(3), Udp(1)), 0);
  EXPECT_EQ(WishesOf(3).share, SocketCookie{2});
  EXPECT_EQ(Share(Udp(2), Udp(1)), EINVAL);  // that is itself
  EXPECT_EQ(Share(Udp(2), Udp(2)), EINVAL);
  SocketFacts elsewhere = Udp(4);
  elsewhere.network_namespace = NamespaceCookie{18};
  EXPECT_EQ(Share(Udp(1), elsewhere), ENETUNREACH);
  EXPECT_EQ(WishesOf(1).share, SocketCookie{2});
  EXPECT_EQ(ErrnoOf({.type = WishRequestType::kShare}), 0);
  EXPECT_FALSE(WishesOf(1).share);
}

TEST_F(WishCallsTest, TellsTheLevelThatHolds) {
  LevelSet system;
  system.Set(Category::kAh, Level::kUse);
  Route route;
  route.levels = system;
  system_.Replace(*RouteTable::Create({route}));
  sockets_.Obtain(SocketCookie{1})
      .value()
      ->SetLevel(Category::kEspTransport, Level::kRequire);
  const WishReply told =
      Obey({.type = WishRequestType::kGetStatus}, Udp(1)).reply;
  EXPECT_EQ(told.error, 0);
  EXPECT_EQ(told.status[0].level, ApiLevel::kRequire);
  EXPECT_EQ(told.status[1].level, ApiLevel::kUse);
  EXPECT_EQ(told.status[2].level, ApiLevel::kNone);
  EXPECT_EQ(told.status[1].spi_out, 0u);
}

TEST_F(WishCallsTest, KnowsNoPeerBeforeAPacketProvedOne) {
  EXPECT_EQ(ErrnoOf(GetIdentity(WishEnd::kPeer)), ENOENT);
  // From now on packets are noted.
  EXPECT_TRUE(sockets_.Find(SocketCookie{1})->wishes().Load());
  EXPECT_FALSE(sockets_.anyone_wishes());
}

TEST_F(WishCallsTest, SaysWhenTheTableIsFull) {
  SocketTable small({.sockets = 1, .inherited = 1});
  WishCalls calls({.host = kHost, .sockets = small, .system = system_});
  const auto errno_of = [&](std::uint64_t cookie) {
    return calls
        .Obey(Strength(128), {.socket = Udp(cookie)}, [] { return true; })
        .reply.error;
  };
  EXPECT_EQ(errno_of(1), 0);
  EXPECT_EQ(errno_of(2), ENOBUFS);
}

}  // namespace
}  // namespace postern
