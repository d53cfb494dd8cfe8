// SPDX-License-Identifier: Apache-2.0

#include "tun/socket_facts.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "gtest/gtest.h"

#include "tests/unit/tun/scratch_host.h"

namespace postern {
namespace {

class SocketFactsTest : public ScratchHost {
 protected:
  static SocketFacts Read(const UniqueFd& socket) {
    const Result<SocketFacts> facts = ReadSocketFacts(socket.get());
    EXPECT_TRUE(facts) << facts.error().message;
    return facts.ok() ? *facts : SocketFacts{};
  }
};

TEST_F(SocketFactsTest, TellsWhatAFreshSocketIs) {
  const UniqueFd socket = Socket(AF_INET, SOCK_STREAM);
  const SocketFacts facts = Read(socket);
  EXPECT_EQ(facts.domain, AF_INET);
  EXPECT_EQ(facts.type, SOCK_STREAM);
  EXPECT_EQ(facts.protocol, IPPROTO_TCP);
  EXPECT_EQ(facts.cookie, CookieOf(socket.get()));
  EXPECT_EQ(facts.network_namespace, host().cookie());
  EXPECT_EQ(facts.local, SocketEnd{});
  EXPECT_FALSE(facts.remote);
}

TEST_F(SocketFactsTest, TellsBothEndsOfAConnectedSocket) {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    const UniqueFd socket = Connected(SOCK_DGRAM, Endpoint(address, 53));
    const SocketFacts facts = Read(socket);
    EXPECT_EQ(facts.type, SOCK_DGRAM);
    EXPECT_EQ(facts.protocol, IPPROTO_UDP);
    EXPECT_EQ(facts.local, (SocketEnd{Address(address), PortOf(socket.get())}));
    EXPECT_EQ(facts.remote, (SocketEnd{Address(address), 53}));
  }
}

TEST_F(SocketFactsTest, TellsIpv4AddressesOfADualStackSocket) {
  const UniqueFd socket =
      Connected(SOCK_DGRAM, Endpoint("::ffff:127.0.0.1", 53));
  const SocketFacts facts = Read(socket);
  EXPECT_EQ(facts.domain, AF_INET6);
  EXPECT_EQ(facts.remote, (SocketEnd{Address("127.0.0.1"), 53}));
}

TEST_F(SocketFactsTest, TellsInWhichNamespaceASocketWasMade) {
  const UniqueFd outer(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  EXPECT_NE(Read(outer).network_namespace, host().cookie());
}

// Passes `fd` through a UNIX socket, as libpostern passes a socket to posternd.
UniqueFd Passed(int fd) {
  std::array<int, 2> pair{};
  EXPECT_EQ(
      ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()), 0);
  const UniqueFd client(pair[0]);
  const UniqueFd daemon(pair[1]);
  char letter = 'x';
  iovec vector{&letter, 1};
  alignas(cmsghdr) std::array<std::uint8_t, 64> room{};
  cmsghdr header{};
  header.cmsg_len = sizeof(cmsghdr) + sizeof(int);
  header.cmsg_level = SOL_SOCKET;
  header.cmsg_type = SCM_RIGHTS;
  std::memcpy(room.data(), &header, sizeof(header));
  std::memcpy(room.data() + sizeof(header), &fd, sizeof(fd));
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = sizeof(cmsghdr) + 8;  // aligned
  EXPECT_EQ(::sendmsg(client.get(), &message, 0), 1);
  room.fill(0);
  message.msg_controllen = room.size();
  EXPECT_EQ(::recvmsg(daemon.get(), &message, MSG_CMSG_CLOEXEC), 1);
  int copy = -1;
  std::memcpy(&copy, room.data() + sizeof(header), sizeof(copy));
  return UniqueFd(copy);
}

TEST_F(SocketFactsTest, APassedCopyTellsTheSame) {
  const UniqueFd socket = Bound(SOCK_DGRAM, Endpoint("127.0.0.1", 0));
  const UniqueFd copy = Passed(socket.get());
  ASSERT_NE(copy.get(), socket.get());
  const SocketFacts own = Read(socket);
  const SocketFacts passed = Read(copy);
  EXPECT_EQ(passed.cookie, own.cookie);
  EXPECT_EQ(passed.network_namespace, own.network_namespace);
  EXPECT_EQ(passed.local, own.local);
}

TEST_F(SocketFactsTest, ReadingAndClosingACopyLeavesTheConnectionAlone) {
  const UniqueFd listener = Listener(Endpoint("127.0.0.1", 0));
  UniqueFd client =
      Connected(SOCK_STREAM, Endpoint("127.0.0.1", PortOf(listener.get())));
  const UniqueFd server = Accepted(listener);
  Passed(client.get()).reset();
  ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
  char got = 0;
  ASSERT_TRUE(Readable(server.get()));
  ASSERT_EQ(::recv(server.get(), &got, 1, 0), 1);
  EXPECT_EQ(got, 'x');
  client.reset();
  ASSERT_TRUE(Readable(server.get()));
  EXPECT_EQ(::recv(server.get(), &got, 1, 0), 0);  // its FIN came at once
}

TEST_F(SocketFactsTest, RefusesWhatIsNoSocket) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const UniqueFd reader(pipe[0]);
  const UniqueFd writer(pipe[1]);
  for (const int fd : {reader.get(), -1, 1 << 20}) {
    const Result<SocketFacts> facts = ReadSocketFacts(fd);
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().code, ErrorCode::kInvalid) << fd;
    EXPECT_NE(facts.error().message.find("not a socket"), std::string::npos);
  }
}

TEST_F(SocketFactsTest, RefusesASocketThatIsNotIp) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Result<SocketFacts> facts = ReadSocketFacts(socket.get());
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace postern
