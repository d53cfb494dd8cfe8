// SPDX-License-Identifier: Apache-2.0

#include "sadb/security_association.h"

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "tests/support/auth_proof_test_peer.h"
#include "tests/support/packet_builder.h"
#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = SaEvent::Kind;
using std::chrono::seconds;

class SecurityAssociationTest : public ::testing::Test {
 protected:
  SecurityAssociation Make(SaParameters parameters,
                           const SecurityAssociation::Start& start = {}) {
    return SecurityAssociation(std::move(parameters), start, kStart,
                               /*generation_id=*/7, sink_);
  }

  // Receives the packet with this number as the pipeline does.
  static Passage Receive(SecurityAssociation& sa, std::uint32_t seq,
                         std::size_t octets = 100, Instant now = kStart) {
    Opinion<ReplayTicket> ticket = sa.Check(seq, now);
    if (!ticket.ok()) {
      return ticket.error();
    }
    return sa.Commit(std::move(ticket).value(), AuthProofTestPeer::Make(),
                     octets, now);
  }

  static void ExpectRefusal(const Opinion<std::uint64_t>& number,
                            DropReason reason) {
    ASSERT_FALSE(number.ok());
    EXPECT_EQ(number.error(), reason);
  }

  static void ExpectRefusal(const Passage& passage, DropReason reason) {
    ASSERT_FALSE(passage.ok());
    EXPECT_EQ(passage.error(), reason);
  }

  RecordingSink sink_;
};

TEST_F(SecurityAssociationTest, IsMatureWhenMade) {
  const SecurityAssociation sa = Make(GcmSa());
  EXPECT_EQ(sa.state(), SaState::kMature);
  EXPECT_TRUE(sa.usable());
  EXPECT_EQ(sa.generation_id(), 7u);
  EXPECT_EQ(sa.created(), kStart);
}

// ---- Outbound

// ESP-03
TEST_F(SecurityAssociationTest, NumbersPacketsFromOne) {
  SecurityAssociation sa = Make(GcmSa());
  for (std::uint64_t expected = 1; expected <= 100; ++expected) {
    EXPECT_EQ(sa.NextNumber(1, kStart).value(), expected);
  }
  EXPECT_EQ(sa.sequence(), 100u);
}

TEST_F(SecurityAssociationTest, NumbersPacketsAfterThoseUsedBefore) {  // RPL-20
  SecurityAssociation sa = Make(GcmSa(), {.last_used = 5000, .reserved = 6000});
  EXPECT_EQ(sa.NextNumber(1, kStart).value(), 5001u);
}

TEST_F(SecurityAssociationTest,
       CrossesTwoToThe32WithExtendedNumbers) {  // SAD-08
  SaParameters parameters = GcmSa();
  parameters.numbers = SequenceNumbers::kExtended;
  SecurityAssociation sa =
      Make(std::move(parameters), {.last_used = 0xfffffffe, .reserved = ~0ULL});
  EXPECT_EQ(sa.NextNumber(1, kStart).value(), 0xffffffffu);
  EXPECT_EQ(sa.NextNumber(1, kStart).value(), 0x100000000u);
  EXPECT_THAT(sink_.kinds(), IsEmpty());
}

// IIV-02
// SAD-09, DEF-19: no wrap, an audited end, and a warning long before.
TEST_F(SecurityAssociationTest, EndsWithItsLastNumber) {
  SecurityAssociation sa = Make(GcmSa(), {.last_used = 0xfffffffe});
  EXPECT_EQ(sa.NextNumber(1, kStart).value(), 0xffffffffu);
  EXPECT_TRUE(sa.usable());
  ExpectRefusal(sa.NextNumber(1, kStart), DropReason::kSequenceExhausted);
  EXPECT_EQ(sa.state(), SaState::kDead);
  ExpectRefusal(sa.NextNumber(1, kStart), DropReason::kSequenceExhausted);
  EXPECT_THAT(
      sink_.kinds(),
      ElementsAre(Kind::kSoftExpired, Kind::kNumbersEnded, Kind::kHardExpired));
  EXPECT_EQ(sa.usage().packets, 1u);
}

// AH-09
TEST_F(SecurityAssociationTest, WarnsBeforeItsNumbersEnd) {  // DEF-19
  SecurityAssociation sa = Make(GcmSa(), {.last_used = 0xefffffff - 1});
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  EXPECT_EQ(sa.state(), SaState::kMature);
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  EXPECT_EQ(sa.state(), SaState::kDying);
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  EXPECT_THAT(sink_.kinds(), ElementsAre(Kind::kSoftExpired));
}

TEST_F(SecurityAssociationTest, AsksForMoreWhenHalfTheReserveIsUsed) {
  SecurityAssociation sa = Make(GcmSa(), {.last_used = 100, .reserved = 110});
  EXPECT_EQ(sa.reserved(), 110u);
  for (int i = 101; i <= 104; ++i) {
    ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  }
  EXPECT_THAT(sink_.kinds(), IsEmpty());
  for (int i = 105; i <= 110; ++i) {
    ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  }
  EXPECT_THAT(sink_.kinds(), ElementsAre(Kind::kReserveMore));
  EXPECT_EQ(sink_.events()[0].identity, sa.parameters().identity());
  EXPECT_EQ(sink_.events()[0].generation_id, 7u);

  sa.Reserve(120);
  for (int i = 111; i <= 120; ++i) {
    ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  }
  EXPECT_THAT(sink_.kinds(),
              ElementsAre(Kind::kReserveMore, Kind::kReserveMore));
}

// Fails closed: no number without a write to disk, and no charge for it.
TEST_F(SecurityAssociationTest, RefusesNumbersThatAreNotReserved) {  // RPL-20
  SecurityAssociation sa = Make(GcmSa(), {.last_used = 0, .reserved = 2});
  ASSERT_TRUE(sa.NextNumber(10, kStart).ok());
  ASSERT_TRUE(sa.NextNumber(10, kStart).ok());
  ExpectRefusal(sa.NextNumber(10, kStart), DropReason::kSequenceNotReserved);
  EXPECT_EQ(sa.usage().packets, 2u);
  EXPECT_EQ(sa.usage().octets, 20u);
  EXPECT_TRUE(sa.usable());
  sa.Reserve(3);
  EXPECT_EQ(sa.NextNumber(10, kStart).value(), 3u);
}

TEST_F(SecurityAssociationTest, AsksAgainAfterAWriteThatFailed) {
  SecurityAssociation sa = Make(GcmSa(), {.last_used = 0, .reserved = 2});
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  ExpectRefusal(sa.NextNumber(1, kStart), DropReason::kSequenceNotReserved);
  ExpectRefusal(sa.NextNumber(1, kStart), DropReason::kSequenceNotReserved);
  EXPECT_THAT(sink_.kinds(), ElementsAre(Kind::kReserveMore));
  sa.Reserve(sa.reserved());
  ExpectRefusal(sa.NextNumber(1, kStart), DropReason::kSequenceNotReserved);
  ExpectRefusal(sa.NextNumber(1, kStart), DropReason::kSequenceNotReserved);
  EXPECT_THAT(sink_.kinds(),
              ElementsAre(Kind::kReserveMore, Kind::kReserveMore));
}

TEST_F(SecurityAssociationTest, AsksForNothingWhenAllIsReserved) {
  SecurityAssociation sa = Make(GcmSa());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  }
  EXPECT_THAT(sink_.kinds(), IsEmpty());
}

TEST_F(SecurityAssociationTest, SendersNeverGetTheSameNumber) {  // RPL-21
  SecurityAssociation sa = Make(GcmSa());
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  std::vector<std::vector<std::uint64_t>> numbers(kThreads);
  {
    std::vector<std::jthread> threads;
    for (std::vector<std::uint64_t>& mine : numbers) {
      threads.emplace_back([&sa, &mine] {
        for (int i = 0; i < kEach; ++i) {
          mine.push_back(sa.NextNumber(3, kStart).value());
        }
      });
    }
  }
  std::set<std::uint64_t> all;
  for (const auto& mine : numbers) {
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), std::size_t{kThreads} * kEach);
  EXPECT_EQ(*all.rbegin(), std::uint64_t{kThreads} * kEach);
  EXPECT_EQ(sa.usage().packets, std::uint64_t{kThreads} * kEach);
  EXPECT_EQ(sa.usage().octets, std::uint64_t{kThreads} * kEach * 3);
}

// ---- Inbound

// RPL-01, RPL-03, AH-41
TEST_F(SecurityAssociationTest, AcceptsEachNumberOnce) {  // RPL-05, DEF-12
  for (SaParameters parameters : {GcmSa(0x1011, Direction::kInbound),
                                  AhSa(0x1011, Direction::kInbound)}) {
    SecurityAssociation sa = Make(std::move(parameters));
    EXPECT_TRUE(Receive(sa, 1).ok());
    EXPECT_TRUE(Receive(sa, 5).ok());
    EXPECT_TRUE(Receive(sa, 3).ok());
    ExpectRefusal(Receive(sa, 3), DropReason::kReplayDuplicate);
    ExpectRefusal(Receive(sa, 0), DropReason::kReplayZero);
    EXPECT_TRUE(Receive(sa, 1000).ok());
    ExpectRefusal(Receive(sa, 936), DropReason::kReplayTooOld);
    EXPECT_EQ(sa.sequence(), 1000u);
    EXPECT_EQ(sa.replays(), 3u);
  }
}

// DEF-07: two copies in one batch are checked before either is committed.
TEST_F(SecurityAssociationTest, AcceptsOneOfTwinsInABatch) {
  SecurityAssociation sa = Make(GcmSa(0x1011, Direction::kInbound));
  Opinion<ReplayTicket> first = sa.Check(9, kStart);
  Opinion<ReplayTicket> second = sa.Check(9, kStart);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(
      sa.Commit(std::move(first).value(), AuthProofTestPeer::Make(), 50, kStart)
          .ok());
  ExpectRefusal(sa.Commit(std::move(second).value(), AuthProofTestPeer::Make(),
                          50, kStart),
                DropReason::kReplayDuplicate);
  EXPECT_EQ(sa.usage().packets, 1u);
  EXPECT_EQ(sa.usage().octets, 50u);
}

TEST_F(SecurityAssociationTest, AcceptsOneOfTwinsOnTwoWorkers) {  // RPL-22
  SecurityAssociation sa = Make(GcmSa(0x1011, Direction::kInbound));
  constexpr std::uint32_t kPackets = 5'000;
  std::atomic<std::uint32_t> accepted{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&sa, &accepted] {
        for (std::uint32_t seq = 1; seq <= kPackets; ++seq) {
          accepted += Receive(sa, seq).ok() ? 1U : 0U;
        }
      });
    }
  }
  // A worker that lags behind by more than the window may lose a race for
  // good, so that fewer are possible; more never are.
  EXPECT_LE(accepted, kPackets);
  EXPECT_EQ(sa.usage().packets, accepted);
  EXPECT_EQ(sa.sequence(), kPackets);
}

// RPL-06, DEF-29: without a proof there is no Commit(); what a forged packet
// can reach is Check() and CountBadIcv().
TEST_F(SecurityAssociationTest, ForgedPacketsMoveNothing) {
  SaParameters parameters = GcmSa(0x1011, Direction::kInbound);
  parameters.hard.packets = 1;
  parameters.hard.octets = 100;
  SecurityAssociation sa = Make(std::move(parameters));
  for (std::uint32_t seq = 1; seq <= 1000; ++seq) {
    ASSERT_TRUE(sa.Check(seq, kStart).ok());
    sa.CountBadIcv();
  }
  EXPECT_EQ(sa.usage().packets, 0u);
  EXPECT_EQ(sa.usage().octets, 0u);
  EXPECT_EQ(sa.sequence(), 0u);
  EXPECT_EQ(sa.bad_icvs(), 1000u);
  EXPECT_EQ(sa.state(), SaState::kMature);
  EXPECT_THAT(sink_.kinds(), IsEmpty());
  EXPECT_TRUE(Receive(sa, 1).ok());
}

// RPL-01, AH-41
TEST_F(SecurityAssociationTest, AcceptsReplaysWithTheWindowOff) {  // RPL-09
  SaParameters parameters = GcmSa(0x1011, Direction::kInbound);
  parameters.replay_window = 0;
  SecurityAssociation sa = Make(std::move(parameters));
  EXPECT_TRUE(Receive(sa, 1).ok());
  EXPECT_TRUE(Receive(sa, 1).ok());
  EXPECT_EQ(sa.usage().packets, 2u);
}

TEST_F(SecurityAssociationTest, HoldsWhatCameBeforeForSeen) {
  SecurityAssociation sa =
      Make(GcmSa(0x1011, Direction::kInbound), {.last_used = 500});
  ExpectRefusal(Receive(sa, 500), DropReason::kReplayDuplicate);
  ExpectRefusal(Receive(sa, 499), DropReason::kReplayDuplicate);
  EXPECT_TRUE(Receive(sa, 501).ok());
}

// ---- Lifetimes

TEST_F(SecurityAssociationTest, ExpiresByPacketsSoftThenHard) {  // SAD-14
  SaParameters parameters = GcmSa();
  parameters.soft.packets = 3;
  parameters.hard.packets = 5;
  SecurityAssociation sa = Make(std::move(parameters));
  for (int i = 1; i <= 2; ++i) {
    ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  }
  EXPECT_EQ(sa.state(), SaState::kMature);
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  EXPECT_EQ(sa.state(), SaState::kDying);
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  EXPECT_THAT(sink_.kinds(), ElementsAre(Kind::kSoftExpired));
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());  // the fifth is the last
  EXPECT_EQ(sa.state(), SaState::kDead);
  for (int i = 0; i < 3; ++i) {
    ExpectRefusal(sa.NextNumber(1, kStart), DropReason::kLifetimeExpired);
  }
  EXPECT_THAT(sink_.kinds(),
              ElementsAre(Kind::kSoftExpired, Kind::kHardExpired));
  EXPECT_EQ(sa.usage().packets, 5u);
}

TEST_F(SecurityAssociationTest, ExpiresByOctetsAndNeverExceedsThem) {  // SAD-11
  SaParameters parameters = GcmSa();
  parameters.soft.octets = 600;
  parameters.hard.octets = 1000;
  SecurityAssociation sa = Make(std::move(parameters));
  ASSERT_TRUE(sa.NextNumber(600, kStart).ok());
  EXPECT_EQ(sa.state(), SaState::kDying);
  ExpectRefusal(sa.NextNumber(600, kStart), DropReason::kLifetimeExpired);
  EXPECT_EQ(sa.state(), SaState::kDead);
  EXPECT_EQ(sa.usage().octets, 600u);
  EXPECT_EQ(sa.usage().packets, 1u);
}

TEST_F(SecurityAssociationTest, ExpiresByTimeWithPackets) {  // SAD-11
  SaParameters parameters = GcmSa();
  parameters.soft.time = seconds(10);
  parameters.hard.time = seconds(20);
  SecurityAssociation sa = Make(std::move(parameters));
  ASSERT_TRUE(sa.NextNumber(1, kStart + seconds(10) - Duration(1)).ok());
  EXPECT_EQ(sa.state(), SaState::kMature);
  ASSERT_TRUE(sa.NextNumber(1, kStart + seconds(10)).ok());
  ASSERT_TRUE(sa.NextNumber(1, kStart + seconds(20) - Duration(1)).ok());
  EXPECT_EQ(sa.state(), SaState::kDying);
  ExpectRefusal(sa.NextNumber(1, kStart + seconds(20)),
                DropReason::kLifetimeExpired);
  EXPECT_EQ(sa.sequence(), 3u);  // the late packet took no number
  EXPECT_THAT(sink_.kinds(),
              ElementsAre(Kind::kSoftExpired, Kind::kHardExpired));
}

TEST_F(SecurityAssociationTest, ExpiresByTimeWithoutPackets) {
  SaParameters parameters = GcmSa(0x1011, Direction::kInbound);
  parameters.soft.time = seconds(10);
  parameters.hard.time = seconds(20);
  SecurityAssociation sa = Make(std::move(parameters));
  EXPECT_EQ(sa.NextDeadline(kStart), kStart + seconds(10));
  EXPECT_EQ(sa.Age(kStart + seconds(9)), SaState::kMature);
  EXPECT_EQ(sa.Age(kStart + seconds(10)), SaState::kDying);
  EXPECT_EQ(sa.Age(kStart + seconds(11)), SaState::kDying);
  EXPECT_EQ(sa.NextDeadline(kStart + seconds(10)), kStart + seconds(20));
  EXPECT_EQ(sa.Age(kStart + seconds(20)), SaState::kDead);
  EXPECT_EQ(sa.Age(kStart + seconds(21)), SaState::kDead);
  EXPECT_THAT(sink_.kinds(),
              ElementsAre(Kind::kSoftExpired, Kind::kHardExpired));
}

TEST_F(SecurityAssociationTest, RefusesInboundPacketsAfterTheHardBound) {
  SaParameters parameters = GcmSa(0x1011, Direction::kInbound);
  parameters.hard.time = seconds(20);
  SecurityAssociation sa = Make(std::move(parameters));
  Opinion<ReplayTicket> in_time = sa.Check(1, kStart + seconds(19));
  ASSERT_TRUE(in_time.ok());
  // SAD-15: not fully processed within the lifetime.
  ExpectRefusal(sa.Commit(std::move(in_time).value(), AuthProofTestPeer::Make(),
                          1, kStart + seconds(20)),
                DropReason::kLifetimeExpired);
  EXPECT_EQ(sa.usage().packets, 0u);
  ExpectRefusal(Receive(sa, 2, 1, kStart + seconds(20)),
                DropReason::kLifetimeExpired);
  EXPECT_THAT(sink_.kinds(), ElementsAre(Kind::kHardExpired));
}

TEST_F(SecurityAssociationTest, ABoundAtTheEndOfTimeNeverComes) {
  SaParameters parameters = GcmSa();
  parameters.hard.time = Duration::max();
  SecurityAssociation sa = Make(std::move(parameters));
  EXPECT_EQ(sa.NextDeadline(kStart), Instant::max());
  EXPECT_EQ(sa.Age(kStart + std::chrono::hours(24 * 365 * 100)),
            SaState::kMature);
}

TEST_F(SecurityAssociationTest, OneHardEventWhenWorkersRaceForIt) {
  SaParameters parameters = GcmSa();
  parameters.soft.packets = 500;
  parameters.hard.packets = 1000;
  SecurityAssociation sa = Make(std::move(parameters));
  std::atomic<int> sent{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&sa, &sent] {
        while (sa.NextNumber(1, kStart).ok()) {
          ++sent;
        }
      });
    }
  }
  EXPECT_LE(sent, 1000);
  EXPECT_EQ(sa.usage().packets, static_cast<std::uint64_t>(sent));
  EXPECT_THAT(sink_.kinds(), ::testing::UnorderedElementsAre(
                                 Kind::kSoftExpired, Kind::kHardExpired));
}

TEST_F(SecurityAssociationTest, OffersARefusedEventAgain) {
  SaParameters parameters = GcmSa();
  parameters.soft.packets = 1;
  SecurityAssociation sa = Make(std::move(parameters));
  sink_.Refuse();
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  EXPECT_GE(sink_.refused(), 2u);
  EXPECT_TRUE(sa.has_pending_events());
  sink_.Accept();
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  EXPECT_FALSE(sa.has_pending_events());
  EXPECT_THAT(sink_.kinds(), ElementsAre(Kind::kSoftExpired));
}

TEST_F(SecurityAssociationTest, NewLifetimesBindAtOnce) {
  SecurityAssociation sa = Make(GcmSa());
  ASSERT_TRUE(sa.NextNumber(1000, kStart).ok());
  sa.SetLifetimes({}, {.octets = 1500}, kStart);
  EXPECT_EQ(sa.hard().octets, 1500u);
  EXPECT_EQ(sa.soft().octets, std::nullopt);
  ExpectRefusal(sa.NextNumber(501, kStart), DropReason::kLifetimeExpired);
}

TEST_F(SecurityAssociationTest, NewLifetimesBelowTheUseEndIt) {
  SecurityAssociation sa = Make(GcmSa());
  ASSERT_TRUE(sa.NextNumber(1000, kStart).ok());
  sa.SetLifetimes({}, {.octets = 1000}, kStart);
  EXPECT_EQ(sa.state(), SaState::kDead);
  EXPECT_THAT(sink_.kinds(), ElementsAre(Kind::kHardExpired));
}

TEST_F(SecurityAssociationTest, AnExtendedLifetimeWarnsAgain) {
  SaParameters parameters = GcmSa();
  parameters.soft.packets = 1;
  SecurityAssociation sa = Make(std::move(parameters));
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  EXPECT_EQ(sa.state(), SaState::kDying);
  sa.SetLifetimes({.packets = 3}, {}, kStart);
  EXPECT_EQ(sa.state(), SaState::kMature);
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  EXPECT_EQ(sa.state(), SaState::kDying);
  EXPECT_THAT(sink_.kinds(),
              ElementsAre(Kind::kSoftExpired, Kind::kSoftExpired));
}

TEST_F(SecurityAssociationTest, NothingRevivesTheDead) {
  SaParameters parameters = GcmSa();
  parameters.hard.packets = 1;
  SecurityAssociation sa = Make(std::move(parameters));
  ASSERT_TRUE(sa.NextNumber(1, kStart).ok());
  sa.SetLifetimes({}, {}, kStart);
  EXPECT_EQ(sa.state(), SaState::kDead);
  ExpectRefusal(sa.NextNumber(1, kStart), DropReason::kLifetimeExpired);
}

TEST_F(SecurityAssociationTest, AKilledOneServesNobodyAndSaysNothing) {
  SecurityAssociation out = Make(GcmSa());
  out.Kill();
  ExpectRefusal(out.NextNumber(1, kStart), DropReason::kSaNotUsable);

  SecurityAssociation in = Make(GcmSa(0x1011, Direction::kInbound));
  Opinion<ReplayTicket> waiting = in.Check(1, kStart);
  in.Kill();
  ExpectRefusal(Receive(in, 2), DropReason::kSaNotUsable);
  ExpectRefusal(in.Commit(std::move(waiting).value(), AuthProofTestPeer::Make(),
                          1, kStart),
                DropReason::kSaNotUsable);  // SAD-15
  EXPECT_THAT(sink_.kinds(), IsEmpty());
}

TEST_F(SecurityAssociationTest, ServesItsOwnDirectionOnly) {  // SAD-01
  SecurityAssociation out = Make(GcmSa());
  const Opinion<ReplayTicket> ticket = out.Check(1, kStart);
  ASSERT_FALSE(ticket.ok());
  EXPECT_EQ(ticket.error(), DropReason::kSaNotUsable);
  SecurityAssociation in = Make(GcmSa(0x1011, Direction::kInbound));
  ExpectRefusal(in.NextNumber(1, kStart), DropReason::kSaNotUsable);
}

// ---- Transforms

TEST_F(SecurityAssociationTest, HasTheTransformOfItsKindOnly) {
  constexpr WorkerIndex kWorker{0};
  SecurityAssociation esp_out = Make(GcmSa());
  EXPECT_NE(esp_out.sealer(kWorker), nullptr);
  EXPECT_EQ(esp_out.opener(kWorker), nullptr);
  EXPECT_EQ(esp_out.signer(kWorker), nullptr);
  EXPECT_EQ(esp_out.verifier(kWorker), nullptr);

  SecurityAssociation esp_in = Make(CbcSa(0x1011, Direction::kInbound));
  EXPECT_EQ(esp_in.sealer(kWorker), nullptr);
  EXPECT_NE(esp_in.opener(kWorker), nullptr);

  SecurityAssociation ah_out = Make(AhSa());
  EXPECT_NE(ah_out.signer(kWorker), nullptr);
  EXPECT_EQ(ah_out.sealer(kWorker), nullptr);

  SecurityAssociation ah_in = Make(AhSa(0x1011, Direction::kInbound));
  EXPECT_NE(ah_in.verifier(kWorker), nullptr);
  EXPECT_EQ(ah_in.opener(kWorker), nullptr);
}

TEST_F(SecurityAssociationTest, KeysATransformOncePerWorker) {
  SecurityAssociation sa = Make(GcmSa());
  esp::Sealer* const first = sa.sealer(WorkerIndex{0});
  esp::Sealer* const second = sa.sealer(WorkerIndex{63});
  EXPECT_NE(first, second);
  EXPECT_EQ(sa.sealer(WorkerIndex{0}), first);
  EXPECT_EQ(sa.sealer(WorkerIndex{63}), second);
}

TEST_F(SecurityAssociationTest, WorkersKeyTheirTransformsAtOnce) {
  SecurityAssociation sa = Make(GcmSa());
  std::vector<esp::Sealer*> sealers(8);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < sealers.size(); ++i) {
      threads.emplace_back([&sa, &sealers, i] {
        const auto worker = static_cast<WorkerIndex>(i);
        sealers[i] = sa.sealer(worker);
        for (int again = 0; again < 100; ++again) {
          ASSERT_EQ(sa.sealer(worker), sealers[i]);
        }
      });
    }
  }
  EXPECT_EQ(std::set<esp::Sealer*>(sealers.begin(), sealers.end()).size(),
            sealers.size());
}

// A packet through both ends; that the bytes are right is shown in esp/ and by
// the vectors, that keys and numbers reach them here.
TEST_F(SecurityAssociationTest, SealsWhatItsPeerOpens) {
  SecurityAssociation out = Make(GcmSa());
  SecurityAssociation in = Make(GcmSa(0x1011, Direction::kInbound));
  PacketPool pool({});
  const Octets clear =
      PacketBuilder("10.9.0.1", "10.9.0.2").Udp(4711, 53, {1, 2, 3});
  Packet packet = pool.Copy(clear);
  const std::uint64_t number = out.NextNumber(packet.size(), kStart).value();
  ASSERT_TRUE(out.sealer(WorkerIndex{0})->Seal(packet, number).ok());

  Opinion<ReplayTicket> ticket =
      in.Check(static_cast<std::uint32_t>(number), kStart);
  esp::Opener* const opener = in.opener(WorkerIndex{1});
  Opinion<esp::Opener::Opened> opened = opener->Open(packet, ticket->seq());
  ASSERT_TRUE(opened.ok());
  ASSERT_TRUE(
      in.Commit(std::move(ticket).value(), opened->proof, packet.size(), kStart)
          .ok());
  ASSERT_TRUE(opener->Finish(packet, *opened).ok());
  const ConstBytes got = std::as_const(packet).bytes();
  EXPECT_EQ(Octets(got.begin(), got.end()), clear);
  packet.Release();
}

}  // namespace
}  // namespace postern
