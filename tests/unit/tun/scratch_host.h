// SPDX-License-Identifier: Apache-2.0
//
// What the tests of tun/ stand on: a network namespace of their own, sockets
// made inside it, and the skip when the machine does not let us have one.

#ifndef POSTERN_TESTS_UNIT_TUN_SCRATCH_HOST_H_
#define POSTERN_TESTS_UNIT_TUN_SCRATCH_HOST_H_

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "gtest/gtest.h"

#include "core/flow/flow_key.h"
#include "core/flow/socket_owner.h"
#include "core/net/ip_address.h"
#include "core/net/protocols.h"
#include "core/unique_fd.h"
#include "tun/network_namespace.h"

namespace postern {

// How long a condition may take to come true before a test fails.
inline constexpr int kPatienceMilliseconds = 5000;

inline bool Readable(int fd, int milliseconds = kPatienceMilliseconds) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, milliseconds) == 1;
}

inline IpAddress Address(const std::string& text) {
  return IpAddress::Parse(text).value();
}

// A sockaddr of either family.
class Endpoint {
 public:
  Endpoint(const std::string& text, std::uint16_t port)
      : Endpoint(Address(text), port) {}

  Endpoint(const IpAddress& address, std::uint16_t port) {
    if (address.family() == IpFamily::kV4) {
      sockaddr_in ipv4{};
      ipv4.sin_family = AF_INET;
      ipv4.sin_port = htons(port);
      std::memcpy(&ipv4.sin_addr, address.octets().data(), 4);
      Keep(ipv4);
    } else {
      sockaddr_in6 ipv6{};
      ipv6.sin6_family = AF_INET6;
      ipv6.sin6_port = htons(port);
      std::memcpy(&ipv6.sin6_addr, address.octets().data(), 16);
      Keep(ipv6);
    }
  }

  int family() const { return storage_.ss_family; }

  const sockaddr* get() const {
    return static_cast<const sockaddr*>(static_cast<const void*>(&storage_));
  }

  socklen_t size() const { return size_; }

 private:
  template <typename T>
  void Keep(const T& address) {
    std::memcpy(&storage_, &address, sizeof(address));
    size_ = sizeof(address);
  }

  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

inline std::uint16_t PortOf(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  void* opaque = &storage;
  EXPECT_EQ(::getsockname(fd, static_cast<sockaddr*>(opaque), &size), 0);
  // sin_port and sin6_port stand in the same place.
  sockaddr_in either{};
  std::memcpy(&either, &storage, sizeof(either));
  return ntohs(either.sin_port);
}

inline SocketCookie CookieOf(int fd) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
  return SocketCookie{cookie};
}

inline FlowKey Key(IpProtocol protocol, const std::string& local,
                   std::uint16_t local_port, const std::string& remote,
                   std::uint16_t remote_port) {
  return {Address(local), Address(remote), local_port, remote_port,
          Number(protocol)};
}

// A file of /proc/thread-self/net as it looks inside.
inline std::string ProcNet(const NetworkNamespace& inside,
                           const std::string& name) {
  return inside
      .RunInside([&name] {
        std::ifstream file("/proc/thread-self/net/" + name);
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
      })
      .value();
}

class ScratchHost : public testing::Test {
 protected:
  void SetUp() override {
    Result<NetworkNamespace> made = NetworkNamespace::Create();
    if (!made && made.error().code == ErrorCode::kForbidden) {
      GTEST_SKIP() << "no network namespace for us: " << made.error().message;
    }
    ASSERT_TRUE(made) << made.error().message;
    host_.emplace(std::move(made).value());
  }

  const NetworkNamespace& host() const { return *host_; }

  // A socket in the host's namespace.
  UniqueFd Socket(int family, int type) const {
    return UniqueFd(
        host()
            .RunInside([=] { return ::socket(family, type | SOCK_CLOEXEC, 0); })
            .value());
  }

  UniqueFd Bound(int type, const Endpoint& at) const {
    UniqueFd made = Socket(at.family(), type);
    EXPECT_EQ(::bind(made.get(), at.get(), at.size()), 0);
    return made;
  }

  UniqueFd Listener(const Endpoint& at) const {
    UniqueFd made = Bound(SOCK_STREAM, at);
    EXPECT_EQ(::listen(made.get(), 16), 0);
    return made;
  }

  UniqueFd Connected(int type, const Endpoint& to) const {
    UniqueFd made = Socket(to.family(), type);
    EXPECT_EQ(::connect(made.get(), to.get(), to.size()), 0);
    return made;
  }

  static UniqueFd Accepted(const UniqueFd& listener) {
    return UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  std::optional<NetworkNamespace> host_;
};

}  // namespace postern

#endif  // POSTERN_TESTS_UNIT_TUN_SCRATCH_HOST_H_
