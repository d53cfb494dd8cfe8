// SPDX-License-Identifier: Apache-2.0

#include "wire/udp_endpoint.h"

#include <netinet/in.h>

#include <cstring>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace postern {
namespace {

using testing::HasSubstr;

TEST(UdpEndpoint, IsReadAndWrittenInBothFamilies) {
  for (const char* text : {"192.0.2.1:4500", "[2001:db8::1]:65535", "[::]:1"}) {
    const Result<UdpEndpoint> endpoint = UdpEndpoint::Parse(text);
    ASSERT_TRUE(endpoint.ok()) << text;
    EXPECT_EQ(endpoint->ToString(), text);
  }
}

TEST(UdpEndpoint, RefusesWhatIsNoAddressWithAPort) {
  for (const char* text :
       {"", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
        "192.0.2.1:45x", "192.0.2.1:-1", "2001:db8::1:4500", "[2001:db8::1]",
        "[192.0.2.1]:4500", "[2001:db8::1]4500", "host.example:4500"}) {
    const Result<UdpEndpoint> endpoint = UdpEndpoint::Parse(text);
    ASSERT_FALSE(endpoint.ok()) << text;
    EXPECT_THAT(endpoint.error().message, HasSubstr("\"192.0.2.1:4500\""));
  }
}

TEST(UdpEndpoint, RefusesAddressesThatAreNotRoutedToOneHost) {
  for (const char* text :
       {"224.0.0.1:4500", "[fe80::1]:4500", "169.254.1.1:4500"}) {
    EXPECT_FALSE(UdpEndpoint::Parse(text).ok()) << text;
  }
}

// DEF-21 (DPDK 778bbc0891: ports with their octets swapped): the oracle is
// the kernel's structure, octet by octet.
TEST(UdpEndpoint, GoesToTheKernelInNetworkOrderAndComesBack) {
  const UdpEndpoint v4 = UdpEndpoint::Parse("192.0.2.1:4500").value();
  sockaddr_in ipv4{};
  ASSERT_EQ(SocketAddress(v4).size(), sizeof(ipv4));
  std::memcpy(&ipv4, SocketAddress(v4).get(), sizeof(ipv4));
  EXPECT_EQ(ipv4.sin_family, AF_INET);
  EXPECT_EQ(std::memcmp(&ipv4.sin_port, "\x11\x94", 2), 0);
  EXPECT_EQ(std::memcmp(&ipv4.sin_addr, "\xc0\x00\x02\x01", 4), 0);

  const UdpEndpoint v6 = UdpEndpoint::Parse("[2001:db8::1]:4500").value();
  sockaddr_in6 ipv6{};
  ASSERT_EQ(SocketAddress(v6).size(), sizeof(ipv6));
  std::memcpy(&ipv6, SocketAddress(v6).get(), sizeof(ipv6));
  EXPECT_EQ(ipv6.sin6_family, AF_INET6);
  EXPECT_EQ(std::memcmp(&ipv6.sin6_port, "\x11\x94", 2), 0);

  for (const UdpEndpoint& endpoint : {v4, v6}) {
    sockaddr_storage storage{};
    const SocketAddress address(endpoint);
    std::memcpy(&storage, address.get(), address.size());
    EXPECT_EQ(EndpointOf(storage), endpoint);
  }
}

TEST(UdpEndpoint, OfAnotherFamilyIsNobodys) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  EXPECT_EQ(EndpointOf(storage).port, 0);
}

}  // namespace
}  // namespace postern
