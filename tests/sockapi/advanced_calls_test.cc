// SPDX-License-Identifier: Apache-2.0
//
// The calls that <postern/ipsec.h> adds, as a program sees them.

#include <postern/ipsec.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "gtest/gtest.h"

#include "tests/sockapi/fake_daemon.h"

namespace postern {
namespace {

using Temper = FakeDaemon::Temper;

UniqueFd Open(int domain, int type = SOCK_STREAM) {
  return UniqueFd(::socket(domain, type | SOCK_CLOEXEC, 0));
}

certificate_info_t Certificate(int type, const std::string& text) {
  certificate_info_t made{};
  made.type = type;
  std::memcpy(&made.text[0], text.data(), text.size());
  return made;
}

// errno of the call, 0 on success.
int Errno(int result) {
  EXPECT_TRUE(result == 0 || result == -1);
  return result == 0 ? 0 : errno;
}

WishText Text(std::string_view text) {
  WishText made;
  EXPECT_TRUE(made.Assign(text));
  return made;
}

TEST(AdvancedCall, PassesTheSocketAndTheIdentity) {
  const FakeDaemon daemon(Temper::kHonest);
  const UniqueFd socket = Open(AF_INET6);
  const auto mine = Certificate(CERTIFICATE_FQDN, "a.example");
  const auto peer = Certificate(CERTIFICATE_X509_DN, "CN=b");
  EXPECT_EQ(Errno(setmycert(socket.get(), &mine)), 0);
  EXPECT_EQ(Errno(setpeercert(socket.get(), &peer)), 0);
  const auto asked = daemon.wishes();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].request.end, WishEnd::kMine);
  EXPECT_EQ(asked[0].request.identity, WishIdentity::kFqdn);
  EXPECT_EQ(asked[0].request.text.view(), "a.example");
  EXPECT_EQ(asked[1].request.end, WishEnd::kPeer);
  EXPECT_EQ(asked[1].request.text.view(), "CN=b");
  EXPECT_NE(asked[0].cookie, 0u);
  EXPECT_EQ(asked[0].cookie, asked[1].cookie);
}

TEST(AdvancedCall, TakesAnIdentityAwayWithNone) {
  const FakeDaemon daemon(Temper::kHonest);
  const UniqueFd socket = Open(AF_INET, SOCK_DGRAM);
  const auto none = Certificate(CERTIFICATE_NONE, "ignored");
  EXPECT_EQ(Errno(setpeercert(socket.get(), &none)), 0);
  EXPECT_EQ(daemon.wishes()[0].request.identity, WishIdentity::kAbsent);
}

TEST(AdvancedCall, RefusesWhatIsNoCertificateWithoutAsking) {
  const FakeDaemon daemon(Temper::kHonest);
  const UniqueFd socket = Open(AF_INET);
  for (const int type : {-1, 6, 4711}) {
    const auto odd = Certificate(type, "a");
    EXPECT_EQ(Errno(setmycert(socket.get(), &odd)), EINVAL);
  }
  const auto empty = Certificate(CERTIFICATE_FQDN, "");
  EXPECT_EQ(Errno(setmycert(socket.get(), &empty)), EINVAL);
  auto endless = Certificate(CERTIFICATE_FQDN, "");
  std::memset(&endless.text[0], 'a', sizeof(endless.text));
  EXPECT_EQ(Errno(setmycert(socket.get(), &endless)), EINVAL);
  EXPECT_EQ(Errno(setmycert(socket.get(), nullptr)), EFAULT);
  EXPECT_EQ(Errno(getpeercert(socket.get(), nullptr)), EFAULT);
  EXPECT_TRUE(daemon.wishes().empty());
}

TEST(AdvancedCall, TellsIdentities) {
  FakeDaemon daemon(Temper::kHonest);
  daemon.Answer(
      {.identity = WishIdentity::kUserFqdn, .text = Text("root@b.example")});
  const UniqueFd socket = Open(AF_INET);
  certificate_info_t told{};
  EXPECT_EQ(Errno(getpeercert(socket.get(), &told)), 0);
  EXPECT_EQ(told.type, CERTIFICATE_USER_FQDN);
  EXPECT_STREQ(&told.text[0], "root@b.example");
  EXPECT_EQ(daemon.wishes()[0].request.end, WishEnd::kPeer);
  EXPECT_EQ(Errno(getmycert(socket.get(), &told)), 0);
  EXPECT_EQ(daemon.wishes()[1].request.end, WishEnd::kMine);
  daemon.Refuse(ENOENT);
  EXPECT_EQ(Errno(getpeercert(socket.get(), &told)), ENOENT);
  EXPECT_STREQ(&told.text[0], "root@b.example");  // untouched
}

// API-39
TEST(AdvancedCall, PassesAlgorithmsAndStrength) {
  const FakeDaemon daemon(Temper::kHonest);
  const UniqueFd socket = Open(AF_INET);
  EXPECT_EQ(Errno(ipsec_set_algorithms(socket.get(), "aes256gcm16")), 0);
  EXPECT_EQ(Errno(ipsec_set_algorithms(socket.get(), nullptr)), 0);
  EXPECT_EQ(Errno(ipsec_set_strength(socket.get(), 256)), 0);
  EXPECT_EQ(Errno(ipsec_set_strength(socket.get(), -1)), EINVAL);
  EXPECT_EQ(
      Errno(ipsec_set_algorithms(socket.get(), std::string(256, 'a').c_str())),
      EINVAL);
  const auto asked = daemon.wishes();
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_EQ(asked[0].request.text.view(), "aes256gcm16");
  EXPECT_TRUE(asked[1].request.text.empty());
  EXPECT_EQ(asked[2].request.number, 256u);
}

// API-38: both sockets are proven to be the caller's.
TEST(AdvancedCall, PassesBothSocketsThatShare) {
  const FakeDaemon daemon(Temper::kHonest);
  const UniqueFd one = Open(AF_INET);
  const UniqueFd other = Open(AF_INET6);
  EXPECT_EQ(Errno(ipsec_share(one.get(), other.get())), 0);
  EXPECT_EQ(Errno(ipsec_share(one.get(), -1)), 0);
  const auto asked = daemon.wishes();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_NE(asked[0].other, 0u);
  EXPECT_NE(asked[0].other, asked[0].cookie);
  EXPECT_EQ(asked[1].other, 0u);
  EXPECT_EQ(asked[1].cookie, asked[0].cookie);
  EXPECT_EQ(Errno(ipsec_share(one.get(), -2)), EBADF);
  EXPECT_EQ(Errno(ipsec_share(one.get(), 4711)), EBADF);
  EXPECT_EQ(Errno(ipsec_share(-1, one.get())), EBADF);
}

TEST(AdvancedCall, SaysWhyNot) {
  const UniqueFd socket = Open(AF_INET);
  {
    const TemporaryRunDirectory nobody;
    EXPECT_EQ(Errno(ipsec_set_strength(socket.get(), 128)), ENETUNREACH);
  }
  FakeDaemon daemon(Temper::kHonest);
  daemon.Refuse(EACCES);
  EXPECT_EQ(Errno(ipsec_set_strength(socket.get(), 128)), EACCES);
  const UniqueFd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(Errno(ipsec_set_strength(local.get(), 128)), EOPNOTSUPP);
  EXPECT_EQ(Errno(ipsec_set_strength(0x7fffffff, 128)), EBADF);
}

TEST(IpsecStatus, TellsEachCategory) {
  FakeDaemon daemon(Temper::kHonest);
  WishReply reply;
  reply.status[0] = {.level = ApiLevel::kRequire,
                     .key_bits = 256,
                     .spi_out = 0x1001,
                     .spi_in = 0x1002,
                     .algorithms = Text("aes-gcm-16"),
                     .identity = WishIdentity::kFqdn,
                     .peer = Text("b.example")};
  reply.status[1].level = ApiLevel::kBypass;
  reply.status[2].algorithms = Text(std::string(200, 'x'));
  daemon.Answer(reply);
  for (const int family : {AF_INET, AF_INET6}) {
    const UniqueFd socket = Open(family);
    const int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    const int name = family == AF_INET ? IP_IPSEC_STATUS : IPV6_IPSEC_STATUS;

    struct Room {
      ipsec_status status;
      char behind[8];
    } room{};

    socklen_t size = sizeof(room);
    ASSERT_EQ(Errno(getsockopt(socket.get(), level, name, &room, &size)), 0);
    EXPECT_EQ(size, sizeof(ipsec_status));
    EXPECT_EQ(room.status.esp_transport.level, IPSEC_LEVEL_REQUIRE);
    EXPECT_EQ(room.status.esp_transport.spi_out, 0x1001u);
    EXPECT_EQ(room.status.esp_transport.spi_in, 0x1002u);
    EXPECT_EQ(room.status.esp_transport.key_bits, 256u);
    EXPECT_STREQ(&room.status.esp_transport.algorithms[0], "aes-gcm-16");
    EXPECT_EQ(room.status.esp_transport.peer.type, CERTIFICATE_FQDN);
    EXPECT_STREQ(&room.status.esp_transport.peer.text[0], "b.example");
    EXPECT_EQ(room.status.auth.level, IPSEC_LEVEL_BYPASS);
    EXPECT_EQ(room.status.auth.peer.type, CERTIFICATE_NONE);
    EXPECT_EQ(std::strlen(&room.status.esp_network.algorithms[0]),
              static_cast<std::size_t>(IPSEC_ALGORITHM_SIZE - 1));
  }
}

TEST(IpsecStatus, IsForReadingAndNeedsRoom) {
  const FakeDaemon daemon(Temper::kHonest);
  const UniqueFd socket = Open(AF_INET);
  ipsec_status status{};
  socklen_t size = sizeof(status) - 1;
  EXPECT_EQ(Errno(getsockopt(socket.get(), IPPROTO_IP, IP_IPSEC_STATUS, &status,
                             &size)),
            EINVAL);
  EXPECT_EQ(Errno(setsockopt(socket.get(), IPPROTO_IP, IP_IPSEC_STATUS, &status,
                             sizeof(status))),
            EOPNOTSUPP);
  EXPECT_TRUE(daemon.wishes().empty());
}

// The end of what the caller offers lies on a page that is not there.
TEST(IpsecStatus, RefusesMemoryThatIsNotThere) {
  const FakeDaemon daemon(Temper::kHonest);
  const UniqueFd socket = Open(AF_INET);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const pages = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  char* const border = static_cast<char*>(pages) + page;
  ASSERT_EQ(::munmap(border, page), 0);
  socklen_t size = sizeof(ipsec_status);
  EXPECT_EQ(Errno(getsockopt(socket.get(), IPPROTO_IP, IP_IPSEC_STATUS,
                             border - sizeof(ipsec_status) + 1, &size)),
            EFAULT);
  EXPECT_EQ(Errno(getsockopt(socket.get(), IPPROTO_IP, IP_IPSEC_STATUS,
                             border - sizeof(ipsec_status), &size)),
            0);
  ::munmap(pages, page);
}

}  // namespace
}  // namespace postern
