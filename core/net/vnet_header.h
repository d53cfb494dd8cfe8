// SPDX-License-Identifier: Apache-2.0
//
// What the kernel and a program with a TUN say to each other about a packet
// whose work is not finished (virtio 1.2, section 5.1.6; a TUN with
// IFF_VNET_HDR puts it in front of every packet):
//
//     0       1          2               4          6                8
//     | flags | gso_type | header_length | gso_size | checksum_start | checksum_offset |
//
// A super-packet is one TCP or UDP packet of up to 64 KB that stands for a row
// of ordinary ones, each with gso_size octets of its payload, the last perhaps
// with fewer. kNeedsChecksum: the field at checksum_start + checksum_offset
// holds the folded sum of the pseudo-header, and the checksum from
// checksum_start to the end is still to be formed.
//
// Numbers are in host order. header_length is a hint: Linux' TUN tells how much
// lies in its first buffer, which is not less than the headers.
//
// Thread safety: a plain value.

#ifndef POSTERN_CORE_NET_VNET_HEADER_H_
#define POSTERN_CORE_NET_VNET_HEADER_H_

#include <cstdint>

namespace postern {

struct VnetHeader {
  // Of `flags`.
  static constexpr std::uint8_t kNeedsChecksum = 1;

  // Of `gso_type`; kCongestion goes with one of TCP's: the first packet alone
  // has CWR (RFC 3168).
  static constexpr std::uint8_t kOrdinary = 0;
  static constexpr std::uint8_t kTcpV4 = 1;
  static constexpr std::uint8_t kTcpV6 = 4;
  static constexpr std::uint8_t kUdp = 5;
  static constexpr std::uint8_t kCongestion = 0x80;

  std::uint8_t flags = 0;
  std::uint8_t gso_type = kOrdinary;
  std::uint16_t header_length = 0;
  std::uint16_t gso_size = 0;
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;

  bool is_super_packet() const { return gso_type != kOrdinary; }
};

// It goes to the kernel and comes from there as it lies in memory.
static_assert(sizeof(VnetHeader) == 10);

}  // namespace postern

#endif  // POSTERN_CORE_NET_VNET_HEADER_H_
