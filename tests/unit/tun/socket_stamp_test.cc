// SPDX-License-Identifier: Apache-2.0

#include "tun/socket_stamp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"

namespace postern {
namespace {

constexpr std::uint64_t kTag = 0x01020304050607f8;

// As the drawing in the header has it, in host order.
std::vector<std::uint8_t> Octets(std::uint64_t tag, std::uint64_t cookie,
                                 std::uint32_t state, std::uint16_t type,
                                 std::uint16_t protocol,
                                 std::uint64_t cgroup = 0) {
  std::vector<std::uint8_t> octets(SocketStamp::kOctets);
  std::memcpy(octets.data(), &tag, 8);
  std::memcpy(octets.data() + 8, &cookie, 8);
  std::memcpy(octets.data() + 16, &state, 4);
  std::memcpy(octets.data() + 20, &type, 2);
  std::memcpy(octets.data() + 22, &protocol, 2);
  std::memcpy(octets.data() + 24, &cgroup, 8);
  return octets;
}

Owner Read(const std::vector<std::uint8_t>& octets) {
  const Opinion<Owner> owner = SocketStamp::WithTag(kTag).Read(octets);
  EXPECT_TRUE(owner.ok());
  return owner.ok() ? *owner : Owner();
}

TEST(SocketStamp, NamesTheSocket) {
  const Owner owner =
      Read(Octets(kTag, 77, TCP_ESTABLISHED, SOCK_DGRAM, IPPROTO_UDP));
  EXPECT_EQ(owner.kind, Owner::Kind::kSocket);
  EXPECT_EQ(owner.cookie, SocketCookie{77});
  EXPECT_EQ(owner.role, Owner::Role::kEndpoint);
}

TEST(SocketStamp, NamesTheCgroup) {
  const Owner owner =
      Read(Octets(kTag, 77, TCP_CLOSE, SOCK_DGRAM, IPPROTO_UDP, 0x123456789a));
  EXPECT_EQ(owner.cgroup, CgroupId{0x123456789a});
  EXPECT_EQ(Read(Octets(kTag, 77, 6, 0, 0)).cgroup, kNoCgroup);
}

TEST(SocketStamp, NamesNobody) {
  EXPECT_EQ(Read(Octets(kTag, 0, 0, 0, 0)).kind, Owner::Kind::kNobody);
}

TEST(SocketStamp, TellsListenersAndRawSocketsApart) {
  using Role = Owner::Role;
  EXPECT_EQ(Read(Octets(kTag, 1, TCP_LISTEN, SOCK_STREAM, IPPROTO_TCP)).role,
            Role::kListener);
  EXPECT_EQ(Read(Octets(kTag, 1, TCP_CLOSE, SOCK_RAW, IPPROTO_TCP)).role,
            Role::kRaw);
  // A raw socket has a state, too, that means nothing.
  EXPECT_EQ(Read(Octets(kTag, 1, TCP_LISTEN, SOCK_RAW, IPPROTO_ICMP)).role,
            Role::kRaw);
  EXPECT_EQ(Read(Octets(kTag, 1, TCP_CLOSE, SOCK_DGRAM, IPPROTO_ICMP)).role,
            Role::kEndpoint);
  // Request and TIME_WAIT sockets.
  for (const std::uint32_t state : {12U, 6U}) {
    EXPECT_EQ(Read(Octets(kTag, 1, state, 0, 0)).role, Role::kEndpoint);
  }
}

TEST(SocketStamp, RefusesWhatHasNotItsTag) {
  const SocketStamp stamp = SocketStamp::WithTag(kTag);
  std::vector<std::uint8_t> octets = Octets(kTag, 1, 7, 2, 17);
  for (std::size_t i = 0; i < 8; ++i) {
    octets[i] ^= 1;
    const Opinion<Owner> owner = stamp.Read(octets);
    ASSERT_FALSE(owner.ok());
    EXPECT_EQ(owner.error(), DropReason::kNotStamped);
    octets[i] ^= 1;
  }
  EXPECT_TRUE(stamp.Read(octets).ok());
  octets.pop_back();
  EXPECT_FALSE(stamp.Read(octets).ok());
  EXPECT_FALSE(stamp.Read({}).ok());
}

TEST(SocketStamp, HasAnotherTagEachTimeAndNeverLooksLikeIp) {
  const std::uint64_t first = SocketStamp::Create().value().tag();
  EXPECT_NE(first, SocketStamp::Create().value().tag());
  std::uint8_t octet = 0;
  std::memcpy(&octet, &first, 1);
  EXPECT_EQ(octet >> 4, 0xf);
}

}  // namespace
}  // namespace postern
