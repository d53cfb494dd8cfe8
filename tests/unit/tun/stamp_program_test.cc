// SPDX-License-Identifier: Apache-2.0
//
// The stamps of a real kernel. The oracle is SO_COOKIE, read from the sockets.

#include "tun/stamp_program.h"

#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "core/net/checksum.h"
#include "core/net/ip_view.h"
#include "core/packet/packet_pool.h"
#include "core/stats.h"
#include "tests/support/as_nobody.h"
#include "tests/support/packet_builder.h"
#include "tests/support/scratch_cgroup.h"
#include "tests/support/super_packet.h"
#include "tests/unit/tun/scratch_host.h"
#include "tun/netlink.h"
#include "tun/tun_device.h"

namespace postern {
namespace {

constexpr const char* kHostAddress = "10.9.0.1";
constexpr const char* kPeerAddress = "10.9.0.2";
constexpr std::uint16_t kPort = 4242;

class StampProgramTest : public ScratchHost {
 protected:
  void SetUp() override {
    ScratchHost::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) {
      Make(TunFraming::kPlain);
    }
  }

  void Make(TunFraming framing) {
    tun_.reset();
    auto made = TunDevice::Create(
        host(), {.name = "postern0", .mtu_octets = 1400, .framing = framing});
    if (!made) {
      GTEST_SKIP() << made.error().message;
    }
    tun_ = std::move(made).value();
    const SocketStamp stamp = SocketStamp::Create().value();
    const Status attached = AttachStampProgram(host(), tun_->index(), stamp);
    if (!attached && attached.error().code != ErrorCode::kSystem) {
      GTEST_SKIP() << attached.error().message;
    }
    ASSERT_TRUE(attached) << attached.error().message;
    tun_->ExpectStamps(stamp);
    BringUp();
  }

  void BringUp() {
    Netlink netlink = Netlink::OpenInside(host()).value();
    ASSERT_TRUE(netlink.AddAddress("postern0", {Address(kHostAddress), 32}));
    ASSERT_TRUE(netlink.AddAddress("postern0", {Address("fd00:9::1"), 128}));
    ASSERT_TRUE(netlink.SetState("postern0", LinkState::kUp));
    ASSERT_TRUE(netlink.AddRoute({IpPrefix(), "postern0"}));
    ASSERT_TRUE(
        netlink.AddRoute({IpPrefix(Address("fd00:9::2"), 128), "postern0"}));
  }

  // What the host has sent, each a sender and its packet.
  struct Sent {
    Owner sender;
    std::vector<std::uint8_t> octets;
  };

  std::vector<Sent> Receive() {
    std::vector<Sent> all;
    Batch batch;
    while (tun_->Receive(batch, pool_, stats_) > 0) {
      for (Packet& packet : batch) {
        const ConstBytes octets = packet.bytes();
        all.push_back({packet.sender(), {octets.begin(), octets.end()}});
        packet.Release();
      }
      batch.Clear();
    }
    return all;
  }

  // `count` packets, all of this socket, all of them IP.
  void ExpectFrom(int fd, std::size_t count,
                  Owner::Role role = Owner::Role::kEndpoint) {
    const std::vector<Sent> sent = Receive();
    EXPECT_EQ(sent.size(), count);
    for (const Sent& one : sent) {
      EXPECT_EQ(one.sender.kind, Owner::Kind::kSocket);
      EXPECT_EQ(one.sender.cookie, CookieOf(fd));
      EXPECT_EQ(one.sender.role, role);
      EXPECT_TRUE(IpView::Parse(one.octets));
    }
  }

  static void SendTo(int fd, const Endpoint& to, std::size_t octets) {
    const std::vector<std::uint8_t> payload(octets, 0x5a);
    ASSERT_EQ(
        ::sendto(fd, payload.data(), payload.size(), 0, to.get(), to.size()),
        static_cast<ssize_t>(octets));
  }

  // A packet from the network.
  void Arrive(std::vector<std::uint8_t> packet) {
    Batch batch;
    batch.Push(pool_.Copy(packet));
    tun_->Send(batch, stats_);
  }

  static std::vector<std::uint8_t> Ipv4(std::uint8_t protocol,
                                        std::vector<std::uint8_t> payload) {
    std::vector<std::uint8_t> packet(20);
    Bytes octets(packet);
    octets[0] = 0x45;
    StoreBe<std::uint16_t>(octets.subspan(2),
                           static_cast<std::uint16_t>(20 + payload.size()));
    octets[8] = 64;
    octets[9] = protocol;
    CopyBytes(octets.subspan(12), Address(kPeerAddress).octets());
    CopyBytes(octets.subspan(16), Address(kHostAddress).octets());
    StoreBe<std::uint16_t>(octets.subspan(10), InternetChecksum(octets));
    packet.insert(packet.end(), payload.begin(), payload.end());
    return packet;
  }

  PacketPool pool_{{.packets = 200, .payload = 70000}};
  WorkerStats stats_;
  std::unique_ptr<TunDevice> tun_;
};

TEST_F(StampProgramTest, NamesEachSocketOfOnePort) {
  std::array<UniqueFd, 2> siblings;
  for (UniqueFd& sibling : siblings) {
    sibling = Socket(AF_INET, SOCK_DGRAM);
    const int on = 1;
    ASSERT_EQ(
        ::setsockopt(sibling.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)),
        0);
    const Endpoint at(kHostAddress, kPort);
    ASSERT_EQ(::bind(sibling.get(), at.get(), at.size()), 0);
  }
  for (int i = 0; i < 20; ++i) {
    for (const UniqueFd& sibling : siblings) {
      SendTo(sibling.get(), Endpoint(kPeerAddress, 9), 10);
      ExpectFrom(sibling.get(), 1);
    }
  }
}

TEST_F(StampProgramTest, NamesTheSocketOfEveryFragment) {
  for (const auto& [family, peer] :
       {std::pair{AF_INET, kPeerAddress}, std::pair{AF_INET6, "fd00:9::2"}}) {
    const UniqueFd socket = Socket(family, SOCK_DGRAM);
    SendTo(socket.get(), Endpoint(peer, 9), 4000);
    ExpectFrom(socket.get(), 3);
  }
}

TEST_F(StampProgramTest, NamesASocketThatIsClosedByThen) {
  UniqueFd socket = Socket(AF_INET, SOCK_DGRAM);
  const SocketCookie cookie = CookieOf(socket.get());
  SendTo(socket.get(), Endpoint(kPeerAddress, 9), 10);
  socket.reset();
  const std::vector<Sent> sent = Receive();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].sender.cookie, cookie);
}

TEST_F(StampProgramTest, NamesRawSockets) {
  const UniqueFd raw(
      host()
          .RunInside([] { return ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); })
          .value());
  SendTo(raw.get(), Endpoint(kPeerAddress, 0), 8);
  ExpectFrom(raw.get(), 1, Owner::Role::kRaw);
}

TEST_F(StampProgramTest, TheKernelsOwnAnswersNameARawSocket) {
  const UniqueFd any = Socket(AF_INET, SOCK_DGRAM);
  Arrive(Ipv4(IPPROTO_UDP, {0, 1, 0x10, 0x92, 0, 8, 0, 0}));  // closed port
  const std::vector<Sent> sent = Receive();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].sender.kind, Owner::Kind::kSocket);
  EXPECT_EQ(sent[0].sender.role, Owner::Role::kRaw);
  EXPECT_EQ(sent[0].octets[9], IPPROTO_ICMP);
}

TEST_F(StampProgramTest, NamesTheCgroupThatASocketWasMadeIn) {
  const ScratchCgroup cgroup;
  if (!cgroup.made()) {
    GTEST_SKIP() << "no cgroup2 hierarchy that we may write to";
  }
  const UniqueFd outside = Socket(AF_INET, SOCK_DGRAM);
  UniqueFd inside;
  UniqueFd listener;
  {
    const auto stay = cgroup.Enter();
    inside = Socket(AF_INET, SOCK_DGRAM);
    listener = Listener(Endpoint(kHostAddress, 80));
  }
  const Endpoint to(kPeerAddress, 9);
  SendTo(outside.get(), to, 10);
  SendTo(inside.get(), to, 4000);
  Arrive(PacketBuilder(kPeerAddress, kHostAddress).Tcp(4711, 80, kSyn));
  const std::vector<Sent> sent = Receive();
  ASSERT_EQ(sent.size(), 5U);
  EXPECT_NE(sent[0].sender.cgroup, cgroup.id());
  EXPECT_NE(sent[0].sender.cgroup, kNoCgroup);
  for (std::size_t i = 1; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].sender.cgroup, cgroup.id()) << i;
  }
  // The last is a SYN-ACK of the future child.
  EXPECT_EQ(sent[4].octets[9], IPPROTO_TCP);
  EXPECT_NE(sent[4].sender.cookie, CookieOf(listener.get()));
}

// A SYN's checksum is left to the device: its place is right behind the stamp.
TEST_F(StampProgramTest, KeepsChecksumsRightWithOffload) {
  Make(TunFraming::kVnetHeader);
  if (IsSkipped()) {
    return;
  }
  const UniqueFd client = Socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  const Endpoint to(kPeerAddress, 80);
  ASSERT_EQ(::connect(client.get(), to.get(), to.size()), -1);
  const std::vector<Sent> sent = Receive();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].sender.cookie, CookieOf(client.get()));
  EXPECT_TRUE(ChecksumsAreRight(sent[0].octets));
}

TEST_F(StampProgramTest, DropsWhatCarriesNoStamp) {
  DetachStampProgram(host(), tun_->index());
  const UniqueFd socket = Socket(AF_INET, SOCK_DGRAM);
  SendTo(socket.get(), Endpoint(kPeerAddress, 9), 10);
  SendTo(socket.get(), Endpoint(kPeerAddress, 9), 0);
  EXPECT_TRUE(Receive().empty());
  EXPECT_EQ(stats_.of(DropReason::kNotStamped), 2U);
  EXPECT_EQ(pool_.forgotten(), 0U);
}

TEST_F(StampProgramTest, TakesThePlaceOfAnEarlierOne) {
  const SocketStamp later = SocketStamp::Create().value();
  ASSERT_TRUE(AttachStampProgram(host(), tun_->index(), later));
  const UniqueFd socket = Socket(AF_INET, SOCK_DGRAM);
  SendTo(socket.get(), Endpoint(kPeerAddress, 9), 10);
  EXPECT_TRUE(Receive().empty());  // the tag of the earlier one is expected
  tun_->ExpectStamps(later);
  SendTo(socket.get(), Endpoint(kPeerAddress, 9), 10);
  ExpectFrom(socket.get(), 1);
}

TEST_F(StampProgramTest, SaysWhyItIsRefused) {
  AsNobody([this] {
    const Status refused =
        AttachStampProgram(host(), tun_->index(), SocketStamp::WithTag(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
  });
}

}  // namespace
}  // namespace postern
