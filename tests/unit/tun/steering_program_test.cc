// SPDX-License-Identifier: Apache-2.0
//
// Which of a real kernel's queues a flow takes. The oracle is the definition: one
// flow, one queue.

#include "tun/steering_program.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/bytes.h"
#include "core/packet/packet_pool.h"
#include "core/stats.h"
#include "tests/support/as_nobody.h"
#include "tests/support/packet_builder.h"
#include "tests/unit/tun/scratch_host.h"
#include "tun/netlink.h"
#include "tun/stamp_program.h"
#include "tun/tun_device.h"

namespace postern {
namespace {

constexpr const char* kHostAddress = "10.9.0.1";
constexpr const char* kPeerAddress = "10.9.0.2";
constexpr const char* kPeerAddress6 = "fd00:9::2";
constexpr std::size_t kQueues = 2;

class TunQueuesTest : public ScratchHost {
 protected:
  void SetUp() override {
    ScratchHost::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    const Result<SteeringProgram> steering = SteeringProgram::Load();
    if (!steering && steering.error().code == ErrorCode::kForbidden) {
      GTEST_SKIP() << steering.error().message;
    }
    ASSERT_TRUE(steering) << steering.error().message;
    auto made = TunDevice::CreateQueues(
        host(), {.name = "postern0", .mtu_octets = 1400}, *steering, kQueues);
    ASSERT_TRUE(made) << made.error().message;
    queues_ = std::move(made).value();
  }

  void BringUp() const {
    Netlink netlink = Netlink::OpenInside(host()).value();
    ASSERT_TRUE(netlink.AddAddress("postern0", {Address(kHostAddress), 32}));
    ASSERT_TRUE(netlink.AddAddress("postern0", {Address("fd00:9::1"), 128}));
    ASSERT_TRUE(netlink.SetState("postern0", LinkState::kUp));
    ASSERT_TRUE(netlink.AddRoute({IpPrefix(), "postern0"}));
    ASSERT_TRUE(
        netlink.AddRoute({IpPrefix(Address("fd00:9::2"), 128), "postern0"}));
  }

  void StampPackets() {
    const SocketStamp stamp = SocketStamp::Create().value();
    ASSERT_TRUE(AttachStampProgram(host(), queues_[0]->index(), stamp));
    for (const auto& queue : queues_) {
      queue->ExpectStamps(stamp);
    }
  }

  using Counts = std::array<std::size_t, kQueues>;

  // Adds how many packets wait in each; but not those by which the kernel, as a
  // router, tells of its multicast groups (RFC 3810: behind hop-by-hop options).
  void Drain(Counts& counts) {
    for (std::size_t i = 0; i < kQueues; ++i) {
      Batch batch;
      while (queues_[i]->Receive(batch, pool_, stats_) > 0) {
        for (const Packet& packet : batch.packets()) {
          const ConstBytes octets = packet.bytes();
          counts[i] += octets[0] >> 4U == 6 && octets[6] == 0 ? 0U : 1U;
        }
        batch.Clear();
      }
    }
  }

  // The one that had as many packets; kQueues when they are not in one.
  std::size_t OnlyQueueWith(std::size_t packets) {
    Counts counts{};
    const auto deadline = std::chrono::steady_clock::now() +
                          std::chrono::milliseconds(kPatienceMilliseconds);
    while (counts[0] + counts[1] < packets &&
           std::chrono::steady_clock::now() < deadline) {
      Drain(counts);
    }
    for (std::size_t i = 0; i < kQueues; ++i) {
      if (counts[i] == packets && counts[1 - i] == 0) {
        return i;
      }
    }
    ADD_FAILURE() << counts[0] << " and " << counts[1] << " packets";
    return kQueues;
  }

  void Arrive(std::size_t queue, const Octets& packet) {
    Batch batch;
    batch.Push(pool_.Copy(packet));
    queues_[queue]->Send(batch, stats_);
  }

  static void SendTo(int fd, const char* peer, std::size_t octets) {
    const std::vector<std::uint8_t> payload(octets, 0x5a);
    const Endpoint to(peer, 9);
    ASSERT_EQ(
        ::sendto(fd, payload.data(), payload.size(), 0, to.get(), to.size()),
        static_cast<ssize_t>(octets));
  }

  // A SYN that nobody answers, from a socket that need not wait.
  UniqueFd Connecting(const char* peer) {
    UniqueFd made = Socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    const Endpoint to(peer, 9);
    EXPECT_NE(::connect(made.get(), to.get(), to.size()), 0);
    return made;
  }

  PacketPool pool_{{.packets = 200, .payload = 70000}};
  WorkerStats stats_;
  std::vector<std::unique_ptr<TunDevice>> queues_;
};

// DEF-37
TEST_F(TunQueuesTest, ASocketStaysWithOneQueueAndSocketsSpread) {
  BringUp();
  std::set<std::size_t> used;
  for (int i = 0; i < 24; ++i) {  // all in one: once in 2^23 runs
    const UniqueFd socket = Socket(AF_INET, SOCK_DGRAM);
    for (int datagram = 0; datagram < 8; ++datagram) {
      SendTo(socket.get(), kPeerAddress, 10);
    }
    used.insert(OnlyQueueWith(8));
  }
  EXPECT_EQ(used, (std::set<std::size_t>{0, 1}));
}

TEST_F(TunQueuesTest, AConnectionSpreadsLikeAnyOtherSocket) {
  BringUp();
  std::set<std::size_t> used;
  for (int i = 0; i < 24; ++i) {
    const UniqueFd connecting = Connecting(kPeerAddress);
    used.insert(OnlyQueueWith(1));
  }
  EXPECT_EQ(used, (std::set<std::size_t>{0, 1}));
}

// By itself Linux would move the flow to the queue that wrote last.
TEST_F(TunQueuesTest, AnAnswerByTheOtherQueueDoesNotMoveAFlow) {
  BringUp();
  const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint(kHostAddress, 4242));
  SendTo(socket.get(), kPeerAddress, 10);
  const std::size_t first = OnlyQueueWith(1);
  ASSERT_LT(first, kQueues);
  for (int i = 0; i < 10; ++i) {
    Arrive(1 - first,
           PacketBuilder(kPeerAddress, kHostAddress).Udp(9, 4242, {1, 2, 3}));
    ASSERT_TRUE(Readable(socket.get()));
    std::array<std::uint8_t, 8> got{};
    ASSERT_EQ(::recv(socket.get(), got.data(), got.size(), 0), 3);
    SendTo(socket.get(), kPeerAddress, 10);
    EXPECT_EQ(OnlyQueueWith(1), first);
  }
}

// DEF-37
// Else a small datagram overtakes the fragments of a large one.
TEST_F(TunQueuesTest, FragmentsTakeTheQueueOfWholeDatagrams) {
  BringUp();
  for (const auto& [family, peer] :
       {std::pair{AF_INET, kPeerAddress}, std::pair{AF_INET6, kPeerAddress6}}) {
    for (int i = 0; i < 8; ++i) {
      const UniqueFd socket = Socket(family, SOCK_DGRAM);
      SendTo(socket.get(), peer, 4000);
      const std::size_t fragments = OnlyQueueWith(3);
      SendTo(socket.get(), peer, 10);
      EXPECT_EQ(OnlyQueueWith(1), fragments);
    }
  }
}

TEST_F(TunQueuesTest, LooksBehindTheStamps) {
  StampPackets();
  BringUp();
  std::set<std::size_t> used;
  const UniqueFd socket = Socket(AF_INET, SOCK_DGRAM);
  // One socket: only the address tells the peers apart, and it stands where it
  // did although a stamp is in front of it.
  for (int i = 2; i < 26; ++i) {
    const std::string peer = "10.9.0." + std::to_string(i);
    SendTo(socket.get(), peer.c_str(), 4000);
    SendTo(socket.get(), peer.c_str(), 10);
    used.insert(OnlyQueueWith(4));
  }
  EXPECT_EQ(used, (std::set<std::size_t>{0, 1}));
  EXPECT_EQ(stats_.of(DropReason::kNotStamped), 0U);
}

// What a host of the kind router sends has no socket.
class ForwardedPacketsTest : public TunQueuesTest {
 protected:
  void SetUp() override {
    TunQueuesTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    entrance_ = TunDevice::Create(host(), {.name = "in0"}).value();
    BringUp();
    Netlink netlink = Netlink::OpenInside(host()).value();
    ASSERT_TRUE(netlink.SetState("in0", LinkState::kUp));
    ASSERT_TRUE(netlink.AddRoute({IpPrefix(Address("10.8.0.0"), 16), "in0"}));
    ASSERT_TRUE(netlink.AddRoute({IpPrefix(Address("fd00:8::"), 32), "in0"}));
    ASSERT_TRUE(host()
                    .RunInside([] {
                      std::ofstream("/proc/sys/net/ipv4/ip_forward") << 1;
                      std::ofstream("/proc/sys/net/ipv6/conf/all/forwarding")
                          << 1;
                    })
                    .ok());
  }

  std::size_t QueueOf(const Octets& packet) {
    Batch batch;
    batch.Push(pool_.Copy(packet));
    entrance_->Send(batch, stats_);
    return OnlyQueueWith(1);
  }

  static Octets WithSpi(std::size_t at, std::uint32_t spi,
                        std::uint8_t sequence) {
    Octets octets(40, sequence);
    StoreBe<std::uint32_t>(Bytes(octets).subspan(at), spi);
    return octets;
  }

  std::unique_ptr<TunDevice> entrance_;
};

// RFC 4303 2.1, RFC 4302 2.4: where the SPI stands.
TEST_F(ForwardedPacketsTest, AnSaStaysWithOneQueueAndSasSpread) {
  struct Case {
    const char* from;
    const char* to;
    std::uint8_t protocol;
    std::size_t spi_at;
  };

  for (const Case& one : {Case{"10.8.0.1", kPeerAddress, 50, 0},
                          Case{"10.8.0.1", kPeerAddress, 51, 4},
                          Case{"fd00:8::1", kPeerAddress6, 50, 0},
                          Case{"fd00:8::1", kPeerAddress6, 51, 4}}) {
    std::set<std::size_t> used;
    // In each octet but the first.
    for (std::uint32_t spi = 0x1000; spi < 0x1000 + (24U << 16U);
         spi += 0x010101) {
      std::set<std::size_t> of_spi;
      for (std::uint8_t sequence = 1; sequence < 5; ++sequence) {
        of_spi.insert(QueueOf(
            PacketBuilder(one.from, one.to)
                .Raw(one.protocol, WithSpi(one.spi_at, spi, sequence))));
      }
      EXPECT_EQ(of_spi.size(), 1U);
      used.merge(of_spi);
    }
    EXPECT_EQ(used.size(), kQueues) << one.from << " " << int{one.protocol};
  }
}

// As administrators number them: only one octet differs.
TEST_F(ForwardedPacketsTest, SasThatDifferInOneOctetSpreadToo) {
  for (const unsigned shift : {0U, 8U, 16U, 24U}) {
    std::set<std::size_t> used;
    for (std::uint32_t i = 1; i <= 12; ++i) {
      used.insert(QueueOf(PacketBuilder("10.8.0.1", kPeerAddress)
                              .Raw(50, WithSpi(0, 0x1000 + (i << shift), 1))));
    }
    EXPECT_EQ(used.size(), kQueues) << shift;
  }
}

TEST_F(ForwardedPacketsTest, WhatIsInClearGoesByItsAddresses) {
  const std::size_t first =
      QueueOf(PacketBuilder("10.8.0.1", kPeerAddress).Udp(1, 9, {1, 2, 3}));
  for (std::uint16_t port = 2; port < 20; ++port) {
    EXPECT_EQ(QueueOf(PacketBuilder("10.8.0.1", kPeerAddress).Udp(port, 9, {})),
              first);
  }
}

TEST_F(TunQueuesTest, QueuesShareOneInterfaceUntilTheLastHasGone) {
  Netlink netlink = Netlink::OpenInside(host()).value();
  EXPECT_EQ(queues_[0]->index(), queues_[1]->index());
  EXPECT_EQ(queues_[0]->name(), "postern0");
  ASSERT_TRUE(queues_[0]->SetMtu(1300));
  EXPECT_EQ(queues_[1]->mtu(), 1300U);
  queues_.pop_back();
  EXPECT_TRUE(netlink.FindLink("postern0"));
  queues_.pop_back();
  EXPECT_EQ(netlink.FindLink("postern0").error().code, ErrorCode::kNotFound);
}

// DEF-04
TEST_F(TunQueuesTest, EachQueueTellsThatTheInterfaceIsGone) {
  BringUp();
  const NetworkNamespace& inside = host();
  ASSERT_EQ(inside
                .RunInside([] {
                  return ::system("ip link delete postern0");  // NOLINT
                })
                .value(),
            0);
  for (const auto& queue : queues_) {
    pollfd waiting{queue->descriptor(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, kPatienceMilliseconds), 1);
    EXPECT_NE(waiting.revents & POLLERR, 0);
  }
}

TEST(SteeringProgram, SaysWhyItIsRefused) {
  AsNobody([] {
    const auto refused = SteeringProgram::Load();
    if (refused) {
      GTEST_SKIP() << "this kernel lets everybody load socket filters";
    }
    EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
  });
}

}  // namespace
}  // namespace postern
