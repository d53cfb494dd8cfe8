// SPDX-License-Identifier: Apache-2.0
//
// The options as a program sees them, through the real library.

#include <postern/ipsec.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/sockapi/fake_daemon.h"

namespace postern {
namespace {

constexpr int kLevels[] = {IPSEC_LEVEL_BYPASS,  IPSEC_LEVEL_NONE,
                           IPSEC_LEVEL_AVAIL,   IPSEC_LEVEL_USE,
                           IPSEC_LEVEL_REQUIRE, IPSEC_LEVEL_UNIQUE};

struct Family {
  int domain;
  int level;
  int names[3];
};

constexpr Family kFamilies[] = {
    {AF_INET,
     IPPROTO_IP,
     {IP_ESP_TRANS_LEVEL, IP_AUTH_LEVEL, IP_ESP_NETWORK_LEVEL}},
    {AF_INET6,
     IPPROTO_IPV6,
     {IPV6_ESP_TRANS_LEVEL, IPV6_AUTH_LEVEL, IPV6_ESP_NETWORK_LEVEL}},
};

UniqueFd Open(int domain, int type = SOCK_STREAM, int protocol = 0) {
  return UniqueFd(::socket(domain, type | SOCK_CLOEXEC, protocol));
}

// errno of the call, 0 on success.
int Set(int fd, int level, int name, int value) {
  errno = 0;
  return ::setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : errno;
}

int Get(int fd, int level, int name, int& value) {
  socklen_t size = sizeof(value);
  errno = 0;
  const int result = ::getsockopt(fd, level, name, &value, &size);
  EXPECT_EQ(size, sizeof(value));
  return result == 0 ? 0 : errno;
}

int Level(int fd, int level, int name) {
  int value = -77;
  EXPECT_EQ(Get(fd, level, name, value), 0);
  return value;
}

// The library must be the one that is tested, not the kernel's refusal.
TEST(Option, NumbersAreThoseOfTheHeadersPage) {
  EXPECT_EQ(IP_AUTH_LEVEL, 0x49500001);
  EXPECT_EQ(IPV6_AUTH_LEVEL, 0x49500101);
  EXPECT_EQ(IP_ESP_TRANS_LEVEL, 0x49500002);
  EXPECT_EQ(IPV6_ESP_TRANS_LEVEL, 0x49500102);
  EXPECT_EQ(IP_ESP_NETWORK_LEVEL, 0x49500003);
  EXPECT_EQ(IPV6_ESP_NETWORK_LEVEL, 0x49500103);
  EXPECT_EQ(IP_IPCOMP_LEVEL, 0x49500004);
  EXPECT_EQ(IPV6_IPCOMP_LEVEL, 0x49500104);
  EXPECT_EQ(IP_IPSEC_STATUS, 0x49500010);
  EXPECT_EQ(IPV6_IPSEC_STATUS, 0x49500110);
  EXPECT_EQ(IPSEC_LEVEL_BYPASS, -1);
  EXPECT_EQ(IPSEC_LEVEL_NONE, 0);
  EXPECT_EQ(IPSEC_LEVEL_DEFAULT, 0);
  EXPECT_EQ(IPSEC_LEVEL_AVAIL, 1);
  EXPECT_EQ(IPSEC_LEVEL_USE, 2);
  EXPECT_EQ(IPSEC_LEVEL_REQUIRE, 3);
  EXPECT_EQ(IPSEC_LEVEL_UNIQUE, 4);
}

// DEF-39
// API-01, API-28
TEST(Option, SetsAndReadsBackEveryLevelOfEveryCategoryInBothFamilies) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  for (const Family& family : kFamilies) {
    const UniqueFd socket = Open(family.domain);
    for (const int name : family.names) {
      for (const int value : kLevels) {
        EXPECT_EQ(Set(socket.get(), family.level, name, value), 0);
        EXPECT_EQ(Level(socket.get(), family.level, name), value);
      }
    }
  }
}

// API-02
TEST(Option, KeepsTheThreeCategoriesApart) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  for (const Family& family : kFamilies) {
    const UniqueFd socket = Open(family.domain, SOCK_DGRAM);
    const int values[] = {IPSEC_LEVEL_USE, IPSEC_LEVEL_REQUIRE,
                          IPSEC_LEVEL_AVAIL};
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(Set(socket.get(), family.level, family.names[i], values[i]), 0);
    }
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(Level(socket.get(), family.level, family.names[i]), values[i]);
    }
  }
}

// Programs that took one number for both families still work; the other way
// round is no option of the kernel's nor ours.
TEST(Option, UnderstandsTheIpv4NumberAtTheIpv6LevelOnly) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  const UniqueFd socket = Open(AF_INET6);
  EXPECT_EQ(Set(socket.get(), IPPROTO_IPV6, IP_AUTH_LEVEL, IPSEC_LEVEL_REQUIRE),
            0);
  EXPECT_EQ(Level(socket.get(), IPPROTO_IPV6, IPV6_AUTH_LEVEL),
            IPSEC_LEVEL_REQUIRE);
  const UniqueFd v4 = Open(AF_INET);
  EXPECT_EQ(Set(v4.get(), IPPROTO_IP, IPV6_AUTH_LEVEL, IPSEC_LEVEL_USE),
            ENOPROTOOPT);
}

// API-09
TEST(Option, ReadsNoneFromAFreshSocket) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  for (const Family& family : kFamilies) {
    const UniqueFd socket = Open(family.domain);
    for (const int name : family.names) {
      EXPECT_EQ(Level(socket.get(), family.level, name), IPSEC_LEVEL_NONE);
    }
  }
}

// semantics section 1: one triple per socket.
TEST(Option, OfBothFamiliesIsOneTripleOnADualStackSocket) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  const UniqueFd socket = Open(AF_INET6);
  EXPECT_EQ(Set(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, IPSEC_LEVEL_USE), 0);
  EXPECT_EQ(Level(socket.get(), IPPROTO_IPV6, IPV6_AUTH_LEVEL),
            IPSEC_LEVEL_USE);
  EXPECT_EQ(
      Set(socket.get(), IPPROTO_IPV6, IPV6_AUTH_LEVEL, IPSEC_LEVEL_REQUIRE), 0);
  EXPECT_EQ(Level(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL),
            IPSEC_LEVEL_REQUIRE);
}

TEST(Option, HandsTheDaemonTheSocketItself) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  const UniqueFd socket = Open(AF_INET6);
  std::uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  ASSERT_EQ(::getsockopt(socket.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size),
            0);
  ASSERT_EQ(
      Set(socket.get(), IPPROTO_IP, IP_ESP_NETWORK_LEVEL, IPSEC_LEVEL_UNIQUE),
      0);
  const auto requests = daemon.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].cookie, cookie);
  EXPECT_EQ(requests[0].request.family, ApiFamily::kIpv4);
  EXPECT_EQ(requests[0].request.category, ApiCategory::kEspNetwork);
  EXPECT_EQ(requests[0].request.level, ApiLevel::kUnique);
}

// DEF-39
// API-29, API-43
TEST(Option, RefusesEveryValueOutsideTheSetAndKeepsTheLevel) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  for (const Family& family : kFamilies) {
    const UniqueFd socket = Open(family.domain);
    const int name = family.names[1];
    ASSERT_EQ(Set(socket.get(), family.level, name, IPSEC_LEVEL_REQUIRE), 0);
    std::vector<int> values = {INT_MIN, INT_MAX, 0x49500001, -1000};
    for (int value = -2; value <= 100; ++value) {
      if (value < IPSEC_LEVEL_BYPASS || value > IPSEC_LEVEL_UNIQUE) {
        values.push_back(value);
      }
    }
    for (const int value : values) {
      EXPECT_EQ(Set(socket.get(), family.level, name, value), EINVAL) << value;
    }
    EXPECT_EQ(Level(socket.get(), family.level, name), IPSEC_LEVEL_REQUIRE);
  }
}

// DEF-39
// API-01, API-43
TEST(Option, RefusesAValueThatIsNoInt) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  const UniqueFd socket = Open(AF_INET);
  const std::int64_t value = IPSEC_LEVEL_USE;
  for (const socklen_t size : {0u, 1u, 2u, 3u, 5u, 8u, 0xffffffffu}) {
    EXPECT_EQ(
        ::setsockopt(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, &value, size),
        -1);
    EXPECT_EQ(errno, EINVAL) << size;
  }
  EXPECT_TRUE(daemon.requests().empty());
}

TEST(Option, ReadsWithTheLengthAsValueAndResult) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  const UniqueFd socket = Open(AF_INET);
  ASSERT_EQ(Set(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, IPSEC_LEVEL_USE), 0);
  int room[2] = {77, 77};
  for (const socklen_t too_short : {0u, 1u, 3u, 0x80000000u, 0xffffffffu}) {
    socklen_t size = too_short;
    EXPECT_EQ(
        ::getsockopt(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, room, &size), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(size, too_short);
    EXPECT_EQ(room[0], 77);
  }
  socklen_t size = sizeof(room);
  EXPECT_EQ(::getsockopt(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, room, &size),
            0);
  EXPECT_EQ(size, sizeof(int));
  EXPECT_EQ(room[0], IPSEC_LEVEL_USE);
  EXPECT_EQ(room[1], 77);
}

TEST(Option, RefusesMemoryThatIsNotThere) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  const UniqueFd socket = Open(AF_INET);
  const long page = ::sysconf(_SC_PAGESIZE);
  void* nowhere = ::mmap(nullptr, static_cast<std::size_t>(page), PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  void* readable = ::mmap(nullptr, static_cast<std::size_t>(page), PROT_READ,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(nowhere, MAP_FAILED);
  ASSERT_NE(readable, MAP_FAILED);
  for (void* bad : {static_cast<void*>(nullptr), nowhere}) {
    EXPECT_EQ(
        ::setsockopt(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, bad, sizeof(int)),
        -1);
    EXPECT_EQ(errno, EFAULT);
  }
  EXPECT_TRUE(daemon.requests().empty());

  for (void* bad : {static_cast<void*>(nullptr), nowhere, readable}) {
    socklen_t size = sizeof(int);
    EXPECT_EQ(::getsockopt(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, bad, &size),
              -1);
    EXPECT_EQ(errno, EFAULT);
    EXPECT_EQ(size, sizeof(int));
  }
  int value = 0;
  for (void* bad : {static_cast<void*>(nullptr), nowhere}) {
    EXPECT_EQ(::getsockopt(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, &value,
                           static_cast<socklen_t*>(bad)),
              -1);
    EXPECT_EQ(errno, EFAULT);
  }
  ::munmap(nowhere, static_cast<std::size_t>(page));
  ::munmap(readable, static_cast<std::size_t>(page));
}

// One row of the table of errors that do not depend on the daemon.
struct Row {
  const char* what;
  std::function<UniqueFd()> open;
  int level;
  int name;
  int error;
};

UniqueFd OpenV6Only() {
  UniqueFd socket = Open(AF_INET6);
  const int on = 1;
  EXPECT_EQ(
      ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)),
      0);
  return socket;
}

UniqueFd OpenPipe() {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  ::close(ends[1]);
  return UniqueFd(ends[0]);
}

const Row kRows[] = {
    // API-28, API-43: the other family's option
    {"IPv6 option on AF_INET", [] { return Open(AF_INET); }, IPPROTO_IPV6,
     IPV6_AUTH_LEVEL, ENOPROTOOPT},
    {"IPv6 IPCOMP on AF_INET", [] { return Open(AF_INET); }, IPPROTO_IPV6,
     IPV6_IPCOMP_LEVEL, ENOPROTOOPT},
    {"IPv4 option on IPV6_V6ONLY", OpenV6Only, IPPROTO_IP, IP_ESP_TRANS_LEVEL,
     ENOPROTOOPT},
    {"IPv6 option on IPV6_V6ONLY", OpenV6Only, IPPROTO_IPV6,
     IPV6_ESP_TRANS_LEVEL, 0},
    // Types
    {"TCP", [] { return Open(AF_INET); }, IPPROTO_IP, IP_AUTH_LEVEL, 0},
    {"UDP", [] { return Open(AF_INET6, SOCK_DGRAM); }, IPPROTO_IPV6,
     IPV6_AUTH_LEVEL, 0},
    {"raw", [] { return Open(AF_INET, SOCK_RAW, IPPROTO_ICMP); }, IPPROTO_IP,
     IP_AUTH_LEVEL, 0},
    {"ICMP datagram", [] { return Open(AF_INET, SOCK_DGRAM, IPPROTO_ICMP); },
     IPPROTO_IP, IP_AUTH_LEVEL, 0},
    {"UDP-Lite", [] { return Open(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE); },
     IPPROTO_IP, IP_AUTH_LEVEL, EOPNOTSUPP},
    {"SCTP", [] { return Open(AF_INET, SOCK_STREAM, IPPROTO_SCTP); },
     IPPROTO_IP, IP_AUTH_LEVEL, EOPNOTSUPP},
    {"Multipath TCP", [] { return Open(AF_INET, SOCK_STREAM, 262); },
     IPPROTO_IP, IP_AUTH_LEVEL, EOPNOTSUPP},
    {"UNIX", [] { return Open(AF_UNIX); }, IPPROTO_IP, IP_AUTH_LEVEL,
     EOPNOTSUPP},
    {"netlink", [] { return Open(AF_NETLINK, SOCK_RAW); }, IPPROTO_IPV6,
     IPV6_AUTH_LEVEL, EOPNOTSUPP},
    // Descriptors
    {"pipe", OpenPipe, IPPROTO_IP, IP_AUTH_LEVEL, ENOTSOCK},
    {"nothing", [] { return UniqueFd(); }, IPPROTO_IP, IP_AUTH_LEVEL, EBADF},
    // Options
    {"a number beside ours", [] { return Open(AF_INET); }, IPPROTO_IP,
     0x49500005, ENOPROTOOPT},
    {"our number at SOL_SOCKET", [] { return Open(AF_INET); }, SOL_SOCKET,
     IP_AUTH_LEVEL, ENOPROTOOPT},
    {"our number at IPPROTO_TCP", [] { return Open(AF_INET); }, IPPROTO_TCP,
     IP_AUTH_LEVEL, ENOPROTOOPT},
};

// API-43
TEST(Option, TellsEveryRefusalByItsErrno) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  int opened = 0;
  for (const Row& row : kRows) {
    const UniqueFd socket = row.open();
    if (!socket.valid() && row.error != EBADF) {
      continue;  // this kernel has no such sockets
    }
    ++opened;
    int value = 0;
    EXPECT_EQ(Set(socket.get(), row.level, row.name, IPSEC_LEVEL_USE),
              row.error)
        << row.what;
    EXPECT_EQ(Get(socket.get(), row.level, row.name, value), row.error)
        << row.what;
  }
  EXPECT_GE(opened, 14);
}

TEST(Option, AcceptsIpcompForNothingButBypassAndNone) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  for (const Family& family : kFamilies) {
    const UniqueFd socket = Open(family.domain);
    for (const int value : kLevels) {
      const bool harmless =
          value == IPSEC_LEVEL_BYPASS || value == IPSEC_LEVEL_NONE;
      EXPECT_EQ(Set(socket.get(), family.level, IP_IPCOMP_LEVEL, value),
                harmless ? 0 : EOPNOTSUPP)
          << value;
    }
    EXPECT_EQ(Set(socket.get(), family.level, IP_IPCOMP_LEVEL, 5), EINVAL);
    EXPECT_EQ(Level(socket.get(), family.level, IP_IPCOMP_LEVEL),
              IPSEC_LEVEL_NONE);
  }
  EXPECT_TRUE(daemon.requests().empty());
}

// API-23: the daemon judges privilege; its word arrives and the level stays.
TEST(Option, PassesOnTheDaemonsRefusalAndKeepsTheLevel) {
  FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  const UniqueFd socket = Open(AF_INET);
  ASSERT_EQ(Set(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, IPSEC_LEVEL_USE), 0);
  for (const int error : {EACCES, EOPNOTSUPP, ENOBUFS}) {
    daemon.Refuse(error);
    EXPECT_EQ(Set(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, IPSEC_LEVEL_BYPASS),
              error);
    int value = 0;
    EXPECT_EQ(Get(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, value), error);
  }
  daemon.Refuse(0);
  EXPECT_EQ(Level(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL), IPSEC_LEVEL_USE);
}

TEST(Option, LeavesErrnoAloneOnSuccess) {
  const FakeDaemon daemon(FakeDaemon::Temper::kHonest);
  const UniqueFd socket = Open(AF_INET);
  int value = IPSEC_LEVEL_USE;
  socklen_t size = sizeof(value);
  errno = EDOM;
  EXPECT_EQ(::setsockopt(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, &value, size),
            0);
  EXPECT_EQ(errno, EDOM);
  EXPECT_EQ(
      ::getsockopt(socket.get(), IPPROTO_IP, IP_AUTH_LEVEL, &value, &size), 0);
  EXPECT_EQ(errno, EDOM);
}

TEST(Option, OfTheKernelIsLeftToTheKernel) {
  const UniqueFd socket = Open(AF_INET);
  EXPECT_EQ(Set(socket.get(), IPPROTO_IP, IP_TTL, 33), 0);
  EXPECT_EQ(Level(socket.get(), IPPROTO_IP, IP_TTL), 33);
  EXPECT_EQ(Set(socket.get(), SOL_SOCKET, SO_KEEPALIVE, 1), 0);
  EXPECT_EQ(Level(socket.get(), SOL_SOCKET, SO_KEEPALIVE), 1);
}

}  // namespace
}  // namespace postern
