// SPDX-License-Identifier: Apache-2.0
//
// Which packets follow the one before without a decision of their own, and what
// ends that.

#include <gtest/gtest.h>

#include "tests/unit/policy/policy_world.h"

namespace postern {
namespace {

constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kAck = 0x10;
constexpr SocketCookie kMine{7};

class Repeats : public PolicyWorld {
 protected:
  Repeats() { kernel_.Open(KeyOf(IpProtocol::kTcp), kMine); }

  bool Repeated(const Octets& packet, const Owner& sender = Owner()) const {
    return outbound_.Repeats(packet, sender) != 0;
  }

  const Octets data_ = ToPeer().Tcp(80, 4711, kAck);
};

TEST_F(Repeats, IsSaidOfTheSameFlowsNextPacket) {
  Decide(data_);
  EXPECT_TRUE(Repeated(data_));
  EXPECT_FALSE(Repeated(ToPeer().Tcp(80, 4712, kAck)));
  EXPECT_FALSE(Repeated(ToPeer().Tcp(81, 4711, kAck)));
  EXPECT_FALSE(Repeated(ToPeer().Udp(80, 4711, Octets(20))));
  EXPECT_FALSE(Repeated(PacketBuilder(kHere, "10.9.9.9").Tcp(80, 4711, kAck)));
}

TEST_F(Repeats, IsNotSaidOfASyn) {
  Decide(data_);
  EXPECT_FALSE(Repeated(ToPeer().Tcp(80, 4711, kSyn)));
  Decide(ToPeer().Tcp(80, 4711, kSyn));
  EXPECT_FALSE(Repeated(data_));
}

TEST_F(Repeats, IsNotSaidOfAnotherSender) {
  const Owner mine{.kind = Owner::Kind::kSocket, .cookie = kMine};
  const Owner other{.kind = Owner::Kind::kSocket, .cookie = SocketCookie{8}};
  Decide(data_, mine);
  EXPECT_TRUE(Repeated(data_, mine));
  EXPECT_FALSE(Repeated(data_, other));
  EXPECT_FALSE(Repeated(data_));
}

TEST_F(Repeats, EndsWithTheBatch) {
  Decide(data_);
  outbound_.BeginBatch();
  EXPECT_FALSE(Repeated(data_));
}

// A socket's own levels, the main case: they do not keep its packets apart, nor
// do other sockets that come and go.
TEST_F(Repeats, IsSaidOfSocketsWithLevels) {
  SetSocket(kMine, Category::kAh, Level::kRequire);
  AddOutbound(Category::kAh);
  Decide(data_);
  Decide(data_);
  EXPECT_TRUE(Repeated(data_));
  sockets_.Retire(SocketCookie{99}, now_);
  Decide(data_);
  EXPECT_TRUE(Repeated(data_));
}

// API-31
TEST_F(Repeats, EndsWithAChangeOfLevelsOrRoutes) {
  SetSocket(kMine, Category::kAh, Level::kAvail);
  Decide(data_);
  Decide(data_);
  ASSERT_TRUE(Repeated(data_));
  SetSocket(kMine, Category::kAh, Level::kRequire);
  EXPECT_FALSE(Repeated(data_));
  Decide(data_);
  ASSERT_TRUE(Repeated(data_));
  SetRoutes({DefaultRoute(LevelSet())});
  EXPECT_FALSE(Repeated(data_));
}

// SPD-12
TEST_F(Repeats, EndsWithAChangeOfRulesOrCgroups) {
  Decide(data_);
  ASSERT_TRUE(Repeated(data_));
  Rule rule;
  rule.name = "elsewhere";
  rule.selector.protocol = std::uint8_t{132};
  system_.ReplaceRules(
      *RuleTable::Create({rule}, RuleTable::Otherwise::kNoLevels));
  EXPECT_FALSE(Repeated(data_));
  Decide(data_);
  ASSERT_TRUE(Repeated(data_));
  system_.ReplaceCgroups(CgroupTable());
  EXPECT_FALSE(Repeated(data_));
}

// It might be theirs.
TEST_F(Repeats, EndsWhenSocketsChange) {
  Decide(data_);
  ASSERT_TRUE(Repeated(data_));
  SetSocket(SocketCookie{99}, Category::kAh, Level::kRequire);
  EXPECT_FALSE(Repeated(data_));
}

}  // namespace
}  // namespace postern
