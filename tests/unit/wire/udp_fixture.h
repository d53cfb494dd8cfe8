// SPDX-License-Identifier: Apache-2.0
//
// What the tests of udp wires share: plain sockets of the loopback that play
// the peer, and waiting for what the kernel delivers.

#ifndef POSTERN_TESTS_UNIT_WIRE_UDP_FIXTURE_H_
#define POSTERN_TESTS_UNIT_WIRE_UDP_FIXTURE_H_

#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/bytes.h"
#include "core/net/ip_address.h"
#include "core/unique_fd.h"
#include "tests/support/packet_builder.h"
#include "wire/udp_endpoint.h"

namespace postern {

inline IpAddress Address(const std::string& text) {
  return IpAddress::Parse(text).value();
}

// Port 0: the kernel chooses.
inline UdpEndpoint Loopback(IpFamily family, std::uint16_t port = 0) {
  return {Address(family == IpFamily::kV4 ? "127.0.0.1" : "::1"), port};
}

// How long a condition may take to come true before a test fails.
inline bool Readable(int fd, int milliseconds = 5000) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, milliseconds) == 1;
}

// `size` octets of an ESP packet with this SPI, the rest of them `fill`.
inline Octets Esp(std::uint32_t spi, std::size_t size,
                  std::uint8_t fill = 0xe5) {
  Octets octets(size, fill);
  StoreBe(Bytes(octets), spi);
  return octets;
}

// An IPv4 packet with identification 0, which an atomic datagram may have (RFC
// 6864 4.1), and the checksum that follows from the change (RFC 1624 3); an IPv6
// packet as it is.
inline Octets WithoutIdentification(Octets packet) {
  if (packet[0] >> 4U == 4) {
    const Bytes octets(packet);
    std::uint32_t sum = LoadBe<std::uint16_t>(octets.subspan(10)) +
                        LoadBe<std::uint16_t>(octets.subspan(4));
    sum = (sum & 0xffffU) + (sum >> 16U);
    StoreBe<std::uint16_t>(octets.subspan(4), 0);
    StoreBe(octets.subspan(10), static_cast<std::uint16_t>(sum));
  }
  return packet;
}

// A peer that is a plain socket: the kernel is the judge of what we sent.
class PlainPeer {
 public:
  explicit PlainPeer(IpFamily family = IpFamily::kV4, std::uint16_t port = 0)
      : fd_(::socket(family == IpFamily::kV4 ? AF_INET : AF_INET6,
                     SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const SocketAddress address(Loopback(family, port));
    EXPECT_EQ(::bind(fd_.get(), address.get(), address.size()), 0);
    Set(SOL_SOCKET, SO_RCVBUF, 4 << 20);
    Set(IPPROTO_IP, IP_RECVTOS, 1);
    if (family == IpFamily::kV6) {
      Set(IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    }
  }

  void Set(int level, int name, int value) const {
    EXPECT_EQ(::setsockopt(fd_.get(), level, name, &value, sizeof(value)), 0);
  }

  int descriptor() const { return fd_.get(); }

  UdpEndpoint at() const {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    void* opaque = &storage;
    EXPECT_EQ(::getsockname(fd_.get(), static_cast<sockaddr*>(opaque), &size),
              0);
    return EndpointOf(storage);
  }

  void Send(const UdpEndpoint& to, const Octets& octets) const {
    const SocketAddress address(to);
    EXPECT_EQ(::sendto(fd_.get(), octets.data(), octets.size(), 0,
                       address.get(), address.size()),
              static_cast<ssize_t>(octets.size()));
  }

  struct Datagram {
    Octets octets;
    UdpEndpoint from;
    int traffic_class = -1;
    int segment = 0;  // of a train, if the socket has UDP_GRO
  };

  // The next message; the test fails if none comes.
  Datagram Receive() const {
    Datagram datagram;
    datagram.octets.resize(65536);
    sockaddr_storage storage{};
    iovec part{datagram.octets.data(), datagram.octets.size()};
    alignas(cmsghdr) std::array<std::uint8_t, 128> control{};
    msghdr header{.msg_name = &storage,
                  .msg_namelen = sizeof(storage),
                  .msg_iov = &part,
                  .msg_iovlen = 1,
                  .msg_control = control.data(),
                  .msg_controllen = control.size(),
                  .msg_flags = 0};
    EXPECT_TRUE(Readable(fd_.get()));
    const ssize_t size = ::recvmsg(fd_.get(), &header, 0);
    EXPECT_GE(size, 0);
    datagram.octets.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    datagram.from = EndpointOf(storage);
    for (cmsghdr* entry = CMSG_FIRSTHDR(&header); entry != nullptr;
         entry = CMSG_NXTHDR(&header, entry)) {
      const bool is_segment = entry->cmsg_level == SOL_UDP;
      (is_segment ? datagram.segment : datagram.traffic_class) =
          *CMSG_DATA(entry) + (is_segment ? CMSG_DATA(entry)[1] << 8 : 0);
    }
    return datagram;
  }

  bool HasNothing() const { return !Readable(fd_.get(), 0); }

 private:
  UniqueFd fd_;
};

}  // namespace postern

#endif  // POSTERN_TESTS_UNIT_WIRE_UDP_FIXTURE_H_
