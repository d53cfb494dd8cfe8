// SPDX-License-Identifier: Apache-2.0
//
// Two hosts whose TUNs have offload, joined by a loop that carries packets from
// each to the other as two daemons would, with real sockets and, where BPF is
// allowed, with stamps. The oracles are the octets that arrive, SO_COOKIE, and
// the definition of the checksums.

#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "core/stats.h"
#include "tests/support/packet_builder.h"
#include "tests/support/super_packet.h"
#include "tests/unit/tun/scratch_host.h"
#include "tun/netlink.h"
#include "tun/stamp_program.h"
#include "tun/tun_device.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace postern {
namespace {

constexpr std::size_t kMtu = 1400;

// One side: a namespace, its TUN, and what was counted.
struct Side {
  explicit Side(const NetworkNamespace& home) : inside(home) {}

  const NetworkNamespace& inside;
  std::unique_ptr<TunDevice> tun;
  WorkerStats sent;      // by its sockets: read from its TUN
  WorkerStats received;  // written to its TUN
  PacketPool pool{{.packets = 200, .payload = 2000}};
};

class OffloadTest : public ScratchHost {
 protected:
  void SetUp() override {
    ScratchHost::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    second_.emplace(NetworkNamespace::Create().value());
    a_.emplace(host());
    b_.emplace(*second_);
    Make(*a_, {"10.9.1.1", "fd00:9:1::1"});
    if (!IsSkipped() && !HasFatalFailure()) {
      Make(*b_, {"10.9.2.1", "fd00:9:2::1"});
    }
  }

  void TearDown() override { Stop(); }

  void Make(Side& side, const std::vector<std::string>& addresses) {
    auto made =
        TunDevice::Create(side.inside, {.name = "postern0",
                                        .mtu_octets = kMtu,
                                        .framing = TunFraming::kVnetHeader});
    if (!made) {
      GTEST_SKIP() << made.error().message;
    }
    side.tun = std::move(made).value();
    if (side.tun->offload() != TunOffload::kTcpAndUdp) {
      GTEST_SKIP() << "this kernel grants only " << NameOf(side.tun->offload());
    }
    const SocketStamp stamp = SocketStamp::Create().value();
    if (AttachStampProgram(side.inside, side.tun->index(), stamp).ok()) {
      side.tun->ExpectStamps(stamp);
      stamped_ = true;
    }
    Netlink netlink = Netlink::OpenInside(side.inside).value();
    for (const std::string& address : addresses) {
      const IpAddress parsed = Address(address);
      ASSERT_TRUE(
          netlink.AddAddress("postern0", {parsed, BitsOf(parsed.family())}));
    }
    ASSERT_TRUE(netlink.SetState("postern0", LinkState::kUp));
    for (const char* all : {"0.0.0.0/0", "::/0"}) {
      ASSERT_TRUE(netlink.AddRoute({IpPrefix::Parse(all).value(), "postern0"}));
    }
    for (const std::string& address : addresses) {
      ASSERT_TRUE(netlink.AwaitLocal(Address(address)));
    }
  }

  // Carries packets both ways until Stop().
  void Start() {
    carrier_ = std::thread([this] {
      while (!stopping_.load()) {
        std::array<pollfd, 2> wanted = {{{a_->tun->descriptor(), POLLIN, 0},
                                         {b_->tun->descriptor(), POLLIN, 0}}};
        ::poll(wanted.data(), wanted.size(), 10);
        while (Carry(*a_, *b_) + Carry(*b_, *a_) > 0) {
        }
      }
    });
  }

  void Stop() {
    stopping_.store(true);
    if (carrier_.joinable()) {
      carrier_.join();
    }
  }

  std::size_t Carry(Side& from, Side& to) {
    Batch batch;
    const std::size_t got = from.tun->Receive(batch, from.pool, from.sent);
    for (Packet& packet : batch) {
      const Octets octets(packet.bytes().begin(), packet.bytes().end());
      if (octets.size() > kMtu ||
          (IsTcpOrUdp(octets) && !ChecksumsAreRight(octets))) {
        ++wrong_;
      }
      if (packet.sender().kind != Owner::Kind::kSocket) {
        ++nobodys_;
      }
    }
    to.tun->Send(batch, to.received);
    return got;
  }

  static bool IsTcpOrUdp(const Octets& packet) {
    const std::uint8_t protocol = packet[packet[0] >> 4 == 4 ? 9 : 6];
    return protocol == 6 || protocol == 17;
  }

  UniqueFd SocketOf(const Side& side, int family, int type) {
    return UniqueFd(
        side.inside
            .RunInside([=] { return ::socket(family, type | SOCK_CLOEXEC, 0); })
            .value());
  }

  static void ExpectNoDrops(const WorkerStats& stats) {
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      EXPECT_EQ(stats.of(reason), 0U) << NameOf(reason);
    }
  }

  std::optional<NetworkNamespace> second_;
  std::optional<Side> a_;
  std::optional<Side> b_;
  bool stamped_ = false;
  std::atomic<bool> stopping_{false};
  std::thread carrier_;
  std::size_t wrong_ = 0;    // packets that are not whole or too large
  std::size_t nobodys_ = 0;  // packets whose sender is not told
};

void SendAll(int fd, ConstBytes octets) {
  while (!octets.empty()) {
    const ssize_t sent = ::send(fd, octets.data(), octets.size(), MSG_NOSIGNAL);
    ASSERT_GT(sent, 0);
    octets = octets.subspan(static_cast<std::size_t>(sent));
  }
  ASSERT_EQ(::shutdown(fd, SHUT_WR), 0);
}

Octets ReceiveAll(int fd) {
  Octets all;
  Octets some(1 << 16);
  while (Readable(fd)) {
    const ssize_t got = ::recv(fd, some.data(), some.size(), 0);
    if (got <= 0) {
      break;
    }
    all.insert(all.end(), some.begin(), some.begin() + got);
  }
  return all;
}

// Bulk TCP arrives whole in both families; nothing is dropped, so no packet was
// too large for its stamp, and it did travel as super-packets.
TEST_F(OffloadTest, CarriesBulkTcpWithStamps) {
  const Octets octets = Pattern(30'000'000);
  Start();
  for (const auto& [family, address] :
       {std::pair{AF_INET, "10.9.2.1"}, std::pair{AF_INET6, "fd00:9:2::1"}}) {
    const Endpoint to(address, 80);
    const UniqueFd listener = SocketOf(*b_, family, SOCK_STREAM);
    ASSERT_EQ(::bind(listener.get(), to.get(), to.size()), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    const UniqueFd client = SocketOf(*a_, family, SOCK_STREAM);
    ASSERT_EQ(::connect(client.get(), to.get(), to.size()), 0);
    std::thread sender([&] { SendAll(client.get(), octets); });
    const UniqueFd server = Accepted(listener);
    EXPECT_TRUE(ReceiveAll(server.get()) == octets) << "family " << family;
    sender.join();
  }
  Stop();
  ExpectNoDrops(a_->sent);
  ExpectNoDrops(a_->received);
  ExpectNoDrops(b_->sent);
  ExpectNoDrops(b_->received);
  EXPECT_EQ(wrong_, 0U);
  if (stamped_) {
    EXPECT_EQ(nobodys_, 0U);
  }
  EXPECT_GT(a_->sent.of(Count::kSuperPacketsRead), 0U);
  EXPECT_GT(b_->received.of(Count::kSuperPacketsWritten), 0U);
  // Most of the 43,000 packets came and went in company.
  EXPECT_GT(a_->sent.of(Count::kSegmentsRead), 20'000U);
  EXPECT_GT(b_->received.of(Count::kSegmentsWritten), 20'000U);
}

// Both have one 5-tuple, and each sends super-packets.
TEST_F(OffloadTest, EachDatagramHasTheStampOfItsOwnSocket) {
  if (!stamped_) {
    GTEST_SKIP() << "no stamps without BPF";
  }
  std::array<UniqueFd, 2> siblings;
  for (UniqueFd& sibling : siblings) {
    sibling = SocketOf(*a_, AF_INET, SOCK_DGRAM);
    const int on = 1;
    const int size = 1000;
    ASSERT_EQ(
        ::setsockopt(sibling.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)),
        0);
    ASSERT_EQ(::setsockopt(sibling.get(), IPPROTO_UDP, UDP_SEGMENT, &size,
                           sizeof(size)),
              0);
    const Endpoint at("10.9.1.1", 4242);
    ASSERT_EQ(::bind(sibling.get(), at.get(), at.size()), 0);
  }
  const Endpoint to("10.9.2.1", 9);
  const Octets payload = Pattern(30'500);
  for (int round = 0; round < 10; ++round) {
    for (const UniqueFd& sibling : siblings) {
      ASSERT_EQ(::sendto(sibling.get(), payload.data(), payload.size(), 0,
                         to.get(), to.size()),
                static_cast<ssize_t>(payload.size()))
          << errno;
    }
  }
  std::vector<SocketCookie> senders;
  Batch batch;
  while (a_->tun->Receive(batch, a_->pool, a_->sent) > 0) {
    for (Packet& packet : batch) {
      senders.push_back(packet.sender().cookie);
    }
    batch.Clear();
  }
  ASSERT_EQ(senders.size(), 10U * 2 * 31);
  EXPECT_EQ(a_->sent.of(Count::kSuperPacketsRead), 20U);
  for (std::size_t i = 0; i < senders.size(); ++i) {
    ASSERT_EQ(senders[i], CookieOf(siblings[i / 31 % 2].get())) << i;
  }
  ExpectNoDrops(a_->sent);
}

// A socket that knows nothing of UDP_GRO gets its datagrams one by one.
TEST_F(OffloadTest, DatagramsArriveOneByOne) {
  Start();
  for (const auto& [family, address] :
       {std::pair{AF_INET, "10.9.2.1"}, std::pair{AF_INET6, "fd00:9:2::1"}}) {
    const Endpoint to(address, 4242);
    const UniqueFd receiver = SocketOf(*b_, family, SOCK_DGRAM);
    ASSERT_EQ(::bind(receiver.get(), to.get(), to.size()), 0);
    const UniqueFd sender = SocketOf(*a_, family, SOCK_DGRAM);
    ASSERT_EQ(::connect(sender.get(), to.get(), to.size()), 0);
    const int size = 1000;
    ASSERT_EQ(::setsockopt(sender.get(), IPPROTO_UDP, UDP_SEGMENT, &size,
                           sizeof(size)),
              0);
    const Octets payload = Pattern(20'300);
    ASSERT_EQ(::send(sender.get(), payload.data(), payload.size(), 0),
              static_cast<ssize_t>(payload.size()));
    Octets all;
    Octets one(70'000);
    for (std::size_t i = 0; i < 21; ++i) {
      ASSERT_TRUE(Readable(receiver.get()));
      const ssize_t got = ::recv(receiver.get(), one.data(), one.size(), 0);
      EXPECT_EQ(got, i < 20 ? 1000 : 300);
      all.insert(all.end(), one.begin(), one.begin() + got);
    }
    EXPECT_EQ(all, payload);
  }
  Stop();
  EXPECT_EQ(wrong_, 0U);
  EXPECT_EQ(a_->sent.of(Count::kSuperPacketsRead), 2U);
  EXPECT_GT(b_->received.of(Count::kSuperPacketsWritten), 0U);
  ExpectNoDrops(b_->received);
}

}  // namespace
}  // namespace postern
