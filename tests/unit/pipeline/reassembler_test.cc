// SPDX-License-Identifier: Apache-2.0

#include "pipeline/reassembler.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "tests/support/naive_fragments.h"

namespace postern {
namespace {

constexpr std::uint8_t kEsp = 50;

Octets Counting(std::size_t size) {
  Octets octets(size);
  for (std::size_t i = 0; i < size; ++i) {
    octets[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  }
  return octets;
}

class Sink : public AuditSink {
 public:
  void Audit(const AuditEvent& event) override { events.push_back(event); }

  std::vector<AuditEvent> events;
};

class ReassemblerTest : public testing::TestWithParam<int> {
 protected:
  // A whole ESP packet whose data are `size` octets.
  Octets Whole(std::size_t size, std::string_view host = "1") const {
    const std::string last(host);
    return GetParam() == 4 ? PacketBuilder("10.9.1." + last, "10.9.2.1")
                                 .Raw(kEsp, Counting(size))
                           : PacketBuilder("fd00:9:1::" + last, "fd00:9:2::1")
                                 .Raw(kEsp, Counting(size));
  }

  Opinion<Reassembler::Taken> Offer(const Octets& fragment,
                                    const Reassembler::Way& way = {}) {
    reassembler_.Expire(now_);
    Packet packet = pool_.Copy(fragment);
    const auto view = IpView::Parse(std::as_const(packet).bytes());
    EXPECT_TRUE(view.ok());
    const auto taken = reassembler_.Take(packet, *view, way, now_);
    if (taken.ok() && *taken == Reassembler::Taken::kMadeWhole) {
      const ConstBytes octets = std::as_const(packet).bytes();
      made_.emplace(octets.begin(), octets.end());
      EXPECT_EQ(packet.headroom(), kDefaultHeadroom);
    }
    packet.Release();
    return taken;
  }

  void ExpectWaits(const Octets& fragment) {
    const auto taken = Offer(fragment);
    ASSERT_TRUE(taken.ok()) << NameOf(taken.error());
    EXPECT_EQ(*taken, Reassembler::Taken::kWaits);
  }

  void ExpectMakes(const Octets& fragment, const Octets& whole) {
    made_.reset();
    const auto taken = Offer(fragment);
    ASSERT_TRUE(taken.ok()) << NameOf(taken.error());
    ASSERT_TRUE(made_.has_value());
    // IPv4: the identification of the fragments stays.
    Octets expected(whole);
    if (GetParam() == 4) {
      std::copy_n(made_->begin() + 4, 2, expected.begin() + 4);
      std::copy_n(made_->begin() + 10, 2, expected.begin() + 10);
    }
    EXPECT_EQ(*made_, expected);
  }

  void ExpectRefused(const Octets& fragment, DropReason reason) {
    const auto taken = Offer(fragment);
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(NameOf(taken.error()), NameOf(reason));
  }

  Instant now_{std::chrono::hours(1)};
  PacketPool pool_{{.packets = 4, .payload = 9216}};
  WorkerStats stats_;
  Sink audit_;
  Reassembler reassembler_{{.datagrams = 8, .per_source = 4}, &audit_, stats_};
  std::optional<Octets> made_;
};

INSTANTIATE_TEST_SUITE_P(Families, ReassemblerTest, testing::Values(4, 6));

// IN-01 FRAG-11 FRAG-12
TEST_P(ReassemblerTest, PutsTwoAndThreeFragmentsTogetherInAnyOrder) {
  const Octets whole = Whole(1000);
  for (const std::size_t most : {504u, 400u}) {
    auto fragments = NaiveFragments(whole, most);
    std::ranges::sort(fragments);
    do {
      for (std::size_t i = 0; i + 1 < fragments.size(); ++i) {
        ExpectWaits(fragments[i]);
      }
      ExpectMakes(fragments.back(), whole);
      EXPECT_EQ(reassembler_.size(), 0u);
    } while (std::ranges::next_permutation(fragments).found);
  }
}

// FRAG-12: what has another source, identification or way is another datagram.
TEST_P(ReassemblerTest, KeepsDatagramsApart) {
  const Octets whole = Whole(100);
  const Octets other = Whole(100, "2");
  const auto fragments = NaiveFragments(whole, 48);
  ExpectWaits(fragments[0]);
  ExpectWaits(fragments[1]);
  ExpectWaits(NaiveFragments(other, 48)[2]);
  ExpectWaits(NaiveFragments(whole, 48, 8)[2]);
  EXPECT_EQ(*Offer(fragments[2], {.by = {1}}), Reassembler::Taken::kWaits);
  EXPECT_EQ(reassembler_.size(), 4u);
  ExpectMakes(fragments[2], whole);
}

// FRAG-14, RFC 5722: by one octet (which an offset in eights cannot), by eight.
TEST_P(ReassemblerTest, AnOverlapSpoilsTheDatagramAndWhatIsStillToCome) {
  const Octets whole = Whole(100);
  ExpectWaits(NaiveFragment(whole, {0, 48, true}));
  ExpectRefused(NaiveFragment(whole, {40, 48, true}),
                DropReason::kFragmentOverlap);
  EXPECT_EQ(stats_.of(DropReason::kFragmentOverlap), 1u);  // the one it had
  ASSERT_EQ(audit_.events.size(), 1u);
  EXPECT_EQ(audit_.events[0].reason, DropReason::kFragmentOverlap);
  for (const Octets& fragment : NaiveFragments(whole, 48)) {
    ExpectRefused(fragment, DropReason::kFragmentOverlap);
  }
  // Until its time is over; another one is not concerned.
  const auto others = NaiveFragments(whole, 48, 8);
  ExpectWaits(others[0]);
  now_ += std::chrono::seconds(30);
  const auto fragments = NaiveFragments(whole, 48);
  ExpectWaits(fragments[0]);
  ExpectWaits(fragments[1]);
  ExpectMakes(fragments[2], whole);
}

// RFC 8200 4.5; the same range with other octets is none.
TEST_P(ReassemblerTest, TheVerySameFragmentAgainHarmsNothing) {
  const Octets whole = Whole(100);
  const auto fragments = NaiveFragments(whole, 48);
  ExpectWaits(fragments[2]);
  ExpectRefused(fragments[2], DropReason::kFragmentDuplicate);
  ExpectWaits(fragments[0]);
  ExpectRefused(fragments[0], DropReason::kFragmentDuplicate);
  ExpectMakes(fragments[1], whole);

  ExpectWaits(fragments[0]);
  Octets forged(fragments[0]);
  forged.back() ^= 1;
  ExpectRefused(forged, DropReason::kFragmentOverlap);
}

// FRAG-19 DEF-18: teardrop, ping of death, nothing at all, odd sizes.
TEST_P(ReassemblerTest, RefusesWhatCannotBeAPart) {
  const Octets whole = Whole(100);
  ExpectRefused(NaiveFragment(whole, {0, 20, true}), DropReason::kBadFragment);
  ExpectRefused(NaiveFragment(whole, {8, 0, true}), DropReason::kBadFragment);
  ExpectRefused(NaiveFragment(whole, {8, 0, false}), DropReason::kBadFragment);
  Octets death = NaiveFragment(whole, {0, 100, false});
  Octets big = death;
  if (GetParam() == 4) {
    death = PacketBuilder("10.9.1.1", "10.9.2.1")
                .FragmentOffset(0x1fff)
                .Raw(kEsp, Counting(100));
    big = PacketBuilder("10.9.1.1", "10.9.2.1")
              .FragmentOffset(9200 / 8)
              .Raw(kEsp, Counting(100));
  } else {
    death[42] = 0xff;
    death[43] = 0xf8;
    big[42] = 9200 >> 8;
    big[43] = 9200 & 0xf8;
  }
  ExpectRefused(death, DropReason::kBadFragment);
  ExpectRefused(big, DropReason::kReassemblyTooBig);
  EXPECT_EQ(reassembler_.size(), 0u);
}

TEST_P(ReassemblerTest, RefusesTwoDifferentEnds) {
  const Octets whole = Whole(200);
  ExpectWaits(NaiveFragment(whole, {96, 48, false}));
  ExpectRefused(NaiveFragment(whole, {144, 48, true}),
                DropReason::kBadFragment);
  const auto with_id = [&](std::size_t offset, std::uint32_t id, int more) {
    return NaiveFragment(whole, {offset, 48, more != 0, id});
  };
  ExpectWaits(with_id(96, 8, 1));
  ExpectRefused(with_id(48, 8, 0), DropReason::kBadFragment);
  ExpectWaits(with_id(96, 9, 0));
  ExpectRefused(with_id(48, 9, 0), DropReason::kBadFragment);
}

// FRAG-16 RFC 7112: the header that later ones could complete otherwise.
TEST_P(ReassemblerTest, AFirstFragmentHasAllHeaders) {
  if (GetParam() == 4) {
    // Eight octets are the least that a fragment has: SPI and number.
    ExpectWaits(NaiveFragment(Whole(100), {0, 8, true}));
    return;
  }
  const PacketBuilder with_options =
      PacketBuilder("fd00:9:1::1", "fd00:9:2::1")
          .Extension(44, {0, 0, 0, 1, 0, 0, 0, 7})
          .Extension(60, {0, 0, 1, 4, 0, 0, 0, 0});
  ExpectRefused(with_options.Raw(kEsp, {}), DropReason::kBadFragment);
  ExpectWaits(with_options.Raw(kEsp, Counting(8)));
  // A whole that would be a fragment again.
  ExpectRefused(PacketBuilder("fd00:9:1::1", "fd00:9:2::1")
                    .Extension(44, {0, 0, 0, 1, 0, 0, 0, 9})
                    .Extension(44, {0, 0, 0, 1, 0, 0, 0, 9})
                    .Raw(kEsp, Counting(64)),
                DropReason::kBadFragment);
}

// FRAG-13: with the test's clock.
TEST_P(ReassemblerTest, GivesUpWhatWaitsTooLong) {
  const auto fragments = NaiveFragments(Whole(100), 48);
  ExpectWaits(fragments[0]);
  EXPECT_EQ(reassembler_.NextDeadline(), now_ + std::chrono::seconds(30));
  now_ += std::chrono::seconds(29);
  ExpectWaits(fragments[1]);
  now_ += std::chrono::seconds(1);
  reassembler_.Expire(now_);
  EXPECT_EQ(stats_.of(DropReason::kReassemblyTimeout), 2u);
  EXPECT_EQ(reassembler_.size(), 0u);
  EXPECT_EQ(reassembler_.NextDeadline(), std::nullopt);
  ASSERT_EQ(audit_.events.size(), 1u);
  EXPECT_EQ(audit_.events[0].protocol, kEsp);
  ExpectWaits(fragments[2]);
}

// FRAG-12: 1e5 first fragments, and the memory is what it was.
TEST_P(ReassemblerTest, IsBoundedInAllAndForEachSource) {
  const Octets whole = Whole(100);
  ExpectWaits(NaiveFragment(Whole(100, "2"), {0, 48, true}));
  for (std::uint32_t id = 0; id < 100'000; ++id) {
    ExpectWaits(NaiveFragment(whole, {0, 48, true, id}));
    ASSERT_LE(reassembler_.size(), 5u);
  }
  EXPECT_EQ(stats_.of(DropReason::kReassemblyOverflow), 100'000u - 4);
  // The other source has not suffered; many of them would.
  EXPECT_EQ(*Offer(NaiveFragment(Whole(100, "2"), {48, 48, true})),
            Reassembler::Taken::kWaits);
  for (int host = 3; host < 20; ++host) {
    ExpectWaits(NaiveFragment(Whole(100, std::to_string(host)), {0, 48, true}));
    ASSERT_LE(reassembler_.size(), 8u);
  }
}

// FRAG-12: from many sources, and forging the victim's own.
TEST_P(ReassemblerTest, NothingThatAnybodyCanSendEndsWhatWasProven) {
  const Reassembler::Way proven{.by = {1},
                                .origin = Reassembler::Way::Origin::kProven};
  const Octets whole = Whole(100);
  for (std::uint32_t id = 0; id < 4; ++id) {
    ASSERT_TRUE(Offer(NaiveFragment(whole, {0, 48, true, id}), proven).ok());
  }
  for (int host = 1; host < 40; ++host) {
    const Octets forged = Whole(100, std::to_string(host));
    for (std::uint32_t id = 0; id < 5; ++id) {
      ExpectWaits(NaiveFragment(forged, {0, 48, true, id}));
    }
  }
  EXPECT_EQ(reassembler_.size(), 8u);
  for (std::uint32_t id = 0; id < 4; ++id) {
    const auto taken = Offer(NaiveFragment(whole, {48, 52, false, id}), proven);
    ASSERT_TRUE(taken.ok());
    EXPECT_EQ(*taken, Reassembler::Taken::kMadeWhole) << id;
  }
}

// A peer has half of the places at most while others ask for them.
TEST_P(ReassemblerTest, WhatWasProvenLeavesRoomForWhatComesInClear) {
  const Reassembler::Way proven{.by = {1},
                                .origin = Reassembler::Way::Origin::kProven};
  for (int host = 1; host < 10; ++host) {
    const Octets whole = Whole(100, std::to_string(host));
    ASSERT_TRUE(Offer(NaiveFragment(whole, {0, 48, true}), proven).ok());
  }
  EXPECT_EQ(reassembler_.size(), 8u);
  const Octets whole = Whole(100);
  const auto fragments = NaiveFragments(whole, 48);
  ExpectWaits(fragments[0]);
  for (int host = 1; host < 10; ++host) {
    const Octets other = Whole(100, std::to_string(host));
    ASSERT_TRUE(Offer(NaiveFragment(other, {0, 48, true, 99}), proven).ok());
  }
  ExpectWaits(fragments[1]);
  ExpectMakes(fragments[2], whole);
}

TEST_P(ReassemblerTest, ADatagramHasABoundedNumberOfFragments) {
  const Octets whole = Whole(8 * 66);
  for (std::size_t i = 0; i < Reassembler::kMostPieces; ++i) {
    ExpectWaits(NaiveFragment(whole, {i * 8, 8, true}));
  }
  ExpectRefused(NaiveFragment(whole, {64 * 8, 8, true}),
                DropReason::kReassemblyOverflow);
}

// RFC 3168 5.3
TEST_P(ReassemblerTest, CombinesCongestionMarks) {
  const auto marked = [this](int first, int second) {
    const auto build = [this](int mark) {
      const auto octet = static_cast<std::uint8_t>(0xb8 | mark);
      return GetParam() == 4 ? PacketBuilder("10.9.1.1", "10.9.2.1")
                                   .TrafficClass(octet)
                                   .Raw(kEsp, Counting(100))
                             : PacketBuilder("fd00:9:1::1", "fd00:9:2::1")
                                   .TrafficClass(octet)
                                   .Raw(kEsp, Counting(100));
    };
    ExpectWaits(NaiveFragment(build(first), {0, 48, true}));
    const auto taken = Offer(NaiveFragment(build(second), {48, 52, false}));
    return taken.ok() ? IpView::Parse(*made_)->traffic_class() - 0xb8
                      : -static_cast<int>(taken.error());
  };
  EXPECT_EQ(marked(2, 3), 3);
  EXPECT_EQ(marked(3, 2), 3);
  EXPECT_EQ(marked(1, 3), 3);
  EXPECT_EQ(marked(3, 3), 3);
  EXPECT_EQ(marked(2, 2), 2);
  EXPECT_EQ(marked(0, 0), 0);
  EXPECT_EQ(marked(0, 3), -static_cast<int>(DropReason::kEcnViolation));
  EXPECT_EQ(marked(3, 0), -static_cast<int>(DropReason::kEcnViolation));
  EXPECT_EQ(stats_.of(DropReason::kEcnViolation), 2u);
}

TEST_P(ReassemblerTest, TakesTheLargestThatAPoolsPacketHolds) {
  const std::size_t header = GetParam() == 4 ? 20 : 40;
  const Octets whole = Whole(9216 - header);
  const auto fragments = NaiveFragments(whole, 1480);
  for (std::size_t i = 0; i + 1 < fragments.size(); ++i) {
    ExpectWaits(fragments[i]);
  }
  ExpectMakes(fragments.back(), whole);
}

// FRAG-17: options of the first fragment, and of no other.
TEST(Reassembler, TakesTheHeadersOfTheFirstFragment) {
  PacketPool pool({.packets = 1, .payload = 9216});
  WorkerStats stats;
  Reassembler reassembler({}, nullptr, stats);
  const auto offer = [&](const Octets& fragment, Octets* whole) {
    Packet packet = pool.Copy(fragment);
    const auto view = IpView::Parse(std::as_const(packet).bytes());
    const auto taken = reassembler.Take(packet, *view, {}, Instant());
    const ConstBytes octets = std::as_const(packet).bytes();
    whole->assign(octets.begin(), octets.end());
    packet.Release();
    return taken.ok();
  };
  const Octets with_options = PacketBuilder("10.9.1.1", "10.9.2.1")
                                  .Ipv4Options({7, 7, 4, 0, 0, 0, 0, 0})
                                  .Raw(kEsp, Counting(100));
  const Octets without =
      PacketBuilder("10.9.1.1", "10.9.2.1").Raw(kEsp, Counting(100));
  Octets whole;
  EXPECT_TRUE(offer(NaiveFragment(without, {48, 52, false}), &whole));
  EXPECT_TRUE(offer(NaiveFragment(with_options, {0, 48, true}), &whole));
  EXPECT_EQ(whole.size(), with_options.size());
  EXPECT_TRUE(
      std::equal(whole.begin() + 20, whole.end(), with_options.begin() + 20));
}

}  // namespace
}  // namespace postern
