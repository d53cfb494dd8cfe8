// SPDX-License-Identifier: Apache-2.0
//
// The Reassembler against the definition: a datagram is an array of octets, each
// known or not; it is there when all of them are, and spoilt when one is told
// twice, unless all of a fragment is told again. Random cuts, orders, copies,
// overlaps.

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "pipeline/reassembler.h"
#include "tests/support/naive_fragments.h"

namespace postern {
namespace {

enum class Outcome : std::uint8_t { kWaits, kWhole, kAgain, kRefused };

class Definition {
 public:
  Outcome Take(const Octets& data, const NaivePiece& piece) {
    if (spoilt_) {
      return Outcome::kRefused;
    }
    const auto known = pieces_.find(piece.offset);
    const Octets here(
        data.begin() + static_cast<std::ptrdiff_t>(piece.offset),
        data.begin() + static_cast<std::ptrdiff_t>(piece.offset + piece.size));
    if (known != pieces_.end() && known->second.octets == here &&
        known->second.has_more == piece.has_more) {
      return Outcome::kAgain;
    }
    for (std::size_t i = 0; i < piece.size; ++i) {
      spoilt_ |= octets_.contains(piece.offset + i);
      octets_[piece.offset + i] = here[i];
    }
    pieces_[piece.offset] = {here, piece.has_more};
    const std::size_t end = piece.offset + piece.size;
    spoilt_ |= !piece.has_more && end_ && *end_ != end;
    end_ = piece.has_more ? end_ : end;
    spoilt_ |= end_ && octets_.rbegin()->first >= *end_;
    if (spoilt_) {
      return Outcome::kRefused;
    }
    return end_ && octets_.size() == *end_ ? Outcome::kWhole : Outcome::kWaits;
  }

  // REQUIRES: it is whole.
  std::size_t end() const { return end_.value(); }

 private:
  struct Known {
    Octets octets;
    bool has_more = false;
  };

  std::map<std::size_t, std::uint8_t> octets_;
  std::map<std::size_t, Known> pieces_;
  std::optional<std::size_t> end_;
  bool spoilt_ = false;
};

using Random = std::mt19937;

std::size_t Below(Random& random, std::size_t bound) {
  return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
}

// A datagram of `size` octets in fragments, shuffled; some twice, and now and
// then one that is wrong.
std::vector<NaivePiece> Pieces(Random& random, std::size_t size,
                               std::uint32_t id) {
  std::vector<NaivePiece> pieces;
  for (std::size_t at = 0; at < size;) {
    const std::size_t wanted = 8 * (1 + Below(random, 12));
    const std::size_t got = std::min(wanted, size - at);
    pieces.push_back({at, got, at + got < size, id});
    at += got;
  }
  for (std::size_t copies = Below(random, 3); copies > 0; --copies) {
    pieces.push_back(pieces[Below(random, pieces.size())]);
  }
  if (Below(random, 3) == 0) {
    const std::size_t at = 8 * Below(random, size / 8);
    const std::size_t got = std::min(8 * (1 + Below(random, 4)), size - at);
    const bool has_more = got % 8 == 0 && Below(random, 4) != 0;
    pieces.push_back({at, got, has_more, id});
  }
  std::ranges::shuffle(pieces, random);
  return pieces;
}

Outcome Translate(const Opinion<Reassembler::Taken>& taken) {
  if (!taken.ok()) {
    return taken.error() == DropReason::kFragmentDuplicate ? Outcome::kAgain
                                                           : Outcome::kRefused;
  }
  return *taken == Reassembler::Taken::kWaits ? Outcome::kWaits
                                              : Outcome::kWhole;
}

// FRAG-12 FRAG-14 FRAG-19
TEST(ReassemblerProperty, DoesWhatTheDefinitionDoes) {
  Random random(20260101);
  PacketPool pool({.packets = 1, .payload = 9216});
  WorkerStats stats;
  int wholes = 0;
  int spoilt = 0;
  for (std::uint32_t round = 0; round < 4000; ++round) {
    Reassembler reassembler({}, nullptr, stats);
    const bool v4 = round % 2 == 0;
    const std::size_t header = v4 ? 20 : 40;
    Octets data(16 + Below(random, 800));
    std::ranges::generate(data, [&random] {
      return static_cast<std::uint8_t>(Below(random, 256));
    });
    const Octets whole =
        v4 ? PacketBuilder("10.9.1.1", "10.9.2.1").Raw(50, data)
           : PacketBuilder("fd00:9:1::1", "fd00:9:2::1").Raw(50, data);
    Definition definition;
    for (const NaivePiece& piece : Pieces(random, data.size(), round)) {
      Packet packet = pool.Copy(NaiveFragment(whole, piece));
      const auto view = IpView::Parse(std::as_const(packet).bytes());
      ASSERT_TRUE(view.ok());
      if (view->fragment() == IpView::Fragment::kWhole) {
        packet.Release();  // the wrong one is whole by itself
        continue;
      }
      const Outcome expected = definition.Take(data, piece);
      const Outcome got =
          Translate(reassembler.Take(packet, *view, {}, Instant()));
      ASSERT_EQ(got, expected) << "round " << round;
      if (got == Outcome::kWhole) {
        const ConstBytes octets = std::as_const(packet).bytes();
        ASSERT_EQ(octets.size(), header + definition.end());
        ASSERT_TRUE(
            std::equal(octets.begin() + static_cast<std::ptrdiff_t>(header),
                       octets.end(), data.begin()));
      }
      packet.Release();
      wholes += got == Outcome::kWhole ? 1 : 0;
      spoilt += got == Outcome::kRefused ? 1 : 0;
      if (got == Outcome::kWhole) {
        break;  // what comes behind it begins another datagram
      }
    }
  }
  EXPECT_GT(wholes, 2000);
  EXPECT_GT(spoilt, 100);
}

}  // namespace
}  // namespace postern
