// SPDX-License-Identifier: Apache-2.0
//
// The window against its definition: the set of everything accepted.

#include "core/seq/replay_window.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/support/auth_proof_test_peer.h"

namespace postern {
namespace {

constexpr std::uint64_t kSubspace = std::uint64_t{1} << 32;

// RFC 4303 3.4.3 in its own words: a number is taken when it is to the right of
// the window, or in it and not seen. The high half is the one for which that
// number lies in the window, or else the first one to its right.
class Definition {
 public:
  Definition(std::uint64_t size, SequenceNumbers numbers, std::uint64_t highest)
      : size_(size), numbers_(numbers), highest_(highest) {
    if (highest != 0) {
      seen_.insert(highest);
    }
  }

  bool Accept(std::uint32_t wire) {
    const std::optional<std::uint64_t> seq = Full(wire);
    const bool good = seq.has_value() && *seq != 0 &&
                      (*seq > highest_ || highest_ - *seq < size_) &&
                      !seen_.contains(*seq);
    if (good) {
      seen_.insert(*seq);
      highest_ = std::max(highest_, *seq);
      seen_.erase(seen_.begin(),
                  seen_.lower_bound(highest_ - std::min(highest_, size_)));
    }
    return good;
  }

  std::uint64_t highest() const { return highest_; }

 private:
  // The candidate with this low half that is nearest above the left edge.
  std::optional<std::uint64_t> Full(std::uint32_t wire) const {
    if (numbers_ == SequenceNumbers::k32Bit) {
      return wire;
    }
    // The left edge may lie below zero; shift everything by one subspace.
    const std::uint64_t edge = highest_ + kSubspace - size_ + 1;
    std::uint64_t candidate = (edge / kSubspace) * kSubspace + wire;
    if (candidate < edge) {
      candidate += kSubspace;
    }
    return candidate < kSubspace ? std::nullopt
                                 : std::optional(candidate - kSubspace);
  }

  std::uint64_t size_;
  SequenceNumbers numbers_;
  std::uint64_t highest_;
  std::set<std::uint64_t> seen_;
};

bool Accept(ReplayWindow& window, std::uint32_t wire) {
  Opinion<ReplayTicket> ticket = window.Check(wire);
  return ticket.ok() &&
         window.Commit(std::move(ticket).value(), AuthProofTestPeer::Make())
             .ok();
}

constexpr std::size_t kSizes[] = {1,   2,   31,  32,  33,   63,   64,  65,
                                  100, 127, 128, 129, 1000, 1024, 4096};

// RPL-03, RPL-05, RPL-15; DEF-09, DEF-11, DEF-12.
TEST(ReplayWindowProperty, AgreesWithTheDefinition) {
  for (const std::size_t size : kSizes) {
    for (const auto numbers :
         {SequenceNumbers::k32Bit, SequenceNumbers::kExtended}) {
      ReplayWindow window(size, numbers);
      Definition definition(size, numbers, 0);
      std::mt19937 random(static_cast<std::uint32_t>(size));
      const auto below = [&random](std::uint64_t limit) {
        return static_cast<std::uint32_t>(random() % limit);
      };
      for (int i = 0; i < 30'000; ++i) {
        const std::uint32_t ahead = below(below(100) == 0 ? 5000 : 4);
        const std::uint32_t back = below(2 * size + 2);
        const std::uint64_t from = definition.highest() + ahead;
        const auto wire =
            static_cast<std::uint32_t>(from > back ? from - back : 0);
        ASSERT_EQ(Accept(window, wire), definition.Accept(wire))
            << size << ": " << wire << " at " << definition.highest();
        ASSERT_EQ(window.highest(), definition.highest());
      }
    }
  }
}

// DEF-09: whatever the bitmap's length, an old number must not alias a bit
// of a later one.
TEST(ReplayWindowProperty, NeverTakesANumberLeftOfTheWindow) {
  for (const std::size_t size : kSizes) {
    ReplayWindow window(size, SequenceNumbers::k32Bit);
    const auto top = static_cast<std::uint32_t>(40 * size + 1000);
    ASSERT_TRUE(Accept(window, top));
    for (std::uint32_t seq = 1; seq <= top; ++seq) {
      ASSERT_EQ(Accept(window, seq), top - seq < size && seq != top)
          << size << ": " << seq;
    }
    for (std::uint32_t seq = 1; seq <= top; ++seq) {
      ASSERT_FALSE(Accept(window, seq)) << size << ": " << seq;
    }
  }
}

// DEF-09: numbers that a ring of any length, reached with any remainder, could
// take for one of the window: top - size * k + j, for every size up to 300.
TEST(ReplayWindowProperty, TakesNoNumberForOneThatIsMultiplesOfItsSizeAway) {
  std::vector<std::uint32_t> sizes = {512,  1000,  1024, 4095,
                                      4096, 65535, 65536};
  for (std::uint32_t size = 1; size <= 300; ++size) {
    sizes.push_back(size);
  }
  for (const std::uint32_t size : sizes) {
    ReplayWindow window(size, SequenceNumbers::k32Bit);
    Definition definition(size, SequenceNumbers::k32Bit, 0);
    std::uint32_t top = 0;
    for (const std::uint32_t step : {1U, size, size + 1, 7 * size, 64U, 9U}) {
      top += step;
      ASSERT_EQ(Accept(window, top), definition.Accept(top));
      for (std::uint32_t k = 0; k * size <= top + 3 && k < 20; ++k) {
        for (std::uint32_t j = 0; j < 7; ++j) {
          // From 3 below to 3 above, and never above the top.
          const std::uint32_t below = k * size + 3 - j;
          if (k * size + 3 < j || below >= top) {
            continue;
          }
          ASSERT_EQ(Accept(window, top - below), definition.Accept(top - below))
              << size << ": " << top << " - " << below;
        }
      }
      ASSERT_EQ(window.highest(), definition.highest());
    }
  }
}

// DEF-10: the widest jumps that there are, from nothing.
TEST(ReplayWindowProperty, TheFirstPacketMayHaveAnyNumber) {
  for (const std::size_t size : kSizes) {
    for (const std::uint32_t first : {1U, 31U, 32U, 33U, 63U, 64U, 65U,
                                      1U << 31, 0xfffffffeU, 0xffffffffU}) {
      ReplayWindow window(size, SequenceNumbers::k32Bit);
      Definition definition(size, SequenceNumbers::k32Bit, 0);
      ASSERT_TRUE(Accept(window, first));
      ASSERT_TRUE(definition.Accept(first));
      for (std::uint32_t back = 0; back < size + 70 && back <= first; ++back) {
        ASSERT_EQ(Accept(window, first - back), definition.Accept(first - back))
            << size << ": " << first << " - " << back;
      }
    }
  }
}

// OPT-07
// DEF-10, RPL-15: jumps of every awkward width; then the whole window
// behind the jump is judged number by number.
TEST(ReplayWindowProperty, JumpsOfEveryWidthClearWhatTheyPass) {
  for (const std::size_t size : kSizes) {
    const std::vector<std::uint64_t> jumps = {
        1,        31,
        32,       33,
        63,       64,
        65,       size,
        size + 1, std::max<std::size_t>(size, 2) - 1,
        1U << 31, 0xffffffffU - 500};
    for (const std::uint64_t jump : jumps) {
      ReplayWindow window(size, SequenceNumbers::k32Bit);
      Definition definition(size, SequenceNumbers::k32Bit, 0);
      for (const std::uint32_t seq : {400U, 398U, 397U, 350U, 337U, 336U}) {
        ASSERT_EQ(Accept(window, seq), definition.Accept(seq));
      }
      const auto top = static_cast<std::uint32_t>(400 + jump);
      ASSERT_TRUE(Accept(window, top));
      ASSERT_TRUE(definition.Accept(top));
      const auto look_back = static_cast<std::uint32_t>(size + 130);
      for (std::uint32_t back = 0; back < look_back && back < top; ++back) {
        ASSERT_EQ(Accept(window, top - back), definition.Accept(top - back))
            << size << ", jump " << jump << ", back " << back;
      }
    }
  }
}

// SAD-10
// The same from anywhere in 64 bits, with jumps up to almost a subspace.
TEST(ReplayWindowProperty, ExtendedJumpsAgreeWithTheDefinition) {
  const std::vector<std::uint64_t> jumps = {
      1, 31, 32, 33, 63, 64, 65, 1000, 1U << 31, 0xfffff000U};
  const std::vector<std::uint64_t> starts = {1,
                                             63,
                                             64,
                                             kSubspace - 1,
                                             kSubspace,
                                             kSubspace + 62,
                                             kSubspace + 63,
                                             7 * kSubspace + 5,
                                             (kSubspace - 4) * kSubspace - 3};
  for (const std::size_t size : kSizes) {
    for (const std::uint64_t start : starts) {
      for (const std::uint64_t jump : jumps) {
        if (jump + size > kSubspace) {
          continue;  // nobody can infer that
        }
        ReplayWindow window(size, SequenceNumbers::kExtended, ReplayCheck::kOn,
                            {start, ReplayHistory::Older::kUnseen});
        Definition definition(size, SequenceNumbers::kExtended, start);
        for (const std::uint64_t seq :
             {start + jump, start, start + jump - 1}) {
          const auto wire = static_cast<std::uint32_t>(seq);
          ASSERT_EQ(Accept(window, wire), definition.Accept(wire))
              << size << ": " << start << " + " << jump;
        }
        ASSERT_EQ(window.highest(), definition.highest());
      }
    }
  }
}

}  // namespace
}  // namespace postern
