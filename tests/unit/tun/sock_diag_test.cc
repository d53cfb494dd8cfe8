// SPDX-License-Identifier: Apache-2.0

#include "tun/sock_diag.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "core/net/checksum.h"
#include "core/net/ip_view.h"
#include "core/packet/packet_pool.h"
#include "core/stats.h"
#include "tests/support/scratch_cgroup.h"
#include "tests/unit/tun/scratch_host.h"
#include "tun/netlink.h"
#include "tun/tun_device.h"

namespace postern {
namespace {

constexpr auto kTcp = IpProtocol::kTcp;
constexpr auto kUdp = IpProtocol::kUdp;
constexpr std::uint32_t kLoopbackIndex = 1;

class SockDiagTest : public ScratchHost {
 protected:
  void SetUp() override {
    ScratchHost::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    auto owner = SockDiagOwner::Create(host(), kLoopbackIndex);
    ASSERT_TRUE(owner) << owner.error().message;
    owner_ = std::move(owner).value();
  }

  // The key of a connection over the loopback to `server`, seen from `fd`.
  static FlowKey Between(IpProtocol protocol, const std::string& address,
                         const UniqueFd& fd, const UniqueFd& peer) {
    return Key(protocol, address, PortOf(fd.get()), address,
               PortOf(peer.get()));
  }

  void ExpectSocket(const FlowKey& key, const UniqueFd& socket,
                    Owner::Role role = Owner::Role::kEndpoint) {
    const Owner owner = owner_->Find(key);
    EXPECT_EQ(owner.kind, Owner::Kind::kSocket) << ToString(key);
    EXPECT_EQ(owner.cookie, CookieOf(socket.get())) << ToString(key);
    EXPECT_EQ(owner.role, role) << ToString(key);
  }

  void ExpectNobody(const FlowKey& key) {
    EXPECT_EQ(owner_->Find(key).kind, Owner::Kind::kNobody) << ToString(key);
  }

  // Waits until /proc/net/tcp has a socket of this local port in `state`.
  testing::AssertionResult BecomesState(std::uint16_t port,
                                        const std::string& state) {
    std::array<char, 8> hex{};
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): a fixed format
    std::snprintf(hex.data(), hex.size(), ":%04X", unsigned{port});
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::milliseconds(kPatienceMilliseconds);
    while (std::chrono::steady_clock::now() < until) {
      std::istringstream table(ProcNet(host(), "tcp"));
      std::string slot;
      std::string local;
      std::string remote;
      std::string now;
      std::string rest;
      while (table >> slot >> local >> remote >> now &&
             std::getline(table, rest)) {
        if (local.find(hex.data()) != std::string::npos && now == state) {
          return testing::AssertionSuccess();
        }
      }
    }
    return testing::AssertionFailure()
           << "port " << port << " never reached " << state;
  }

  std::unique_ptr<SockDiagOwner> owner_;
};

TEST_F(SockDiagTest, FindsBothEndsOfAnEstablishedConnection) {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    const UniqueFd listener = Listener(Endpoint(address, 0));
    const UniqueFd client =
        Connected(SOCK_STREAM, Endpoint(address, PortOf(listener.get())));
    const UniqueFd server = Accepted(listener);
    ExpectSocket(Between(kTcp, address, client, listener), client);
    ExpectSocket(Between(kTcp, address, server, client), server);
  }
}

TEST_F(SockDiagTest, FindsTheListenerOfAConnectionThatDoesNotExistYet) {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    const UniqueFd listener = Listener(Endpoint(address, 0));
    const FlowKey key =
        Key(kTcp, address, PortOf(listener.get()), address, 55555);
    ExpectSocket(key, listener, Owner::Role::kListener);
    EXPECT_EQ(owner_->TcpConnection(key), SockDiagOwner::Existence::kGone);
  }
}

TEST_F(SockDiagTest, TellsTheCgroupThatASocketWasMadeIn) {
  const ScratchCgroup cgroup;
  if (!cgroup.made()) {
    GTEST_SKIP() << "no cgroup2 hierarchy that we may write to";
  }
  UniqueFd listener;
  {
    const auto stay = cgroup.Enter();
    listener = Listener(Endpoint("127.0.0.1", 0));
  }
  const Endpoint at("127.0.0.1", PortOf(listener.get()));
  const UniqueFd client = Connected(SOCK_STREAM, at);
  const UniqueFd child = Accepted(listener);
  const auto cgroup_of = [&](const UniqueFd& from, const UniqueFd& to) {
    const Owner owner = owner_->Find(Between(kTcp, "127.0.0.1", from, to));
    EXPECT_FALSE(owner.half_open);
    return owner.cgroup;
  };
  EXPECT_EQ(cgroup_of(child, client), cgroup.id());
  EXPECT_NE(cgroup_of(client, child), cgroup.id());
  EXPECT_NE(cgroup_of(client, child), kNoCgroup);
  EXPECT_EQ(
      owner_
          ->Find(Key(kTcp, "127.0.0.1", PortOf(listener.get()), "127.0.0.2", 9))
          .cgroup,
      cgroup.id());
}

TEST_F(SockDiagTest, FindsAWildcardListener) {
  const UniqueFd listener = Listener(Endpoint("0.0.0.0", 0));
  ExpectSocket(
      Key(kTcp, "127.0.0.1", PortOf(listener.get()), "127.0.0.1", 55555),
      listener, Owner::Role::kListener);
}

TEST_F(SockDiagTest, FindsNobodyWhereNoSocketIs) {
  const UniqueFd taken = Bound(SOCK_DGRAM, Endpoint("127.0.0.1", 0));
  const std::uint16_t port = PortOf(taken.get());
  const auto other = static_cast<std::uint16_t>(port ^ 1U);
  ExpectNobody(Key(kTcp, "127.0.0.1", port, "127.0.0.1", 55555));
  ExpectNobody(Key(kUdp, "127.0.0.1", other, "127.0.0.1", 55555));
  ExpectNobody(Key(kUdp, "127.0.0.2", port, "127.0.0.1", 55555));
  ExpectNobody(Key(kUdp, "::1", port, "::1", 55555));
}

TEST_F(SockDiagTest, FindsTheSameSocketInTimeWait) {
  const UniqueFd listener = Listener(Endpoint("127.0.0.1", 0));
  UniqueFd client =
      Connected(SOCK_STREAM, Endpoint("127.0.0.1", PortOf(listener.get())));
  UniqueFd server = Accepted(listener);
  const FlowKey key = Between(kTcp, "127.0.0.1", client, listener);
  const SocketCookie cookie = CookieOf(client.get());
  client.reset();
  ASSERT_TRUE(Readable(server.get()));  // its FIN
  const Owner closing = owner_->Find(key);
  EXPECT_EQ(closing.kind, Owner::Kind::kSocket);
  EXPECT_EQ(closing.cookie, cookie);
  server.reset();
  ASSERT_TRUE(BecomesState(key.local_port, "06"));
  const Owner waiting = owner_->Find(key);
  EXPECT_EQ(waiting.kind, Owner::Kind::kSocket);
  EXPECT_EQ(waiting.cookie, cookie);
  EXPECT_EQ(waiting.role, Owner::Role::kEndpoint);
  EXPECT_EQ(owner_->TcpConnection(key), SockDiagOwner::Existence::kThere);
}

TEST_F(SockDiagTest, FindsADualStackConnectionByItsIpv4Addresses) {
  const UniqueFd listener = Listener(Endpoint("::", 0));
  const std::uint16_t port = PortOf(listener.get());
  ExpectSocket(Key(kTcp, "127.0.0.1", port, "127.0.0.1", 55555), listener,
               Owner::Role::kListener);
  const UniqueFd client =
      Connected(SOCK_STREAM, Endpoint("::ffff:127.0.0.1", port));
  const UniqueFd server = Accepted(listener);
  ExpectSocket(Between(kTcp, "127.0.0.1", client, listener), client);
  ExpectSocket(Between(kTcp, "127.0.0.1", server, client), server);
}

TEST_F(SockDiagTest, FindsAnIpv6OnlyListenerForIpv6Only) {
  const UniqueFd listener = Socket(AF_INET6, SOCK_STREAM);
  const int on = 1;
  ASSERT_EQ(
      ::setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)),
      0);
  const Endpoint any("::", 0);
  ASSERT_EQ(::bind(listener.get(), any.get(), any.size()), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  const std::uint16_t port = PortOf(listener.get());
  ExpectSocket(Key(kTcp, "::1", port, "::1", 55555), listener,
               Owner::Role::kListener);
  ExpectNobody(Key(kTcp, "127.0.0.1", port, "127.0.0.1", 55555));
}

TEST_F(SockDiagTest, FindsAConnectedUdpSocketAmongOthersOfItsPort) {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    const UniqueFd peer = Bound(SOCK_DGRAM, Endpoint(address, 0));
    const UniqueFd connected =
        Connected(SOCK_DGRAM, Endpoint(address, PortOf(peer.get())));
    ExpectSocket(Between(kUdp, address, connected, peer), connected);
    ExpectSocket(Between(kUdp, address, peer, connected), peer);
    FlowKey other = Between(kUdp, address, connected, peer);
    other.remote_port ^= 1U;  // a connected socket hears its peer only
    ExpectNobody(other);
  }
}

TEST_F(SockDiagTest, FindsAWildcardUdpSocketForEveryRemote) {
  const UniqueFd ipv4 = Bound(SOCK_DGRAM, Endpoint("0.0.0.0", 0));
  const std::uint16_t port = PortOf(ipv4.get());
  ExpectSocket(Key(kUdp, "127.0.0.1", port, "198.51.100.7", 53), ipv4);
  ExpectSocket(Key(kUdp, "127.0.0.9", port, "203.0.113.7", 54), ipv4);
  const UniqueFd ipv6 = Bound(SOCK_DGRAM, Endpoint("::", 0));
  ExpectSocket(Key(kUdp, "::1", PortOf(ipv6.get()), "2001:db8::7", 53), ipv6);
}

TEST_F(SockDiagTest, FindsADualStackUdpSocketByIpv4Addresses) {
  const UniqueFd wildcard = Bound(SOCK_DGRAM, Endpoint("::", 0));
  const std::uint16_t port = PortOf(wildcard.get());
  ExpectSocket(Key(kUdp, "127.0.0.1", port, "198.51.100.7", 53), wildcard);
  const UniqueFd connected =
      Connected(SOCK_DGRAM, Endpoint("::ffff:127.0.0.1", 53));
  ExpectSocket(Key(kUdp, "127.0.0.1", PortOf(connected.get()), "127.0.0.1", 53),
               connected);
}

TEST_F(SockDiagTest, FindsAUdpSocketThatSendingBound) {
  const UniqueFd socket = Socket(AF_INET, SOCK_DGRAM);
  const Endpoint to("127.0.0.1", 9);
  ASSERT_EQ(::sendto(socket.get(), "x", 1, 0, to.get(), to.size()), 1);
  ExpectSocket(Key(kUdp, "127.0.0.1", PortOf(socket.get()), "127.0.0.1", 9),
               socket);
}

TEST_F(SockDiagTest, TellsTheCookieThatEveryCopyOfASocketHas) {
  const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint("127.0.0.1", 0));
  const UniqueFd copy(::dup(socket.get()));
  ExpectSocket(Key(kUdp, "127.0.0.1", PortOf(socket.get()), "127.0.0.1", 9),
               copy);
}

// A raw or ping socket cannot be found, so the system level applies.
TEST_F(SockDiagTest, NobodyOwnsProtocolsWithoutPorts) {
  for (const auto protocol :
       {IpProtocol::kIcmp, IpProtocol::kIcmpv6, IpProtocol::kEsp,
        IpProtocol::kAh, IpProtocol::kIpv4}) {
    ExpectNobody(Key(protocol, "127.0.0.1", 0, "127.0.0.1", 0));
  }
}

// A later fragment has no ports, and perhaps an owner with a high level.
TEST_F(SockDiagTest, DoesNotGuessForKeysWithoutPorts) {
  for (const auto protocol : {kTcp, kUdp}) {
    EXPECT_EQ(owner_->Find(Key(protocol, "127.0.0.1", 0, "127.0.0.1", 0)).kind,
              Owner::Kind::kUnknown);
    EXPECT_EQ(owner_->Find(Key(protocol, "127.0.0.1", 9, "127.0.0.1", 0)).kind,
              Owner::Kind::kUnknown);
  }
}

TEST_F(SockDiagTest, DoesNotGuessForEndsOfTwoFamilies) {
  EXPECT_EQ(owner_->Find(Key(kTcp, "127.0.0.1", 1, "::1", 2)).kind,
            Owner::Kind::kUnknown);
}

TEST_F(SockDiagTest, TellsWhetherATcpConnectionIsThere) {
  using Existence = SockDiagOwner::Existence;
  const UniqueFd listener = Listener(Endpoint("127.0.0.1", 0));
  UniqueFd client =
      Connected(SOCK_STREAM, Endpoint("127.0.0.1", PortOf(listener.get())));
  const UniqueFd server = Accepted(listener);
  const FlowKey key = Between(kTcp, "127.0.0.1", client, listener);
  EXPECT_EQ(owner_->TcpConnection(key), Existence::kThere);
  const linger at_once{1, 0};
  ASSERT_EQ(::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once,
                         sizeof(at_once)),
            0);
  client.reset();  // sends a reset: no TIME_WAIT
  EXPECT_EQ(owner_->TcpConnection(key), Existence::kGone);
  EXPECT_EQ(owner_->TcpConnection(Key(kUdp, "127.0.0.1", 1, "127.0.0.1", 2)),
            Existence::kUnknown);
}

// Connections that leave by a TUN, whose other end the test plays itself.
class SockDiagOverTun : public SockDiagTest {
 protected:
  void SetUp() override {
    SockDiagTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    auto tun = TunDevice::Create(host(), {.name = "postern0"});
    if (!tun && (tun.error().code == ErrorCode::kUnavailable ||
                 tun.error().code == ErrorCode::kForbidden)) {
      GTEST_SKIP() << tun.error().message;
    }
    ASSERT_TRUE(tun) << tun.error().message;
    tun_ = std::move(tun).value();
    owner_ = SockDiagOwner::Create(host(), tun_->index()).value();
    Netlink netlink = Netlink::OpenInside(host()).value();
    ASSERT_TRUE(netlink.AddAddress("postern0", {Address("10.9.0.1"), 32}));
    ASSERT_TRUE(netlink.SetState("postern0", LinkState::kUp));
    ASSERT_TRUE(netlink.AddRoute({IpPrefix(), "postern0"}));
  }

  struct Segment {
    std::uint16_t source_port;
    std::uint16_t destination_port;
    std::uint32_t sequence;
    std::uint32_t acknowledgement;
    std::uint8_t flags;
  };

  static constexpr std::uint8_t kSyn = 0x02;
  static constexpr std::uint8_t kAck = 0x10;

  // A TCP segment from 10.9.0.2 to the host.
  void Inject(const Segment& segment) {
    std::array<std::uint8_t, 40> packet{};
    const Bytes octets(packet);
    octets[0] = 0x45;
    octets[3] = sizeof(packet);
    octets[8] = 64;
    octets[9] = Number(kTcp);
    CopyBytes(octets.subspan(12), Address("10.9.0.2").octets());
    CopyBytes(octets.subspan(16), Address("10.9.0.1").octets());
    StoreBe(octets.subspan(10), InternetChecksum(octets.first(20)));
    const Bytes tcp = octets.subspan(20);
    StoreBe(tcp, segment.source_port);
    StoreBe(tcp.subspan(2), segment.destination_port);
    StoreBe(tcp.subspan(4), segment.sequence);
    StoreBe(tcp.subspan(8), segment.acknowledgement);
    tcp[12] = 5U << 4U;
    tcp[13] = segment.flags;
    StoreBe(tcp.subspan(14), std::uint16_t{65535});
    InternetSum sum;
    sum.AddPseudoHeader(Address("10.9.0.2"), Address("10.9.0.1"), Number(kTcp),
                        tcp.size());
    sum.Add(tcp);
    StoreBe(tcp.subspan(16), sum.Checksum());
    Batch batch;
    batch.Push(pool_.Copy(packet));
    tun_->Send(batch, stats_);
  }

  // The sequence number of the next segment that the host sends.
  std::uint32_t NextFromHost() {
    Batch batch;
    EXPECT_TRUE(Readable(tun_->descriptor()));
    EXPECT_EQ(tun_->Receive(batch, pool_, stats_), 1U);
    const auto sequence =
        LoadBe<std::uint32_t>(batch.begin()->bytes().subspan(24));
    batch.Clear();
    return sequence;
  }

  PacketPool pool_{{.packets = 8, .payload = 1500}};
  WorkerStats stats_;
  std::unique_ptr<TunDevice> tun_;
};

TEST_F(SockDiagOverTun, FindsASocketInSynSent) {
  const UniqueFd client = Socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  const Endpoint to("10.9.0.2", 80);
  ASSERT_EQ(::connect(client.get(), to.get(), to.size()), -1);
  ASSERT_EQ(errno, EINPROGRESS);
  NextFromHost();
  ExpectSocket(Key(kTcp, "10.9.0.1", PortOf(client.get()), "10.9.0.2", 80),
               client);
}

TEST_F(SockDiagOverTun, FindsASocketBoundToTheDevice) {
  const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint("10.9.0.1", 0));
  const std::string device = "postern0";
  ASSERT_EQ(
      ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, device.data(), 8),
      0);
  ExpectSocket(Key(kUdp, "10.9.0.1", PortOf(socket.get()), "10.9.0.2", 53),
               socket);
}

// The request socket behind a SYN-ACK has a cookie of its own, and the
// accepted connection keeps it.
TEST_F(SockDiagOverTun, FindsTheConnectionFromItsSynAckOn) {
  const UniqueFd listener = Listener(Endpoint("10.9.0.1", 0));
  const std::uint16_t port = PortOf(listener.get());
  const FlowKey key = Key(kTcp, "10.9.0.1", port, "10.9.0.2", 5555);
  ExpectSocket(key, listener, Owner::Role::kListener);
  Inject({5555, port, 1000, 0, kSyn});
  const std::uint32_t theirs = NextFromHost();
  const Owner request = owner_->Find(key);
  EXPECT_EQ(request.kind, Owner::Kind::kSocket);
  EXPECT_EQ(request.role, Owner::Role::kEndpoint);
  EXPECT_NE(request.cookie, CookieOf(listener.get()));
  EXPECT_TRUE(request.half_open);
  EXPECT_EQ(request.cgroup, kNoCgroup);
  Inject({5555, port, 1001, theirs + 1, kAck});
  ASSERT_TRUE(Readable(listener.get()));
  const UniqueFd server = Accepted(listener);
  EXPECT_EQ(CookieOf(server.get()), request.cookie);
  ExpectSocket(key, server);
}

}  // namespace
}  // namespace postern
