// SPDX-License-Identifier: Apache-2.0

#include "policy/raw_sockets.h"

#include <array>
#include <memory>
#include <vector>

#include "gtest/gtest.h"

#include "policy/decide.h"
#include "tests/unit/policy/flow_resolver_world.h"

namespace postern {
namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kOspf = 89;

constexpr std::uint8_t kEchoRequest = 8;
constexpr std::uint8_t kEchoReply = 0;

SocketPolicyRef Demanding(Level level) {
  LevelSet levels;
  levels.Set(Category::kAh, level);
  return std::make_shared<SocketPolicy>(levels);
}

// A whole packet of this protocol, whose payload begins with `first`.
std::vector<std::uint8_t> Packet4(std::uint8_t protocol, std::uint8_t first) {
  std::vector<std::uint8_t> octets(28);
  octets[0] = 0x45;
  octets[3] = 28;
  octets[8] = 64;
  octets[9] = protocol;
  octets[12] = octets[16] = 10;
  octets[15] = 1;
  octets[19] = 2;
  octets[20] = first;
  return octets;
}

std::vector<std::uint8_t> Packet6(std::uint8_t protocol, std::uint8_t first) {
  std::vector<std::uint8_t> octets(48);
  octets[0] = 0x60;
  octets[5] = 8;
  octets[6] = protocol;
  octets[7] = 64;
  octets[8] = octets[24] = 0xfd;
  octets[23] = 1;
  octets[39] = 2;
  octets[40] = first;
  return octets;
}

class RawSocketsTest : public testing::Test {
 protected:
  void Add(std::uint64_t cookie, RawSockets::Kind kind, IpFamily family,
           std::uint8_t protocol, Level level = Level::kRequire) {
    raw_.Add({SocketCookie{cookie}, kind, family, protocol, Demanding(level)});
  }

  Level Inbound(const std::vector<std::uint8_t>& packet) const {
    return raw_.Inbound(IpView::Parse(packet).value()).of(Category::kAh);
  }

  RawSockets raw_;
};

using Kind = RawSockets::Kind;

template <std::size_t kCount>
using Types = std::array<std::uint8_t, kCount>;

TEST_F(RawSocketsTest, DemandNothingWhereThereAreNone) {
  EXPECT_EQ(Inbound(Packet4(kIcmp, kEchoReply)), Level::kNone);
  EXPECT_TRUE(raw_.Outbound(IpFamily::kV4, kIcmp).empty());
}

TEST_F(RawSocketsTest, ARawSocketBindsItsFamilyAndProtocol) {
  Add(1, Kind::kRaw, IpFamily::kV4, kOspf);
  EXPECT_EQ(Inbound(Packet4(kOspf, 2)), Level::kRequire);
  EXPECT_EQ(Inbound(Packet6(kOspf, 2)), Level::kNone);
  EXPECT_EQ(Inbound(Packet4(kOspf + 1, 2)), Level::kNone);
  EXPECT_EQ(Inbound(Packet4(kIcmp, kEchoReply)), Level::kNone);
}

TEST_F(RawSocketsTest, OfOneProtocolBindTogether) {
  Add(1, Kind::kRaw, IpFamily::kV4, kOspf, Level::kAvail);
  Add(2, Kind::kRaw, IpFamily::kV4, kOspf, Level::kRequire);
  Add(3, Kind::kRaw, IpFamily::kV4, kOspf, Level::kBypass);
  EXPECT_EQ(Inbound(Packet4(kOspf, 0)), Level::kRequire);
  EXPECT_EQ(raw_.Outbound(IpFamily::kV4, kOspf).of(Category::kAh),
            Level::kRequire);
}

// A listener must not cut other sockets off from their path MTU.
TEST_F(RawSocketsTest, IcmpErrorsAreNotBound) {
  Add(1, Kind::kRaw, IpFamily::kV4, kIcmp);
  Add(2, Kind::kRaw, IpFamily::kV6, kIcmpv6);
  for (const std::uint8_t error : Types<5>{3, 4, 5, 11, 12}) {
    EXPECT_EQ(Inbound(Packet4(kIcmp, error)), Level::kNone) << int{error};
  }
  for (const std::uint8_t information : {kEchoReply, kEchoRequest}) {
    EXPECT_EQ(Inbound(Packet4(kIcmp, information)), Level::kRequire);
  }
  for (const std::uint8_t error : Types<4>{1, 2, 3, 4}) {
    EXPECT_EQ(Inbound(Packet6(kIcmpv6, error)), Level::kNone) << int{error};
  }
  for (const std::uint8_t information : Types<3>{128, 129, 135}) {
    EXPECT_EQ(Inbound(Packet6(kIcmpv6, information)), Level::kRequire);
  }
}

TEST_F(RawSocketsTest, APingSocketBindsEchoRepliesOnly) {
  Add(1, Kind::kPing, IpFamily::kV4, kIcmp);
  EXPECT_EQ(Inbound(Packet4(kIcmp, kEchoReply)), Level::kRequire);
  EXPECT_EQ(Inbound(Packet4(kIcmp, kEchoRequest)), Level::kNone);
  EXPECT_EQ(Inbound(Packet4(kIcmp, 3)), Level::kNone);
  Add(2, Kind::kPing, IpFamily::kV6, kIcmpv6);
  EXPECT_EQ(Inbound(Packet6(kIcmpv6, 129)), Level::kRequire);
  EXPECT_EQ(Inbound(Packet6(kIcmpv6, 128)), Level::kNone);
}

// The kernel offers a packet to such sockets at each of its headers.
TEST_F(RawSocketsTest, OfAnExtensionHeaderBindEveryIpv6Packet) {
  Add(1, Kind::kRaw, IpFamily::kV6, Number(IpProtocol::kDestinationOptions));
  EXPECT_EQ(Inbound(Packet6(kOspf, 0)), Level::kRequire);
  EXPECT_EQ(Inbound(Packet4(kOspf, 0)), Level::kNone);
}

TEST_F(RawSocketsTest, ForgetsThoseThatAreNotRetained) {
  for (std::uint64_t cookie = 1; cookie <= 3; ++cookie) {
    Add(cookie, Kind::kRaw, IpFamily::kV4, kOspf);
    Add(cookie, Kind::kRaw, IpFamily::kV4, kOspf);
  }
  EXPECT_EQ(raw_.size(), 3U);
  const std::vector<SocketCookie> gone =
      raw_.Retain({SocketCookie{2}, SocketCookie{7}});
  EXPECT_EQ(gone, (std::vector{SocketCookie{1}, SocketCookie{3}}));
  EXPECT_EQ(raw_.size(), 1U);
  EXPECT_TRUE(raw_.Has(SocketCookie{2}));
  EXPECT_FALSE(raw_.Has(SocketCookie{1}));
  raw_.Retain({});
  EXPECT_EQ(Inbound(Packet4(kOspf, 0)), Level::kNone);
}

class RawAdmissionTest : public FlowResolverTest {
 protected:
  Passage Admit(const std::vector<std::uint8_t>& packet) {
    inbound_.BeginBatch();
    return inbound_.Admit(IpView::Parse(packet).value(), TransformPath(), now_);
  }

  RawSockets raw_;
  FlowResolver with_raw_{{system_, sockets_, kernel_, stats_, &raw_}, 64};
  InboundPolicy inbound_{system_, with_raw_};
};

TEST_F(RawAdmissionTest, RefusesInClearWhatARawSocketWantsProtected) {
  const std::vector<std::uint8_t> reply = Packet4(kIcmp, kEchoReply);
  EXPECT_TRUE(Admit(reply).ok());
  raw_.Add(
      {kClient, Kind::kPing, IpFamily::kV4, kIcmp, Demanding(Level::kRequire)});
  const Passage refused = Admit(reply);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error(), DropReason::kPolicyRequiresAh);
  EXPECT_TRUE(Admit(Packet4(kIcmp, 3)).ok());  // fragmentation needed and such
  raw_.Retain({});
  EXPECT_TRUE(Admit(reply).ok());
}

// Where packets are not stamped, one rule holds for all.
TEST_F(RawAdmissionTest, UnknownSendersObeyTheStrictestPingSocket) {
  const FlowKey icmp = KeyOf(IpProtocol::kIcmp, 0);
  const auto ah_of = [&](const Owner& sender) {
    return (*with_raw_.Resolve(icmp, Opening::kNone, kOut, now_, sender))
        ->effective.of(Category::kAh);
  };
  EXPECT_EQ(ah_of(Owner()), Level::kNone);
  const SocketPolicyRef policy = sockets_.Obtain(kClient).value();
  raw_.Add({kClient, Kind::kPing, IpFamily::kV4, kIcmp, policy});
  EXPECT_EQ(ah_of(Owner()), Level::kNone);
  policy->SetLevel(Category::kAh, Level::kRequire);
  EXPECT_EQ(ah_of(Owner()), Level::kRequire);
  EXPECT_EQ(ah_of({Owner::Kind::kNobody, {}, {}}), Level::kNone);
  raw_.Retain({});
  EXPECT_EQ(ah_of(Owner()), Level::kNone);
}

}  // namespace
}  // namespace postern
