// SPDX-License-Identifier: Apache-2.0
//
// What a TunWriter puts on its descriptor: a UNIX socket, read by the test.
// tests/unit/tun/offload_test.cc has the kernel's opinion of it.

#include "tun/tun_writer.h"

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "core/unique_fd.h"
#include "tests/support/packet_builder.h"
#include "tests/support/super_packet.h"

namespace postern {
namespace {

// The i-th datagram of a row with identifications counting up.
Octets Datagram(unsigned i) {
  Octets packet = PacketBuilder("10.9.1.1", "10.9.2.1").Udp(1, 2, Pattern(100));
  Put16(packet, 4, i);
  MendChecksums(packet);
  return packet;
}

class TunWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair.data()),
              0);
    kernel_.reset(pair[0]);
    ours_.reset(pair[1]);
  }

  void Send(TunFraming framing, TunOffload granted,
            const std::vector<Octets>& packets) {
    TunWriter writer(ours_.get(), framing, granted);
    Batch batch;
    for (const Octets& packet : packets) {
      batch.Push(packet.empty() ? Packet() : pool_.Copy(packet));
    }
    writer.Send(batch, stats_);
    EXPECT_TRUE(batch.empty());
    EXPECT_EQ(pool_.free(), 100U);
    EXPECT_EQ(pool_.forgotten(), 0U);
  }

  // What was written, each with one call.
  std::vector<Octets> Written() {
    std::vector<Octets> all;
    Octets octets(70000);
    ssize_t got = 0;
    while ((got = ::recv(kernel_.get(), octets.data(), octets.size(), 0)) > 0) {
      all.emplace_back(octets.begin(), octets.begin() + got);
    }
    return all;
  }

  static Octets With(const VnetHeader& vnet, const Octets& packet) {
    Octets all(sizeof(vnet));
    std::memcpy(all.data(), &vnet, sizeof(vnet));
    all.insert(all.end(), packet.begin(), packet.end());
    return all;
  }

  PacketPool pool_{{.packets = 100, .payload = 2000}};
  WorkerStats stats_;
  UniqueFd kernel_;
  UniqueFd ours_;
};

TEST_F(TunWriterTest, WritesPacketsAsTheyAreWithoutOffload) {
  const std::vector<Octets> packets = {Datagram(1), Datagram(2)};
  Send(TunFraming::kPlain, TunOffload::kNone, packets);
  EXPECT_EQ(Written(), packets);
}

TEST_F(TunWriterTest, WritesARowAsOne) {
  Send(TunFraming::kVnetHeader, TunOffload::kTcpAndUdp,
       {Datagram(1), Datagram(2), {}, Datagram(3)});
  Octets whole = PacketBuilder("10.9.1.1", "10.9.2.1").Udp(1, 2, [] {
    Octets payload;
    for (int i = 0; i < 3; ++i) {
      const Octets part = Pattern(100);
      payload.insert(payload.end(), part.begin(), part.end());
    }
    return payload;
  }());
  Put16(whole, 4, 1);
  MendChecksums(whole);
  const SuperPacket super = Super(whole, 100);
  EXPECT_EQ(Written(), std::vector<Octets>{With(super.vnet, super.octets)});
  EXPECT_EQ(stats_.of(Count::kSuperPacketsWritten), 1U);
  EXPECT_EQ(stats_.of(Count::kSegmentsWritten), 3U);
}

TEST_F(TunWriterTest, KeepsDatagramsApartForAKernelThatTakesNone) {
  Send(TunFraming::kVnetHeader, TunOffload::kTcp, {Datagram(1), Datagram(2)});
  EXPECT_EQ(Written(), (std::vector<Octets>{With({}, Datagram(1)),
                                            With({}, Datagram(2))}));
  EXPECT_EQ(stats_.of(Count::kSuperPacketsWritten), 0U);
}

TEST_F(TunWriterTest, CountsEachPacketOfWhatIsRefused) {
  const std::array<std::uint8_t, 8> octets{};
  while (::send(ours_.get(), octets.data(), octets.size(), 0) > 0) {
  }
  Send(TunFraming::kVnetHeader, TunOffload::kTcpAndUdp,
       {Datagram(1), Datagram(2), Datagram(9)});
  EXPECT_EQ(stats_.of(DropReason::kPortBusy), 3U);
  EXPECT_EQ(stats_.of(Count::kSuperPacketsWritten), 0U);
}

TEST_F(TunWriterTest, WritesAFullBatchAsOne) {
  std::vector<Octets> packets;
  for (unsigned i = 0; i < Batch::kCapacity; ++i) {
    packets.push_back(Datagram(i));
  }
  Send(TunFraming::kVnetHeader, TunOffload::kTcpAndUdp, packets);
  const std::vector<Octets> written = Written();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(written[0].size(), 10 + 28 + 100 * Batch::kCapacity);
}

}  // namespace
}  // namespace postern
