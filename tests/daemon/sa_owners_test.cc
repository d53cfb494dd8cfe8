// SPDX-License-Identifier: Apache-2.0

#include "daemon/sa_owners.h"

#include <gtest/gtest.h>

#include <vector>

namespace postern {
namespace {

constexpr Instant kNow{};
constexpr Instant kLater = kNow + SaOwners::kLinger;
constexpr SocketCookie kSocket{42};
constexpr SocketCookie kOther{43};

SaIdentity Sa(std::uint32_t spi) {
  return {.spi = Spi{spi},
          .destination = *IpAddress::Parse("10.9.0.2"),
          .protocol = IpsecProtocol::kAh};
}

FlowKey FlowTo(std::uint16_t port) {
  return {.local = *IpAddress::Parse("10.9.0.1"),
          .remote = *IpAddress::Parse("10.9.0.2"),
          .local_port = 4711,
          .remote_port = port,
          .protocol = 6};
}

using Sas = std::vector<SaIdentity>;

// API-20
TEST(SaOwners, GivesUpTheSasOfASocketThatIsGoneAfterLatePackets) {
  SaOwners owners;
  owners.Note(kSocket, Sa(1));
  owners.Note(kSocket, Sa(2));
  owners.Note(kOther, Sa(3));
  EXPECT_EQ(owners.TakeDue(kLater), Sas());
  owners.Retire(kSocket, kNow);
  owners.Retire(SocketCookie{99}, kNow);
  EXPECT_EQ(owners.TakeDue(kLater - Duration(1)), Sas());
  EXPECT_EQ(owners.TakeDue(kLater), (Sas{Sa(1), Sa(2)}));
  EXPECT_EQ(owners.TakeDue(kLater), Sas());
  EXPECT_EQ(owners.owners(), 1u);
}

TEST(SaOwners, PreparesForEachOwner) {
  SaOwners owners;
  std::vector<std::size_t> prepared;
  owners.BeforeNote([&] { prepared.push_back(owners.owners()); });
  owners.Note(kSocket, Sa(1));
  owners.Note(kOther, Sa(2));
  EXPECT_EQ(prepared, (std::vector<std::size_t>{0, 1}));
}

TEST(SaOwners, ForgetsSasThatWentBefore) {
  SaOwners owners;
  owners.Note(kSocket, Sa(1));
  owners.Note(kSocket, Sa(2));
  owners.Forget(Sa(2));
  owners.Forget(Sa(9));
  owners.Retire(kSocket, kNow);
  EXPECT_EQ(owners.TakeDue(kLater), (Sas{Sa(1)}));
  owners.Note(kSocket, Sa(1));
  owners.Forget(Sa(1));
  EXPECT_EQ(owners.owners(), 0u);
}

// The same identity can be somebody else's by then.
TEST(SaOwners, LeavesAnSaAloneThatAnotherSocketOwnsByNow) {
  SaOwners owners;
  owners.Note(kSocket, Sa(1));
  owners.Retire(kSocket, kNow);
  owners.Note(kOther, Sa(1));
  EXPECT_EQ(owners.TakeDue(kLater), Sas());
  owners.Retire(kOther, kNow);
  EXPECT_EQ(owners.TakeDue(kLater), (Sas{Sa(1)}));
}

TEST(SaOwners, DoubtsEachOwnerOnceAndAgainWhenNoticesWereLost) {
  SaOwners owners;
  owners.Note(kSocket, Sa(1));
  owners.KnowFlow(kSocket, FlowTo(80));
  owners.KnowFlow(kOther, FlowTo(81));  // owns nothing
  owners.Note(kOther, Sa(2));           // without a flow: believed
  const auto doubted = owners.TakeDoubted(10);
  ASSERT_EQ(doubted.size(), 1u);
  EXPECT_EQ(doubted[0].owner, kSocket);
  EXPECT_EQ(doubted[0].flow, FlowTo(80));
  EXPECT_TRUE(owners.TakeDoubted(10).empty());
  owners.DoubtAll();
  EXPECT_EQ(owners.TakeDoubted(10).size(), 1u);
  owners.Retire(kSocket, kNow);
  owners.DoubtAll();
  EXPECT_TRUE(owners.TakeDoubted(10).empty());
}

TEST(SaOwners, HandsOutDoubtsInPortions) {
  SaOwners owners;
  for (std::uint32_t i = 1; i <= 5; ++i) {
    owners.Note(SocketCookie{i}, Sa(i));
    owners.KnowFlow(SocketCookie{i}, FlowTo(80));
  }
  EXPECT_EQ(owners.TakeDoubted(3).size(), 3u);
  EXPECT_EQ(owners.TakeDoubted(3).size(), 2u);
}

TEST(SaOwners, ForgetsAllWithAFlush) {
  SaOwners owners;
  owners.Note(kSocket, Sa(1));
  owners.Retire(kSocket, kNow);
  owners.ForgetAll();
  EXPECT_EQ(owners.TakeDue(kLater), Sas());
  EXPECT_EQ(owners.owners(), 0u);
}

}  // namespace
}  // namespace postern
