// SPDX-License-Identifier: Apache-2.0
//
// A UdpSource lends out IPv4 packets with a UDP header, of one size, as a TUN
// would: in a pool's buffer, each written anew. Only the headers are written;
// what else is in the buffer makes no difference to a cipher.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_BENCH_UDP_SOURCE_H_
#define POSTERN_BENCH_UDP_SOURCE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/net/ip_address.h"
#include "core/net/ip_view.h"
#include "core/packet/packet_pool.h"

namespace postern::bench {

inline IpAddress HereAddress() {
  return IpAddress::Parse("10.9.1.1").value();
}

inline IpAddress PeerAddress() {
  return IpAddress::Parse("10.9.2.1").value();
}

class UdpSource {
 public:
  static constexpr std::uint16_t kLocalPort = 4711;
  static constexpr std::uint16_t kRemotePort = 9;

  // `payload` counts the octets behind the IP header.
  explicit UdpSource(std::size_t payload) : size_(payload + 20) {
    const Bytes header(headers_);
    header[0] = 0x45;
    StoreBe(header.subspan(2), static_cast<std::uint16_t>(size_));
    header[8] = 64;
    header[9] = 17;
    CopyBytes(header.subspan(12), HereAddress().octets());
    CopyBytes(header.subspan(16), PeerAddress().octets());
    StoreBe(header.subspan(20), kLocalPort);
    StoreBe(header.subspan(22), kRemotePort);
    StoreBe(header.subspan(24), static_cast<std::uint16_t>(payload));
    MendIpv4Checksum(header);
  }

  // Its packets take turns among as many flows, which differ in the local port.
  // REQUIRES: a power of two.
  void Spread(std::size_t flows) { last_flow_ = flows - 1; }

  Packet Next() {
    Packet packet = pool_.Take(size_);
    const Bytes octets = packet.bytes();
    CopyBytes(octets, headers_);
    const std::size_t flow = turn_++ & last_flow_;
    StoreBe(octets.subspan(20), static_cast<std::uint16_t>(kLocalPort + flow));
    return packet;
  }

 private:
  std::size_t size_;
  std::size_t last_flow_ = 0;
  std::size_t turn_ = 0;
  std::array<std::uint8_t, 28> headers_{};
  PacketPool pool_{PacketPool::Shape{}};
};

}  // namespace postern::bench

#endif  // POSTERN_BENCH_UDP_SOURCE_H_
