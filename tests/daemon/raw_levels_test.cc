// SPDX-License-Identifier: Apache-2.0

#include "daemon/raw_levels.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>

#include "gtest/gtest.h"

#include "core/unique_fd.h"
#include "daemon/socket_levels.h"

namespace postern {
namespace {

SocketFacts FactsOf(int type, int protocol, int domain = AF_INET) {
  SocketFacts facts;
  facts.type = type;
  facts.protocol = protocol;
  facts.domain = domain;
  facts.cookie = SocketCookie{5};
  return facts;
}

class RawLevelsTest : public testing::Test {
 protected:
  explicit RawLevelsTest(Ownership ownership = Ownership::kBpf)
      : levels_({.sockets = sockets_,
                 .owners = owners_,
                 .raw = raw_,
                 .open = OpenSockets::Create().value(),
                 .ownership = ownership}) {}

  SocketTable sockets_;
  SaOwners owners_;
  RawSockets raw_;
  RawLevels levels_;
  UniqueFd socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

struct RawLevelsWithoutStampsTest : RawLevelsTest {
  RawLevelsWithoutStampsTest() : RawLevelsTest(Ownership::kSockDiag) {}
};

TEST_F(RawLevelsTest, TakesRawAndPingSockets) {
  EXPECT_TRUE(levels_.CanBeEnforced(FactsOf(SOCK_RAW, IPPROTO_ICMP)));
  EXPECT_TRUE(levels_.CanBeEnforced(FactsOf(SOCK_RAW, IPPROTO_RAW)));
  EXPECT_TRUE(levels_.CanBeEnforced(FactsOf(SOCK_DGRAM, IPPROTO_ICMP)));
  EXPECT_TRUE(levels_.CanBeEnforced(FactsOf(SOCK_DGRAM, IPPROTO_ICMPV6)));
  EXPECT_FALSE(levels_.CanBeEnforced(FactsOf(SOCK_DGRAM, IPPROTO_UDPLITE)));
  EXPECT_FALSE(levels_.CanBeEnforced(FactsOf(SOCK_STREAM, IPPROTO_SCTP)));
}

TEST_F(RawLevelsWithoutStampsTest, TakesPingSocketsOnly) {
  EXPECT_FALSE(levels_.CanBeEnforced(FactsOf(SOCK_RAW, IPPROTO_ICMP)));
  EXPECT_TRUE(levels_.CanBeEnforced(FactsOf(SOCK_DGRAM, IPPROTO_ICMP)));
}

TEST_F(RawLevelsTest, ForgetsASocketWhenItsLastDescriptorIsClosed) {
  const SocketFacts facts = FactsOf(SOCK_DGRAM, IPPROTO_ICMP);
  ASSERT_TRUE(levels_.Watch(socket_.get(), facts).ok());
  levels_.Add(facts, sockets_.Obtain(facts.cookie).value());
  levels_.Sweep(Instant());
  EXPECT_TRUE(raw_.Has(facts.cookie));
  socket_.reset();
  levels_.Sweep(Instant());
  EXPECT_FALSE(raw_.Has(facts.cookie));
  // Its last packets may be under way: the levels stay as long as others'.
  EXPECT_NE(sockets_.Find(facts.cookie), nullptr);
  sockets_.Age(Instant() + SocketTable::kLinger);
  EXPECT_EQ(sockets_.Find(facts.cookie), nullptr);
}

// API-19: no other notice tells that a raw or ping socket is gone.
TEST_F(RawLevelsTest, TheSasOfASocketGoWithIt) {
  const SocketFacts facts = FactsOf(SOCK_DGRAM, IPPROTO_ICMP);
  ASSERT_TRUE(levels_.Watch(socket_.get(), facts).ok());
  levels_.Add(facts, sockets_.Obtain(facts.cookie).value());
  const SaIdentity sa{.spi = Spi{0x1001},
                      .destination = IpAddress::Parse("10.9.2.1").value()};
  owners_.Note(facts.cookie, sa);
  levels_.Sweep(Instant());
  EXPECT_TRUE(owners_.TakeDue(Instant() + SaOwners::kLinger).empty());
  socket_.reset();
  levels_.Sweep(Instant());
  EXPECT_EQ(owners_.TakeDue(Instant() + SaOwners::kLinger).size(), 1U);
}

TEST_F(RawLevelsTest, RefusesMoreThanAPacketCanBeComparedWith) {
  const SocketPolicyRef policy = sockets_.Obtain(SocketCookie{1}).value();
  SocketFacts facts = FactsOf(SOCK_RAW, 89);
  for (std::uint64_t i = 0; i < RawSockets::kMost; ++i) {
    facts.cookie = SocketCookie{i + 1};
    levels_.Add(facts, policy);
  }
  EXPECT_TRUE(levels_.Watch(socket_.get(), facts).ok());  // is known
  facts.cookie = SocketCookie{RawSockets::kMost + 1};
  EXPECT_EQ(levels_.Watch(socket_.get(), facts).error().code,
            ErrorCode::kExhausted);
}

TEST_F(RawLevelsTest, ALevelSetOnARawSocketBindsItsProtocol) {
  SocketLevels levels(NamespaceCookie{17}, sockets_, UserLevels::kFree,
                      &levels_);
  SocketFacts facts = FactsOf(SOCK_RAW, 89);
  facts.network_namespace = NamespaceCookie{17};
  const ApiRequest set{.type = ApiRequestType::kSetLevel,
                       .request_id = 1,
                       .category = ApiCategory::kAh,
                       .family = ApiFamily::kIpv4,
                       .level = ApiLevel::kRequire};
  ASSERT_EQ(levels.Meet(set, facts, socket_.get()), 0);
  EXPECT_EQ(levels.Obey(set, facts, [] { return false; }).reply.error, 0);
  EXPECT_EQ(raw_.Outbound(IpFamily::kV4, 89).of(Category::kAh),
            Level::kRequire);
  // A descriptor that cannot be watched: refused before anything changed.
  facts.cookie = SocketCookie{6};
  EXPECT_EQ(levels.Meet(set, facts, -1), ENOBUFS);
}

}  // namespace
}  // namespace postern
