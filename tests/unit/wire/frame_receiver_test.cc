// SPDX-License-Identifier: Apache-2.0
//
// A FrameReceiver at one end of a socket pair, where the test plays the kernel: a
// message is a VnetHeader and a frame.

#include "wire/frame_receiver.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "gtest/gtest.h"

#include "core/unique_fd.h"
#include "tests/support/packet_builder.h"
#include "tests/support/super_packet.h"
#include "tests/unit/wire/ethernet_frames.h"

namespace postern {
namespace {

using Frames = std::vector<Octets>;

constexpr std::size_t kPayload = 2000;  // what a packet of the pool holds

Octets Udp(std::uint8_t number, std::size_t size = 20) {
  return PacketBuilder("192.0.2.7", "192.0.2.9")
      .Udp(1, 2, Octets(size, number));
}

Octets Framed(const Octets& packet) {
  return Framed(kHost, kNeighbour, packet);
}

// One of TCP that stands for several of `size` octets of payload.
SuperPacket Tcp(std::size_t octets, std::uint16_t size) {
  return Super(PacketBuilder("192.0.2.7", "192.0.2.9")
                   .Tcp(4711, 80, kAck, Pattern(octets)),
               size);
}

class FrameReceiverTest : public testing::Test {
 protected:
  FrameReceiverTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(
        ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()),
        0);
    kernel_ = UniqueFd(ends[0]);
    ours_ = UniqueFd(ends[1]);
    receiver_ = std::make_unique<FrameReceiver>(ours_.get(), is_down_);
  }

  ~FrameReceiverTest() override { EXPECT_EQ(pool_.forgotten(), 0U); }

  void Deliver(const Octets& frame, VnetHeader vnet = {}) {
    // The kernel counts from the Ethernet header on.
    if (vnet.flags != 0 || vnet.is_super_packet()) {
      vnet.header_length = static_cast<std::uint16_t>(vnet.header_length + 14);
      vnet.checksum_start =
          static_cast<std::uint16_t>(vnet.checksum_start + 14);
    }
    Octets copy = frame;
    std::array<iovec, 2> parts = {
        {{&vnet, sizeof(vnet)}, {copy.data(), copy.size()}}};
    ASSERT_EQ(::writev(kernel_.get(), parts.data(), 2),
              static_cast<ssize_t>(sizeof(vnet) + copy.size()));
  }

  // With one call.
  Frames Receive(Batch& batch, PacketPool& pool) {
    const std::size_t before = batch.size();
    const std::size_t came = receiver_->Receive(batch, pool, stats_);
    EXPECT_EQ(before + came, batch.size());
    Frames frames;
    for (const Packet& packet : batch.packets().subspan(before)) {
      frames.emplace_back(packet.bytes().begin(), packet.bytes().end());
    }
    return frames;
  }

  Frames Receive() {
    Batch batch;
    Frames frames = Receive(batch, pool_);
    batch.Clear();
    return frames;
  }

  Frames ReceiveAll() {
    Frames all;
    for (Frames some = Receive(); !some.empty(); some = Receive()) {
      all.insert(all.end(), some.begin(), some.end());
    }
    EXPECT_EQ(pool_.free(), pool_.shape().packets);
    return all;
  }

  void ExpectDropped(DropReason reason) {
    EXPECT_EQ(ReceiveAll(), Frames());
    EXPECT_EQ(stats_.of(reason), 1U);
    Deliver(Framed(Udp(9)));
    EXPECT_EQ(ReceiveAll(), Frames{Framed(Udp(9))});
  }

  UniqueFd kernel_;
  UniqueFd ours_;
  PacketPool pool_{{.packets = 128, .payload = kPayload}};
  WorkerStats stats_;
  std::atomic<bool> is_down_{false};
  std::unique_ptr<FrameReceiver> receiver_;
};

// Of `super`, each in its frame: what the definition of a segment asks.
void ExpectCutFrom(const SuperPacket& super, const Frames& frames) {
  const std::size_t headers = PayloadOf(super.octets);
  Octets payload;
  for (const Octets& frame : frames) {
    EXPECT_EQ(Octets(frame.begin(), frame.begin() + 14),
              Hex("02005e100001 02005e100007 0800"));
    const Octets packet(frame.begin() + 14, frame.end());
    EXPECT_TRUE(ChecksumsAreRight(packet));
    EXPECT_EQ(Get32(packet, 24), Get32(super.octets, 24) + payload.size());
    EXPECT_LE(packet.size(), headers + super.vnet.gso_size);
    payload.insert(payload.end(),
                   packet.begin() + static_cast<std::ptrdiff_t>(headers),
                   packet.end());
  }
  EXPECT_EQ(payload,
            Octets(super.octets.begin() + static_cast<std::ptrdiff_t>(headers),
                   super.octets.end()));
}

TEST_F(FrameReceiverTest, TakesWholeFramesInOrder) {
  EXPECT_EQ(ReceiveAll(), Frames());
  Frames sent;
  for (std::uint8_t i = 0; i < 40; ++i) {  // more than a system call takes
    sent.push_back(Framed(Udp(i, i * 40U)));
    Deliver(sent.back());
  }
  EXPECT_EQ(ReceiveAll(), sent);
  EXPECT_EQ(stats_.of(Count::kWireReceiveCalls), 3U);
  EXPECT_EQ(stats_.of(Count::kWireDatagramsReceived), 40U);
}

TEST_F(FrameReceiverTest, FinishesAChecksum) {
  const Octets whole = Udp(1);
  SuperPacket unfinished = Super(whole, 0);
  unfinished.vnet.gso_type = VnetHeader::kOrdinary;
  ASSERT_NE(unfinished.octets, whole);
  Deliver(Framed(unfinished.octets), unfinished.vnet);
  EXPECT_EQ(ReceiveAll(), Frames{Framed(whole)});
}

TEST_F(FrameReceiverTest, CutsASuperPacket) {
  const SuperPacket super = Tcp(10'500, 1000);
  Deliver(Framed(super.octets), super.vnet);
  const Frames frames = ReceiveAll();
  EXPECT_EQ(frames.size(), 11U);
  ExpectCutFrom(super, frames);
  EXPECT_EQ(stats_.of(Count::kSuperPacketsRead), 1U);
  EXPECT_EQ(stats_.of(Count::kSegmentsRead), 11U);
}

// One that fits into a packet as a whole, and the largest.
TEST_F(FrameReceiverTest, CutsSmallAndLargeSuperPackets) {
  for (const std::size_t octets : {1500U, 65'535U - 40U}) {
    const SuperPacket super = Tcp(octets, 1000);
    Deliver(Framed(super.octets), super.vnet);
    ExpectCutFrom(super, ReceiveAll());
  }
}

// What is behind a super-packet waits, and nothing is asked of the kernel.
TEST_F(FrameReceiverTest, TheRestComesWithTheNextCall) {
  const SuperPacket super = Tcp(7000, 100);
  Deliver(Framed(Udp(1)));
  Deliver(Framed(super.octets), super.vnet);
  Deliver(Framed(Udp(2)));
  Deliver(Framed(Udp(3, 1900)));
  Frames first = Receive();
  ASSERT_EQ(first.size(), Batch::kCapacity);
  EXPECT_EQ(pool_.free(), pool_.shape().packets);  // none is kept
  EXPECT_EQ(first[0], Framed(Udp(1)));
  Frames rest = Receive();
  ASSERT_EQ(rest.size(), 9U);
  EXPECT_EQ(rest[7], Framed(Udp(2)));
  EXPECT_EQ(rest[8], Framed(Udp(3, 1900)));
  Frames cut(first.begin() + 1, first.end());
  cut.insert(cut.end(), rest.begin(), rest.begin() + 7);
  ExpectCutFrom(super, cut);
  EXPECT_EQ(Receive(), Frames());
}

TEST_F(FrameReceiverTest, ABatchWithSomethingInItHasLessRoom) {
  Batch batch;
  for (std::size_t i = 0; i < Batch::kCapacity - 2; ++i) {
    batch.Push(pool_.Copy(Octets{1}));
  }
  for (std::uint8_t i = 0; i < 3; ++i) {
    Deliver(Framed(Udp(i)));
  }
  EXPECT_EQ(Receive(batch, pool_), (Frames{Framed(Udp(0)), Framed(Udp(1))}));
  EXPECT_EQ(Receive(batch, pool_), Frames());
  batch.Clear();
  EXPECT_EQ(ReceiveAll(), Frames{Framed(Udp(2))});
}

TEST_F(FrameReceiverTest, GoesOnWhenThePoolHasPacketsAgain) {
  const SuperPacket super = Tcp(5000, 1000);
  Deliver(Framed(Udp(1)));
  Deliver(Framed(super.octets), super.vnet);
  Deliver(Framed(Udp(2)));
  PacketPool few({.packets = 3, .payload = kPayload});
  Frames all;
  for (int round = 0; round < 3; ++round) {
    Batch batch;
    for (Frames some = Receive(batch, few); !some.empty();
         some = Receive(batch, few)) {
      all.insert(all.end(), some.begin(), some.end());
    }
    EXPECT_EQ(few.free(), round < 2 ? 0U : 2U);
    batch.Clear();
  }
  ASSERT_EQ(all.size(), 7U);
  EXPECT_EQ(all[0], Framed(Udp(1)));
  ExpectCutFrom(super, {all.begin() + 1, all.begin() + 6});
  EXPECT_EQ(all[6], Framed(Udp(2)));
  EXPECT_EQ(few.forgotten(), 0U);
  EXPECT_EQ(few.free(), 3U);
}

TEST_F(FrameReceiverTest, DropsAFrameThatAPacketDoesNotHold) {
  Octets frame = Framed(Udp(1, kPayload - 14 - 28));
  Deliver(frame);
  EXPECT_EQ(ReceiveAll(), Frames{frame});
  frame.push_back(0);
  Deliver(frame);
  ExpectDropped(DropReason::kTooBig);
}

// It comes behind a super-packet, and lies in the receiver's own memory by then.
TEST_F(FrameReceiverTest, DropsOneThatWaitedLikewise) {
  const SuperPacket super = Tcp(7000, 100);
  Deliver(Framed(super.octets), super.vnet);
  Deliver(Framed(Udp(1, kPayload)));
  EXPECT_EQ(ReceiveAll().size(), 70U);
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 1U);
}

TEST_F(FrameReceiverTest, DropsASuperPacketWhosePiecesAPacketDoesNotHold) {
  const SuperPacket super = Tcp(10'000, kPayload - 40 - 14 + 1);
  Deliver(Framed(super.octets), super.vnet);
  ExpectDropped(DropReason::kTooBig);
}

TEST_F(FrameReceiverTest, DropsASuperPacketThatCannotBe) {
  VnetHeader vnet = Tcp(3000, 1000).vnet;
  Deliver(Octets(14 + 40 + 65'535 + 1), vnet);
  ExpectDropped(DropReason::kTooBig);
}

TEST_F(FrameReceiverTest, DropsFramesWithNothingInThem) {
  for (const std::size_t size : {0U, 1U, 13U, 14U}) {
    Octets frame = Framed(Udp(1));
    frame.resize(size);
    Deliver(frame);
  }
  EXPECT_EQ(ReceiveAll(), Frames());
  EXPECT_EQ(stats_.of(DropReason::kTruncated), 4U);
}

TEST_F(FrameReceiverTest, DropsWorkThatThePacketDoesNotBearOut) {
  SuperPacket super = Tcp(3000, 1000);
  super.vnet.gso_type = VnetHeader::kTcpV6;
  Deliver(Framed(super.octets), super.vnet);
  ExpectDropped(DropReason::kBadOffload);
}

TEST_F(FrameReceiverTest, DropsAChecksumOutsideOfThePacket) {
  VnetHeader vnet;
  vnet.flags = VnetHeader::kNeedsChecksum;
  vnet.checksum_start = 20;
  vnet.checksum_offset = 600;
  Deliver(Framed(Udp(1)), vnet);
  ExpectDropped(DropReason::kBadOffload);
}

}  // namespace
}  // namespace postern
