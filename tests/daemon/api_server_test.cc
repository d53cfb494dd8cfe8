// SPDX-License-Identifier: Apache-2.0

#include "daemon/api_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include "control/wish_codec.h"
#include "core/log/log.h"
#include "core/rcu.h"
#include "tests/daemon/served.h"
#include "tun/socket_facts.h"

namespace postern {
namespace {

UniqueFd NewSocket(int domain, int type, int protocol) {
  UniqueFd fd(::socket(domain, type | SOCK_CLOEXEC, protocol));
  EXPECT_TRUE(fd.valid());
  return fd;
}

NamespaceCookie OurNamespace() {
  const UniqueFd fd = NewSocket(AF_INET, SOCK_STREAM, 0);
  const auto facts = ReadSocketFacts(fd.get());
  EXPECT_TRUE(facts.ok());
  return facts.ok() ? facts->network_namespace : NamespaceCookie{};
}

ApiRequest Set(ApiLevel level) {
  return {.type = ApiRequestType::kSetLevel,
          .request_id = 5,
          .category = ApiCategory::kAh,
          .family = ApiFamily::kIpv4,
          .level = level};
}

ApiRequest Get() {
  return {.type = ApiRequestType::kGetLevel,
          .request_id = 6,
          .category = ApiCategory::kAh,
          .family = ApiFamily::kIpv4};
}

class ApiServerTest : public ::testing::Test {
 protected:
  void Serve(const SocketServer::Limits& limits) {
    SetLogLevel(LogLevel::kOff);
    server_.emplace(Parts(), ListenAt(path_), limits);
    thread_.Start();
  }

  void TearDown() override {
    thread_.Stop();
    SetLogLevel(LogLevel::kInfo);
  }

  // The reply, or nothing when the server hung up.
  static std::optional<ApiReply> Ask(int connection, ConstBytes message,
                                     int fd = kNoFd) {
    EXPECT_EQ(SendSeqpacket(connection, message, fd).outcome,
              TransferOutcome::kDone);
    return Await(connection);
  }

  static std::optional<ApiReply> Await(int connection) {
    EXPECT_EQ(WaitFor(connection, POLLIN, Deadline::AfterMilliseconds(10'000)),
              0);
    std::array<std::uint8_t, 64> room{};
    const SeqpacketMessage message = ReceiveSeqpacket(connection, room);
    if (message.outcome != TransferOutcome::kDone) {
      return std::nullopt;
    }
    const auto reply = DecodeApiReply(ConstBytes(room).first(message.size), 0);
    EXPECT_TRUE(reply.ok());
    return reply.ok() ? std::optional(*reply) : std::nullopt;
  }

  std::optional<ApiReply> AskOnce(const ApiRequest& request, int fd = kNoFd) {
    const UniqueFd connection = ConnectTo(path_);
    return Ask(connection.get(), EncodeApiRequest(request), fd);
  }

  ApiServer::Parts Parts() {
    return {.loop = loop_,
            .levels = levels_,
            .wishes = wishes_,
            .privilege = privilege_};
  }

  TemporaryDirectory directory_;
  const UnixPath path_ = directory_.Socket("api.sock");
  EventLoop loop_;
  SocketTable sockets_;
  SocketLevels levels_{OurNamespace(), sockets_};
  SystemPolicy system_;
  WishCalls wishes_{
      {.host = OurNamespace(), .sockets = sockets_, .system = system_}};
  const PrivilegeRule privilege_{std::nullopt};
  std::optional<ApiServer> server_;
  LoopThread thread_{loop_};
};

// API-01
TEST_F(ApiServerTest, SetsAndTellsTheLevelOfThePassedSocket) {
  Serve({});
  const UniqueFd socket = NewSocket(AF_INET, SOCK_STREAM, 0);
  const UniqueFd connection = ConnectTo(path_);
  auto reply = Ask(connection.get(), EncodeApiRequest(Set(ApiLevel::kRequire)),
                   socket.get());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, 0);
  EXPECT_EQ(reply->level, ApiLevel::kRequire);
  reply = Ask(connection.get(), EncodeApiRequest(Get()), socket.get());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->level, ApiLevel::kRequire);
  EXPECT_EQ(reply->request_id, 6u);
}

// API-23: the connection's own credentials decide.
TEST_F(ApiServerTest, TakesBypassFromRootAlone) {
  Serve({});
  const UniqueFd socket = NewSocket(AF_INET, SOCK_STREAM, 0);
  const auto reply = AskOnce(Set(ApiLevel::kBypass), socket.get());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, ::geteuid() == 0 ? 0 : EACCES);
}

TEST_F(ApiServerTest, AnswersHello) {
  Serve({});
  const auto reply = AskOnce({.type = ApiRequestType::kHello, .request_id = 1});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, 0);
}

// API-38: who shares must hold both sockets.
TEST_F(ApiServerTest, TakesWishesAndTwoSocketsToShare) {
  Serve({});
  const UniqueFd one = NewSocket(AF_INET, SOCK_STREAM, 0);
  const UniqueFd other = NewSocket(AF_INET, SOCK_DGRAM, 0);
  const auto ask = [&](const WishRequest& request, int fd, int second) {
    const UniqueFd connection = ConnectTo(path_);
    EXPECT_EQ(SendSeqpacket(connection.get(),
                            EncodeWishRequest(request).octets(), fd, second)
                  .outcome,
              TransferOutcome::kDone);
    EXPECT_EQ(
        WaitFor(connection.get(), POLLIN, Deadline::AfterMilliseconds(10'000)),
        0);
    std::array<std::uint8_t, kMostWishReply> room{};
    const SeqpacketMessage message = ReceiveSeqpacket(connection.get(), room);
    return DecodeWishReply(ConstBytes(room).first(message.size), 0);
  };
  const WishRequest share{
      .type = WishRequestType::kShare, .request_id = 3, .number = 1};
  auto reply = ask(share, one.get(), other.get());
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->error, 0);
  EXPECT_EQ(reply->request_id, 3u);
  reply = ask(share, one.get(), one.get());
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->error, EINVAL);
  EXPECT_FALSE(ask(share, one.get(), kNoFd).ok());  // it hung up
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  reply = ask(share, one.get(), file.get());
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->error, ENOTSOCK);
  WishRequest strength{.type = WishRequestType::kSetStrength, .number = 128};
  reply = ask(strength, one.get(), kNoFd);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->error, 0);
}

// A reply says that every later packet obeys: it waits for the workers.
TEST_F(ApiServerTest, RepliesToSetLevelOnlyAfterAGracePeriod) {
  Serve({});
  const UniqueFd socket = NewSocket(AF_INET, SOCK_STREAM, 0);
  RcuReader worker;  // registered, online, in the middle of a batch
  const UniqueFd connection = ConnectTo(path_);
  ASSERT_EQ(SendSeqpacket(connection.get(),
                          EncodeApiRequest(Set(ApiLevel::kUse)), socket.get())
                .outcome,
            TransferOutcome::kDone);
  EXPECT_EQ(WaitFor(connection.get(), POLLIN, Deadline::AfterMilliseconds(200)),
            ETIMEDOUT);
  worker.Offline();  // the batch is done
  const auto reply = Await(connection.get());
  worker.Online();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->level, ApiLevel::kUse);
}

// Our copy of a socket must not hold back the application's FIN.
TEST_F(ApiServerTest, KeepsNoCopyOfTheSocket) {
  Serve({});
  const UniqueFd listener = NewSocket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listener.get(), generic, size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), generic, &size), 0);
  UniqueFd client = NewSocket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::connect(client.get(), generic, size), 0);
  const UniqueFd child(::accept(listener.get(), nullptr, nullptr));
  ASSERT_TRUE(AskOnce(Set(ApiLevel::kUse), client.get()));
  client.reset();
  ASSERT_EQ(WaitFor(child.get(), POLLIN, Deadline::AfterMilliseconds(5000)), 0);
  char octet = 0;
  EXPECT_EQ(::recv(child.get(), &octet, 1, 0), 0);  // the FIN has come
}

TEST_F(ApiServerTest, RefusesDescriptorsThatAreNoSocketOfIp) {
  Serve({});
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(AskOnce(Set(ApiLevel::kUse), file.get())->error, ENOTSOCK);
  const UniqueFd local = NewSocket(AF_UNIX, SOCK_STREAM, 0);
  EXPECT_EQ(AskOnce(Set(ApiLevel::kUse), local.get())->error, EOPNOTSUPP);
}

TEST_F(ApiServerTest, ClosesConnectionsThatTalkNonsenseAndGoesOn) {
  Serve({});
  const UniqueFd socket = NewSocket(AF_INET, SOCK_STREAM, 0);
  const auto good = EncodeApiRequest(Set(ApiLevel::kUse));
  std::vector<std::vector<std::uint8_t>> bad;
  bad.emplace_back(1, std::uint8_t{0});
  bad.emplace_back(good.begin(), good.end() - 1);
  bad.emplace_back(10'000, std::uint8_t{0x50});  // longer than any message
  for (std::size_t at = 0; at < 12; ++at) {      // magic, version, type
    bad.emplace_back(good.begin(), good.end());
    bad.back()[at < 8 ? at : at + 4] ^= 0xff;
  }
  for (const auto& message : bad) {
    const UniqueFd connection = ConnectTo(path_);
    EXPECT_FALSE(Ask(connection.get(), message, socket.get()));
  }
  EXPECT_FALSE(AskOnce(Set(ApiLevel::kUse)));  // without a descriptor
  EXPECT_FALSE(AskOnce({.type = ApiRequestType::kHello}, socket.get()));
  EXPECT_EQ(AskOnce(Set(ApiLevel::kUse), socket.get())->error, 0);
  thread_.Stop();
  EXPECT_EQ(server_->connections().counters().defective, bad.size() + 2);
}

// Whoever hung up has told its application that nothing changed.
TEST_F(ApiServerTest, DoesNotObeyAClientThatHasGone) {
  const UniqueFd socket = NewSocket(AF_INET, SOCK_STREAM, 0);
  SetLogLevel(LogLevel::kOff);
  server_.emplace(Parts(), ListenAt(path_));
  {
    const UniqueFd connection = ConnectTo(path_);
    ASSERT_EQ(SendSeqpacket(connection.get(),
                            EncodeApiRequest(Set(ApiLevel::kUse)), socket.get())
                  .outcome,
              TransferOutcome::kDone);
  }
  thread_.Start();
  EXPECT_EQ(AskOnce(Get(), socket.get())->level, ApiLevel::kNone);
}

TEST_F(ApiServerTest, RefusesConnectionsBeyondItsLimitsAndServesTheOthers) {
  Serve({.connections = 8, .per_user = 4, .message_octets = 256});
  std::vector<UniqueFd> kept;
  for (int i = 0; i < 4; ++i) {
    kept.push_back(ConnectTo(path_));
    EXPECT_TRUE(Ask(kept.back().get(),
                    EncodeApiRequest({.type = ApiRequestType::kHello})));
  }
  const UniqueFd surplus = ConnectTo(path_);
  EXPECT_FALSE(Await(surplus.get()));  // closed at once
  EXPECT_TRUE(
      Ask(kept[0].get(), EncodeApiRequest({.type = ApiRequestType::kHello})));
  kept.clear();
  // The places become free as soon as the server has noticed.
  for (int tries = 0; tries < 100; ++tries) {
    const UniqueFd again = ConnectTo(path_);
    SendSeqpacket(again.get(),
                  EncodeApiRequest({.type = ApiRequestType::kHello}));
    if (Await(again.get())) {
      return;
    }
  }
  ADD_FAILURE() << "no place became free";
}

TEST_F(ApiServerTest, ClosesConnectionsThatStaySilent) {
  Serve({.silence = std::chrono::milliseconds(100)});
  const UniqueFd connection = ConnectTo(path_);
  EXPECT_FALSE(Await(connection.get()));
  thread_.Stop();
  EXPECT_EQ(server_->connections().counters().silent, 1u);
}

TEST_F(ApiServerTest, SurvivesTenThousandConnections) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < 12'000) {
    GTEST_SKIP() << "RLIMIT_NOFILE allows " << limit.rlim_max << " only";
  }
  Serve({.connections = 64, .per_user = 64});
  const UniqueFd first = ConnectTo(path_);
  ASSERT_TRUE(
      Ask(first.get(), EncodeApiRequest({.type = ApiRequestType::kHello})));
  std::vector<UniqueFd> flood;
  for (int i = 0; i < 10'000; ++i) {
    flood.push_back(ConnectTo(path_));
  }
  const UniqueFd socket = NewSocket(AF_INET, SOCK_STREAM, 0);
  const auto reply =
      Ask(first.get(), EncodeApiRequest(Set(ApiLevel::kRequire)), socket.get());
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->level, ApiLevel::kRequire);
  thread_.Stop();
  EXPECT_LE(server_->connections().open(), 64u);
  flood.clear();
  limit.rlim_cur = before;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace postern
