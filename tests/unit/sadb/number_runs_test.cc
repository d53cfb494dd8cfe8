// SPDX-License-Identifier: Apache-2.0
//
// An SA that is asked for many packets at once answers as if it had been asked
// for each; where it would matter which packet comes first, it does not answer
// for all.

#include <cstdint>
#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "sadb/security_association.h"
#include "tests/support/auth_proof_test_peer.h"
#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = SaEvent::Kind;

constexpr Instant kStart{std::chrono::hours(1)};

class NumberRuns : public testing::Test, public SaEventSink {
 protected:
  bool Post(const SaEvent& event) override {
    kinds_.push_back(event.kind);
    return true;
  }

  SecurityAssociation Make(SaParameters parameters,
                           SecurityAssociation::Start start = {}) {
    return {std::move(parameters), start, kStart, 7, *this};
  }

  // The numbers' outcomes, in order, of one packet of 100 octets each.
  std::vector<ReceivedNumber> Receive(SecurityAssociation& sa,
                                      const std::vector<std::uint32_t>& seqs) {
    std::vector<ReceivedNumber> numbers(seqs.size());
    for (std::size_t i = 0; i < seqs.size(); ++i) {
      numbers[i].wire_seq = seqs[i];
      numbers[i].octets = 100;
    }
    sa.Check(numbers, kStart);
    for (ReceivedNumber& number : numbers) {
      number.proof = &proof_;
    }
    sa.Commit(numbers, kStart);
    return numbers;
  }

  std::vector<Kind> kinds_;
  AuthProof proof_ = AuthProofTestPeer::Make();
};

SaParameters Inbound() {
  SaParameters sa = GcmSa();
  sa.direction = Direction::kInbound;
  sa.replay_window = 64;
  return sa;
}

std::optional<DropReason> ReasonOf(const ReceivedNumber& number) {
  return number.outcome.ok() ? std::nullopt
                             : std::optional(number.outcome.error());
}

TEST_F(NumberRuns, AreInARowAndChargedTogether) {
  SecurityAssociation sa = Make(GcmSa());
  EXPECT_EQ(sa.NextNumbers({.octets = 3000, .packets = 3}, kStart), 1u);
  EXPECT_EQ(sa.NextNumber(500, kStart).value(), 4u);
  EXPECT_EQ(sa.NextNumbers({.octets = 100, .packets = 1}, kStart), 5u);
  EXPECT_EQ(sa.usage().octets, 3600u);
  EXPECT_EQ(sa.usage().packets, 5u);
  EXPECT_THAT(kinds_, IsEmpty());
}

// SAD-14
TEST_F(NumberRuns, AreRefusedWholeWhereABoundFallsWithin) {
  SaParameters parameters = GcmSa();
  parameters.soft.packets = 5;
  parameters.hard.octets = 1000;
  SecurityAssociation sa = Make(std::move(parameters));
  EXPECT_EQ(sa.NextNumbers({.octets = 10, .packets = 5}, kStart), std::nullopt);
  EXPECT_EQ(sa.NextNumbers({.octets = 1000, .packets = 2}, kStart),
            std::nullopt);
  EXPECT_EQ(sa.usage().packets, 0u);
  EXPECT_EQ(sa.sequence(), 0u);
  EXPECT_EQ(sa.NextNumbers({.octets = 10, .packets = 4}, kStart), 1u);
  EXPECT_THAT(kinds_, IsEmpty());
}

TEST_F(NumberRuns, StopWhereMoreMustBeReserved) {
  SecurityAssociation sa = Make(GcmSa(), {.last_used = 100, .reserved = 110});
  EXPECT_EQ(sa.NextNumbers({.octets = 5, .packets = 5}, kStart), std::nullopt);
  EXPECT_EQ(sa.NextNumbers({.octets = 4, .packets = 4}, kStart), 101u);
  EXPECT_EQ(sa.NextNumbers({.octets = 1, .packets = 1}, kStart), std::nullopt);
  EXPECT_EQ(sa.NextNumber(1, kStart).value(), 105u);
  EXPECT_THAT(kinds_, ElementsAre(Kind::kReserveMore));
}

// SAD-09
TEST_F(NumberRuns, NeverPassTheEnd) {
  SecurityAssociation sa = Make(GcmSa(), {.last_used = 0xfffffffc});
  EXPECT_EQ(sa.NextNumbers({.octets = 4, .packets = 4}, kStart), std::nullopt);
  EXPECT_EQ(sa.NextNumber(1, kStart).value(), 0xfffffffdu);
}

TEST_F(NumberRuns, AreNobodysWhenTheSaIsDead) {
  SecurityAssociation sa = Make(GcmSa());
  sa.Kill();
  EXPECT_EQ(sa.NextNumbers({.octets = 1, .packets = 1}, kStart), std::nullopt);
}

// RPL-05
TEST_F(NumberRuns, AreAcceptedOnceEach) {
  SecurityAssociation sa = Make(Inbound());
  const auto numbers = Receive(sa, {1, 2, 1, 200, 3, 0});
  EXPECT_EQ(ReasonOf(numbers[0]), std::nullopt);
  EXPECT_EQ(ReasonOf(numbers[1]), std::nullopt);
  EXPECT_EQ(ReasonOf(numbers[2]), DropReason::kReplayDuplicate);
  EXPECT_EQ(ReasonOf(numbers[3]), std::nullopt);
  EXPECT_EQ(ReasonOf(numbers[4]), DropReason::kReplayTooOld);
  EXPECT_EQ(ReasonOf(numbers[5]), DropReason::kReplayZero);
  EXPECT_EQ(sa.replays(), 3u);
  EXPECT_EQ(sa.sequence(), 200u);
  EXPECT_EQ(sa.usage().packets, 3u);
  EXPECT_EQ(sa.usage().octets, 300u);
}

// SAD-15
TEST_F(NumberRuns, EndWithTheLifetimeThatTheyUseUp) {
  SaParameters parameters = Inbound();
  parameters.hard.packets = 2;
  SecurityAssociation sa = Make(std::move(parameters));
  const auto numbers = Receive(sa, {1, 2, 3, 4});
  EXPECT_EQ(ReasonOf(numbers[1]), std::nullopt);
  EXPECT_EQ(ReasonOf(numbers[2]), DropReason::kLifetimeExpired);
  EXPECT_EQ(ReasonOf(numbers[3]), DropReason::kLifetimeExpired);
  EXPECT_EQ(sa.sequence(), 2u);
  EXPECT_THAT(kinds_, ElementsAre(Kind::kHardExpired));
}

TEST_F(NumberRuns, OfADeadSaAreRefused) {
  SecurityAssociation sa = Make(Inbound());
  sa.Kill();
  const auto numbers = Receive(sa, {1, 2});
  EXPECT_EQ(ReasonOf(numbers[0]), DropReason::kSaNotUsable);
  EXPECT_EQ(ReasonOf(numbers[1]), DropReason::kSaNotUsable);
}

}  // namespace
}  // namespace postern
