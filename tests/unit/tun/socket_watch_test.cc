// SPDX-License-Identifier: Apache-2.0

#include "tun/socket_watch.h"

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/unit/tun/scratch_host.h"
#include "tun/sock_diag.h"

namespace postern {
namespace {

class SocketWatchTest : public ScratchHost {
 protected:
  void SetUp() override {
    ScratchHost::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) {
      Watch(SocketWatch::kDefaultBufferOctets);
    }
  }

  void Watch(std::size_t buffer_octets) {
    auto watch = SocketWatch::Create(host(), buffer_octets);
    ASSERT_TRUE(watch) << watch.error().message;
    watch_ = std::move(watch).value();
  }

  std::optional<SocketEvent> EventOf(SocketCookie cookie) {
    return EventOf(cookie, *watch_);
  }

  // Waits for the event about this socket; others are skipped.
  std::optional<SocketEvent> EventOf(SocketCookie cookie, SocketWatch& watch) {
    while (Readable(watch.descriptor())) {
      while (const auto event = watch.Next()) {
        if (event->kind == SocketEvent::Kind::kGone &&
            event->cookie == cookie) {
          return event;
        }
      }
    }
    return std::nullopt;
  }

  std::unique_ptr<SocketWatch> watch_;
};

TEST_F(SocketWatchTest, SaysNothingWhileNothingHappens) {
  const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint("127.0.0.1", 0));
  EXPECT_FALSE(watch_->Next());
}

TEST_F(SocketWatchTest, TellsOfAUdpSocketThatIsGone) {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    UniqueFd socket = Connected(SOCK_DGRAM, Endpoint(address, 9));
    const SocketCookie cookie = CookieOf(socket.get());
    socket.reset();
    const auto event = EventOf(cookie);
    ASSERT_TRUE(event) << address;
    EXPECT_EQ(event->key.protocol, Number(IpProtocol::kUdp));
    EXPECT_EQ(event->key.remote_port, 9);
    EXPECT_EQ(event->key.local.family(), Address(address).family());
  }
}

TEST_F(SocketWatchTest, TellsOfATcpConnectionThatWasReset) {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    const UniqueFd listener = Listener(Endpoint(address, 0));
    const std::uint16_t port = PortOf(listener.get());
    UniqueFd client = Connected(SOCK_STREAM, Endpoint(address, port));
    const UniqueFd server = Accepted(listener);
    const SocketCookie cookie = CookieOf(client.get());
    const linger at_once{1, 0};
    ASSERT_EQ(::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once,
                           sizeof(at_once)),
              0);
    client.reset();
    const auto event = EventOf(cookie);
    ASSERT_TRUE(event) << address;
    EXPECT_EQ(event->key.protocol, Number(IpProtocol::kTcp));
    EXPECT_EQ(event->key.remote, Address(address));
  }
}

TEST_F(SocketWatchTest, TellsIpv4AddressesOfADualStackConnection) {
  const UniqueFd peer = Bound(SOCK_DGRAM, Endpoint("127.0.0.1", 0));
  UniqueFd socket =
      Connected(SOCK_DGRAM, Endpoint("::ffff:127.0.0.1", PortOf(peer.get())));
  const SocketCookie cookie = CookieOf(socket.get());
  socket.reset();
  const auto event = EventOf(cookie);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->key.remote, Address("127.0.0.1"));
}

TEST_F(SocketWatchTest, TellsOfAListener) {
  UniqueFd listener = Listener(Endpoint("127.0.0.1", 0));
  const SocketCookie cookie = CookieOf(listener.get());
  listener.reset();
  EXPECT_TRUE(EventOf(cookie));
}

// The trap of these events: the connection's last ACKs are still to come.
TEST_F(SocketWatchTest, TellsOfAConnectionThatGoesOnInTimeWait) {
  const UniqueFd listener = Listener(Endpoint("127.0.0.1", 0));
  UniqueFd client =
      Connected(SOCK_STREAM, Endpoint("127.0.0.1", PortOf(listener.get())));
  UniqueFd server = Accepted(listener);
  const FlowKey key = Key(IpProtocol::kTcp, "127.0.0.1", PortOf(client.get()),
                          "127.0.0.1", PortOf(listener.get()));
  const SocketCookie cookie = CookieOf(client.get());
  client.reset();
  ASSERT_TRUE(Readable(server.get()));
  server.reset();
  ASSERT_TRUE(EventOf(cookie));
  const auto owner = SockDiagOwner::Create(host(), 1).value();
  EXPECT_EQ(owner->TcpConnection(key), SockDiagOwner::Existence::kThere);
  EXPECT_EQ(owner->Find(key).cookie, cookie);
}

TEST_F(SocketWatchTest, TellsOfSocketsThatWereNeverBound) {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    UniqueFd socket = Socket(AF_INET, type);
    const SocketCookie cookie = CookieOf(socket.get());
    socket.reset();
    EXPECT_TRUE(EventOf(cookie)) << type;
  }
}

// The kernel frees a socket some time after its close(), and tells those who
// listen by then: only another watch knows when the one before is told.
TEST_F(SocketWatchTest, RestsUntilItListensAgain) {
  const auto other = SocketWatch::Create(host());
  ASSERT_TRUE(other) << other.error().message;
  watch_->Rest();
  watch_->Rest();
  UniqueFd socket = Connected(SOCK_DGRAM, Endpoint("127.0.0.1", 9));
  const SocketCookie before = CookieOf(socket.get());
  socket.reset();
  ASSERT_TRUE(EventOf(before, **other));
  ASSERT_TRUE(watch_->Listen());
  ASSERT_TRUE(watch_->Listen());
  socket = Connected(SOCK_DGRAM, Endpoint("127.0.0.1", 9));
  const SocketCookie cookie = CookieOf(socket.get());
  socket.reset();
  ASSERT_TRUE(Readable(watch_->descriptor()));
  const auto event = watch_->Next();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->cookie, cookie);  // and not the one before
}

TEST_F(SocketWatchTest, SaysWhenEventsWereLost) {
  Watch(1);
  constexpr int kMany = 2000;
  for (int i = 0; i < kMany; ++i) {
    const UniqueFd socket = Connected(SOCK_DGRAM, Endpoint("127.0.0.1", 9));
  }
  bool lost = false;
  int told = 0;
  while (!lost && Readable(watch_->descriptor())) {
    while (const auto event = watch_->Next()) {
      lost = lost || event->kind == SocketEvent::Kind::kLost;
      ++told;
    }
  }
  EXPECT_TRUE(lost);
  EXPECT_LT(told, kMany);
}

}  // namespace
}  // namespace postern
