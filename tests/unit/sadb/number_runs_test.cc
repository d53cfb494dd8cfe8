// SPDX-License-Identifier: Apache-2.0
//
// An SA that is asked for many packets at once answers as if it had been asked
// for each; where it would matter which packet comes first, it does not answer
// for all.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <set>
#include <thread>
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

// DEF-06, DEF-40
// RPL-21: several workers send by one SA without a lock.
TEST_F(NumberRuns, OfSeveralWorkersNeverOverlap) {
  SecurityAssociation sa = Make(GcmSa());
  constexpr std::size_t kWorkers = 4;
  constexpr std::size_t kRuns = 5'000;
  std::array<std::vector<std::uint64_t>, kWorkers> firsts;
  {
    std::vector<std::jthread> threads;
    for (std::size_t worker = 0; worker < kWorkers; ++worker) {
      threads.emplace_back([&sa, &mine = firsts[worker], count = worker + 1] {
        for (std::size_t i = 0; i < kRuns; ++i) {
          mine.push_back(
              sa.NextNumbers({.octets = count, .packets = count}, kStart)
                  .value());
        }
      });
    }
  }
  std::set<std::uint64_t> all;
  for (std::size_t worker = 0; worker < kWorkers; ++worker) {
    for (const std::uint64_t first : firsts[worker]) {
      for (std::uint64_t i = 0; i <= worker; ++i) {
        EXPECT_TRUE(all.insert(first + i).second);
      }
    }
  }
  EXPECT_EQ(all.size(), kRuns * (1 + 2 + 3 + 4));
  EXPECT_EQ(*all.rbegin(), all.size());  // none is wasted
  EXPECT_EQ(sa.usage().packets, all.size());
}

// DEF-07
// RPL-22: the same packets come to several workers at once, a run at a time.
TEST_F(NumberRuns, OfTwinsOnSeveralWorkersAreAcceptedOnceEach) {
  SaParameters parameters = Inbound();
  parameters.replay_window = 4096;
  SecurityAssociation sa = Make(std::move(parameters));
  constexpr std::uint32_t kRun = 16;
  constexpr std::uint32_t kNumbers = 4096;  // none is ever too old
  std::array<std::atomic<int>, kNumbers + 1> accepted{};
  {
    std::vector<std::jthread> threads;
    for (int worker = 0; worker < 4; ++worker) {
      threads.emplace_back([&] {
        for (std::uint32_t from = 1; from <= kNumbers; from += kRun) {
          std::vector<std::uint32_t> run(kRun);
          std::iota(run.begin(), run.end(), from);
          for (const ReceivedNumber& number : Receive(sa, run)) {
            accepted[number.wire_seq] += number.outcome.ok() ? 1 : 0;
          }
        }
      });
    }
  }
  for (std::uint32_t number = 1; number <= kNumbers; ++number) {
    ASSERT_EQ(accepted[number], 1) << number;
  }
  EXPECT_EQ(sa.usage().packets, kNumbers);
  EXPECT_EQ(sa.replays(), 3U * kNumbers);
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
