// SPDX-License-Identifier: Apache-2.0

#include "core/packet/packet.h"

#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/batch.h"
#include "core/packet/packet_pool.h"
#include "tests/support/hex.h"

namespace postern {
namespace {

constexpr PacketPool::Shape kSmall = {
    .packets = 4, .payload = 100, .headroom = 16, .tailroom = 8};

TEST(PacketPool, LendsPacketsBehindTheUsualHeadroom) {
  PacketPool pool(kSmall);
  Packet packet = pool.Take(60);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet.size(), 60U);
  EXPECT_EQ(packet.bytes().size(), 60U);
  EXPECT_EQ(packet.headroom(), 16U);
  EXPECT_EQ(packet.tailroom(), 48U);
  EXPECT_EQ(pool.free(), 3U);
  packet.Release();
  EXPECT_FALSE(packet);
  EXPECT_EQ(pool.free(), 4U);
}

TEST(PacketPool, NeverGrows) {
  PacketPool pool(kSmall);
  std::vector<Packet> taken;
  for (int i = 0; i < 4; ++i) {
    taken.push_back(pool.Take(1));
    EXPECT_TRUE(taken.back());
  }
  EXPECT_FALSE(pool.Take(1));
  EXPECT_FALSE(pool.Copy(Hex("01")));
  taken[2].Release();
  EXPECT_TRUE(taken[2] = pool.Take(1));
  for (Packet& packet : taken) {
    packet.Release();
  }
  EXPECT_EQ(pool.forgotten(), 0U);
}

TEST(PacketPool, RefusesPacketsThatDoNotFit) {
  PacketPool pool(kSmall);
  EXPECT_FALSE(pool.Take(101));
  Packet packet = pool.Take(100);
  EXPECT_TRUE(packet);
  packet.Release();
}

// DEF-02
TEST(PacketPool, GivesEachPacketMemoryOfItsOwn) {
  PacketPool pool(kSmall);
  std::vector<Packet> packets;
  for (std::uint8_t i = 0; i < 4; ++i) {
    packets.push_back(pool.Copy(std::vector<std::uint8_t>(100, i)));
    Packet& packet = packets.back();
    ASSERT_TRUE(packet.Prepend(16));
    ASSERT_TRUE(packet.Append(8));
    for (std::uint8_t& octet : packet.bytes()) {
      octet = i;
    }
  }
  for (std::uint8_t i = 0; i < 4; ++i) {
    EXPECT_EQ(ToHex(packets[i].bytes()),
              ToHex(std::vector<std::uint8_t>(124, i)));
    packets[i].Release();
  }
}

TEST(Packet, GrowsAndShrinksAtBothEnds) {
  PacketPool pool(kSmall);
  Packet packet = pool.Copy(Hex("010203"));
  ASSERT_TRUE(packet.Prepend(2));
  StoreBe(packet.bytes(), std::uint16_t{0xaabb});
  ASSERT_TRUE(packet.Append(1));
  packet.bytes().back() = 0xcc;
  EXPECT_EQ(ToHex(packet.bytes()), "aabb010203cc");
  packet.TrimFront(1);
  packet.TrimBack(2);
  EXPECT_EQ(ToHex(packet.bytes()), "bb0102");
  packet.Release();
}

TEST(Packet, RefusesToGrowBeyondItsRoom) {
  PacketPool pool(kSmall);
  Packet packet = pool.Copy(Hex("010203"));
  EXPECT_FALSE(packet.Prepend(17));
  EXPECT_FALSE(packet.Append(packet.tailroom() + 1));
  EXPECT_EQ(ToHex(packet.bytes()), "010203");
  EXPECT_TRUE(packet.Prepend(16));
  EXPECT_TRUE(packet.Append(packet.tailroom()));
  EXPECT_FALSE(packet.Prepend(1));
  EXPECT_FALSE(packet.Append(1));
  EXPECT_EQ(packet.size(), 124U);
  packet.Release();
}

TEST(Packet, GoesBackToThePoolWhenForgottenAndIsCounted) {
  PacketPool pool(kSmall);
  { const Packet packet = pool.Take(10); }
  EXPECT_EQ(pool.free(), 4U);
  EXPECT_EQ(pool.forgotten(), 1U);
}

TEST(Packet, IsForgottenWhenAnotherIsMovedOverIt) {
  PacketPool pool(kSmall);
  Packet packet = pool.Copy(Hex("01"));
  packet = pool.Copy(Hex("02"));
  EXPECT_EQ(pool.forgotten(), 1U);
  EXPECT_EQ(ToHex(packet.bytes()), "02");
  packet.Release();
  EXPECT_EQ(pool.free(), 4U);
}

TEST(Packet, MovesWithItsSender) {
  PacketPool pool(kSmall);
  Packet first = pool.Copy(Hex("0102"));
  first.set_sender({.kind = Owner::Kind::kSocket, .cookie = SocketCookie{7}});
  Packet second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT: what a move leaves is promised
  EXPECT_EQ(first.bytes().size(), 0U);
  EXPECT_EQ(second.sender().cookie, SocketCookie{7});
  EXPECT_EQ(ToHex(second.bytes()), "0102");
  second.Release();
  EXPECT_EQ(pool.forgotten(), 0U);
}

TEST(Packet, OfNothingHasNoRoom) {
  Packet packet;
  EXPECT_FALSE(packet);
  EXPECT_EQ(packet.size(), 0U);
  EXPECT_FALSE(packet.Prepend(1));
  EXPECT_FALSE(packet.Append(1));
  packet.Release();
}

TEST(Batch, KeepsOrderAndKnowsWhenItIsFull) {
  PacketPool pool({.packets = 64, .payload = 8, .headroom = 0, .tailroom = 0});
  Batch batch;
  EXPECT_TRUE(batch.empty());
  for (std::uint8_t i = 0; i < Batch::kCapacity; ++i) {
    EXPECT_FALSE(batch.full());
    batch.Push(pool.Copy(std::vector<std::uint8_t>{i}));
  }
  EXPECT_TRUE(batch.full());
  std::uint8_t expected = 0;
  for (const Packet& packet : batch) {
    EXPECT_EQ(packet.bytes()[0], expected++);
  }
  batch.Clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(pool.free(), 64U);
  EXPECT_EQ(pool.forgotten(), 0U);
}

TEST(PacketDeathTest, EndsTheProcessOnWhatMustNotHappen) {
  EXPECT_DEATH(
      {
        PacketPool pool(kSmall);
        Packet packet = pool.Take(3);
        packet.TrimFront(4);
      },
      "");
  EXPECT_DEATH(
      {
        Packet packet;
        PacketPool pool(kSmall);
        packet = pool.Take(3);
      },
      "");
  EXPECT_DEATH(
      {
        Batch batch;
        for (std::size_t i = 0; i <= Batch::kCapacity; ++i) {
          batch.Push(Packet());
        }
      },
      "");
}

// Of every length before and of every gap, against std::vector's erase().
TEST(Packet, CutsOctetsOutBehindItsFirst) {
  PacketPool pool(kSmall);
  std::vector<std::uint8_t> octets(100);
  for (std::size_t i = 0; i < octets.size(); ++i) {
    octets[i] = static_cast<std::uint8_t>(i + 1);
  }
  for (std::size_t lead = 0; lead <= octets.size(); ++lead) {
    for (std::size_t count = 0; lead + count <= octets.size(); ++count) {
      std::vector<std::uint8_t> expected = octets;
      const auto gap = expected.begin() + static_cast<std::ptrdiff_t>(lead);
      expected.erase(gap, gap + static_cast<std::ptrdiff_t>(count));
      Packet packet = pool.Copy(octets);
      packet.CutBehind(lead, count);
      const ConstBytes left = std::as_const(packet).bytes();
      ASSERT_EQ(std::vector(left.begin(), left.end()), expected)
          << lead << ", " << count;
      packet.Release();
    }
  }
}

TEST(PacketDeathTest, CutsOutNoMoreThanThereIs) {
  PacketPool pool(kSmall);
  Packet packet = pool.Take(60);
  EXPECT_DEATH(packet.CutBehind(40, 21), "");
  EXPECT_DEATH(packet.CutBehind(61, 0), "");
  packet.Release();
}

// An assignment that nobody should make loses the packet, and counts it.
TEST(Packet, ForgetsWhatAnotherIsAssignedOver) {
  PacketPool pool(kSmall);
  Packet packet = pool.Take(1);
  packet = pool.Take(2);
  EXPECT_EQ(packet.size(), 2U);
  EXPECT_EQ(pool.forgotten(), 1U);
  EXPECT_EQ(pool.free(), 3U);
  Packet& itself = packet;
  packet = std::move(itself);
  EXPECT_EQ(packet.size(), 2U);
  packet.Release();
}

}  // namespace
}  // namespace postern
