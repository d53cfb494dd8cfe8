// SPDX-License-Identifier: Apache-2.0
//
// What a TunReader makes of what stands on its descriptor. A UNIX socket plays
// the kernel, so that it may say anything; tests/unit/tun/offload_test.cc has
// the real one.

#include "tun/tun_reader.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

#include "core/unique_fd.h"
#include "tests/support/packet_builder.h"
#include "tests/support/super_packet.h"

namespace postern {
namespace {

constexpr std::size_t kMtu = 1400;

PacketBuilder V4() {
  return PacketBuilder("10.9.1.1", "10.9.2.1");
}

PacketBuilder V6() {
  return PacketBuilder("fd00:9::1", "fd00:9::2");
}

class TunReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair.data()),
              0);
    kernel_.reset(pair[0]);
    ours_.reset(pair[1]);
  }

  void KernelSays(VnetHeader vnet, Octets packet) {
    std::array<iovec, 2> parts = {
        {{&vnet, sizeof(vnet)}, {packet.data(), packet.size()}}};
    ASSERT_EQ(::writev(kernel_.get(), parts.data(), 2),
              static_cast<ssize_t>(sizeof(vnet) + packet.size()));
  }

  void KernelSays(const SuperPacket& super) {
    KernelSays(super.vnet, super.octets);
  }

  TunReader Reader(TunFraming framing = TunFraming::kVnetHeader) const {
    return TunReader(ours_.get(), framing);
  }

  std::vector<Octets> Receive(TunReader& reader) {
    Batch batch;
    reader.Receive(batch, pool_, stats_, kMtu);
    std::vector<Octets> packets;
    for (Packet& packet : batch) {
      packets.emplace_back(packet.bytes().begin(), packet.bytes().end());
    }
    batch.Clear();
    return packets;
  }

  PacketPool pool_{{.packets = 100, .payload = 2000}};
  WorkerStats stats_;
  UniqueFd kernel_;
  UniqueFd ours_;
};

TEST_F(TunReaderTest, HandsOnPlainPacketsAsTheyAre) {
  const Octets packet = V4().Udp(1, 2, Pattern(1900));
  ASSERT_EQ(::send(kernel_.get(), packet.data(), packet.size(), 0),
            static_cast<ssize_t>(packet.size()));
  TunReader reader = Reader(TunFraming::kPlain);
  EXPECT_EQ(Receive(reader), std::vector<Octets>{packet});
}

TEST_F(TunReaderTest, HandsOnAWholePacketAsItIs) {
  // The second one is longer than the MTU, and lies in two places at first.
  const Octets first = V4().Udp(1, 2, Pattern(100));
  const Octets second = V6().Udp(1, 2, Pattern(1900));
  KernelSays({}, first);
  KernelSays({}, second);
  TunReader reader = Reader();
  EXPECT_EQ(Receive(reader), (std::vector<Octets>{first, second}));
  EXPECT_EQ(stats_.of(Count::kSuperPacketsRead), 0U);
}

TEST_F(TunReaderTest, FinishesAChecksum) {
  for (const std::size_t size : {0U, 100U, 1900U}) {
    const Octets whole = V4().Udp(1, 2, Pattern(size));
    SuperPacket left = Super(whole, 100);
    left.vnet.gso_type = VnetHeader::kOrdinary;
    left.vnet.gso_size = 0;
    KernelSays(left);
    TunReader reader = Reader();
    EXPECT_EQ(Receive(reader), std::vector<Octets>{whole}) << size;
  }
}

// DEF-03
TEST_F(TunReaderTest, CutsSuperPacketsOfAnySize) {
  TunReader reader = Reader();
  for (const std::size_t size : {1U, 200U, 1400U, 20000U, 63000U}) {
    KernelSays(Super(V6().Tcp(1, 2, kAck, Pattern(size)), 1000));
    const std::vector<Octets> packets = Receive(reader);
    ASSERT_EQ(packets.size(), (size + 999) / 1000);
    Octets payload;
    for (const Octets& cut : packets) {
      EXPECT_TRUE(ChecksumsAreRight(cut));
      payload.insert(payload.end(), cut.begin() + 60, cut.end());
    }
    EXPECT_EQ(payload, Pattern(size)) << size;
  }
  EXPECT_EQ(stats_.of(Count::kSuperPacketsRead), 5U);
  EXPECT_EQ(stats_.of(Count::kSegmentsRead), 1U + 1 + 2 + 20 + 63);
}

// Nothing that poll() tells of is left, and yet Receive() has more.
TEST_F(TunReaderTest, GoesOnWhereTheBatchWasFull) {
  KernelSays(Super(V4().Udp(1, 2, Pattern(65000)), 500));  // 130 datagrams
  TunReader reader = Reader();
  EXPECT_EQ(Receive(reader).size(), Batch::kCapacity);
  EXPECT_EQ(Receive(reader).size(), Batch::kCapacity);
  EXPECT_EQ(Receive(reader).size(), 2U);
  EXPECT_TRUE(Receive(reader).empty());
  EXPECT_EQ(pool_.free(), 100U);
}

TEST_F(TunReaderTest, GoesOnWhereThePoolWasEmpty) {
  KernelSays(Super(V4().Udp(1, 2, Pattern(500)), 100));
  KernelSays({}, V4().Udp(7, 8));
  TunReader reader = Reader();
  PacketPool small({.packets = 3, .payload = 2000});
  Batch batch;
  EXPECT_EQ(reader.Receive(batch, small, stats_, kMtu), 3U);
  EXPECT_EQ(reader.Receive(batch, small, stats_, kMtu), 0U);
  batch.Clear();
  EXPECT_EQ(reader.Receive(batch, small, stats_, kMtu), 3U)
      << "two of the super-packet, and what came after it";
  EXPECT_EQ(batch.packets()[2].size(), 28U);
  batch.Clear();
  EXPECT_EQ(small.forgotten(), 0U);
}

TEST_F(TunReaderTest, DropsNonsenseByNameAndGoesOn) {
  SuperPacket no_size = Super(V4().Tcp(1, 2, kAck, Pattern(300)), 100);
  no_size.vnet.gso_size = 0;
  SuperPacket unknown = Super(V4().Tcp(1, 2, kAck, Pattern(300)), 100);
  unknown.vnet.gso_type = 77;
  SuperPacket outside = Super(V4().Udp(1, 2, Pattern(30)), 100);
  outside.vnet.gso_type = VnetHeader::kOrdinary;
  outside.vnet.checksum_start = 60000;
  SuperPacket header = Super(V6().Tcp(1, 2, kAck, Pattern(300)), 100);
  header.vnet.header_length = 65535;
  for (const SuperPacket& super : {no_size, unknown, outside, header}) {
    KernelSays(super);
  }
  const Octets last = V4().Udp(1, 2, Pattern(5));
  KernelSays({}, last);
  TunReader reader = Reader();
  EXPECT_EQ(Receive(reader), std::vector<Octets>{last});
  EXPECT_EQ(stats_.of(DropReason::kBadOffload), 4U);
  EXPECT_EQ(pool_.forgotten(), 0U);
  EXPECT_EQ(pool_.free(), 100U);
}

TEST_F(TunReaderTest, DropsWhatEndsTooEarly) {
  const std::array<std::uint8_t, 9> octets{};
  ASSERT_EQ(::send(kernel_.get(), octets.data(), octets.size(), 0), 9);
  SuperPacket cut = Super(V4().Tcp(1, 2, kAck, Pattern(3000)), 100);
  cut.octets.resize(1500);
  KernelSays(cut);
  TunReader reader = Reader();
  EXPECT_TRUE(Receive(reader).empty());
  EXPECT_EQ(stats_.of(DropReason::kTruncated), 2U);
}

TEST_F(TunReaderTest, HandsOnNothingThatIsTooBig) {
  // Packets of a super-packet: larger than the MTU, than the pool's.
  KernelSays(Super(V4().Tcp(1, 2, kAck, Pattern(3000)), 1361));
  TunReader reader = Reader();
  EXPECT_TRUE(Receive(reader).empty());
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 1U);
  KernelSays(Super(V4().Tcp(1, 2, kAck, Pattern(3000)), 1360));
  EXPECT_EQ(Receive(reader).size(), 3U);
  PacketPool small({.packets = 10, .payload = 300});
  Batch batch;
  KernelSays(Super(V4().Tcp(1, 2, kAck, Pattern(3000)), 261));
  EXPECT_EQ(reader.Receive(batch, small, stats_, kMtu), 0U);
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 2U);
  // What no IP packet is as large as, and would look cut.
  KernelSays(Super(V4().Tcp(1, 2, kAck, Pattern(65000)), 1000).vnet,
             Octets(70000));
  KernelSays({}, Octets(70000));
  EXPECT_TRUE(Receive(reader).empty());
  EXPECT_EQ(stats_.of(DropReason::kTooBig), 4U);
}

TEST_F(TunReaderTest, AllOfASuperPacketHaveItsStamp) {
  const SocketStamp stamp = SocketStamp::WithTag(0xf1);
  const auto with_cookie = [](std::uint64_t cookie, SuperPacket super) {
    Octets front(32);
    front[0] = 0xf1;
    front[8] = static_cast<std::uint8_t>(cookie);
    super.octets.insert(super.octets.begin(), front.begin(), front.end());
    super.vnet.header_length += 32;
    super.vnet.checksum_start += 32;
    return super;
  };
  const SuperPacket super = Super(V4().Tcp(1, 2, kAck, Pattern(3000)), 1000);
  KernelSays(with_cookie(7, super));
  KernelSays(with_cookie(8, super));
  KernelSays(super);  // without one
  TunReader reader = Reader();
  reader.ExpectStamps(stamp);
  Batch batch;
  ASSERT_EQ(reader.Receive(batch, pool_, stats_, kMtu), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(batch.packets()[i].sender().cookie, SocketCookie{i < 3 ? 7U : 8});
    const Bytes octets = batch.packets()[i].bytes();
    EXPECT_TRUE(ChecksumsAreRight({octets.begin(), octets.end()}));
  }
  batch.Clear();
  EXPECT_EQ(stats_.of(DropReason::kNotStamped), 1U);
}

}  // namespace
}  // namespace postern
