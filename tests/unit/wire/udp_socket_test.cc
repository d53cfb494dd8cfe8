// SPDX-License-Identifier: Apache-2.0

#include "wire/udp_socket.h"

#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/log/log.h"
#include "tests/support/as_nobody.h"
#include "tests/unit/wire/udp_fixture.h"
#include "wire/path_mtu.h"

namespace postern {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

int OptionOf(const UdpSocket& socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(::getsockopt(socket.descriptor(), level, name, &value, &size), 0);
  return value;
}

TEST(UdpSocket, NeverFragmentsAndIsNotMovedByIcmp) {
  const UdpSocket v4 =
      UdpSocket::Open(Loopback(IpFamily::kV4), 1U << 20U).value();
  EXPECT_EQ(OptionOf(v4, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
  EXPECT_EQ(OptionOf(v4, IPPROTO_IP, IP_RECVERR), 0);
  const UdpSocket v6 =
      UdpSocket::Open(Loopback(IpFamily::kV6), 1U << 20U).value();
  EXPECT_EQ(OptionOf(v6, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_PROBE);
  EXPECT_EQ(OptionOf(v6, IPPROTO_IPV6, IPV6_DONTFRAG), 1);
  EXPECT_EQ(OptionOf(v6, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  EXPECT_EQ(OptionOf(v6, IPPROTO_IPV6, IPV6_RECVERR), 0);
}

TEST(UdpSocket, HasTheRoomThatWasAskedFor) {
  const UdpSocket socket =
      UdpSocket::Open(Loopback(IpFamily::kV4), 100'000).value();
  // The kernel tells the double (socket(7)).
  EXPECT_GE(OptionOf(socket, SOL_SOCKET, SO_RCVBUF), 200'000);
  EXPECT_GE(OptionOf(socket, SOL_SOCKET, SO_SNDBUF), 200'000);
}

TEST(UdpSocket, SaysHowToEnlargeWhatTheKernelKeepsSmall) {
  std::mutex mutex;
  std::vector<std::string> lines;
  SetLogSink([&](LogLevel /*level*/, std::string_view line) {
    const std::lock_guard<std::mutex> lock(mutex);
    lines.emplace_back(line);
  });
  AsNobody([] {
    EXPECT_TRUE(UdpSocket::Open(Loopback(IpFamily::kV4), 1U << 30U).ok());
  });
  SetLogSink({});
  if (IsSkipped()) {
    return;
  }
  EXPECT_THAT(lines, AllOf(SizeIs(2), Each(HasSubstr("socket_buffer_is_small")),
                           Each(HasSubstr("=1073741824"))));
  EXPECT_THAT(lines.at(0), HasSubstr("sysctl net.core.wmem_max"));
  EXPECT_THAT(lines.at(1), HasSubstr("sysctl net.core.rmem_max"));
}

// The wire is for users without privilege, too.
TEST(UdpSocket, NeedsNoPrivilegeAboveTheReservedPorts) {
  int first = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first;
  AsNobody([first] {
    EXPECT_TRUE(UdpSocket::Open(Loopback(IpFamily::kV4), 100'000).ok());
    EXPECT_TRUE(UdpSocket::Open(Loopback(IpFamily::kV6), 100'000).ok());
    if (first > 500) {
      const auto reserved =
          UdpSocket::Open(Loopback(IpFamily::kV4, 500), 100'000);
      ASSERT_FALSE(reserved.ok());
      EXPECT_EQ(reserved.error().code, ErrorCode::kForbidden);
      EXPECT_THAT(reserved.error().message, HasSubstr("port above 1023"));
    }
  });
}

TEST(PathMtu, IsThatOfTheRoute) {
  // Linux's loopback has 65536 unless somebody changed it; no IPv4 packet is so
  // long.
  EXPECT_EQ(MtuTowards({Address("127.0.0.1"), 4500}), 65535U);
  EXPECT_EQ(MtuTowards({Address("::1"), 4500}), 65536U);
}

}  // namespace
}  // namespace postern
