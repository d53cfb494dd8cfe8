// SPDX-License-Identifier: Apache-2.0
//
// Where the fields of TCP (RFC 9293 3.1), UDP (RFC 768), IPv4 (RFC 791 3.1) and
// IPv6 (RFC 8200 3) headers are that cutting and joining packets has to do
// with.
//
// Thread safety: constants.

#ifndef POSTERN_CORE_NET_TRANSPORT_FIELDS_H_
#define POSTERN_CORE_NET_TRANSPORT_FIELDS_H_

#include <cstddef>
#include <cstdint>

#include "core/bytes.h"

namespace postern {

namespace ipv4 {
inline constexpr std::size_t kHeaderSize = 20;  // without options
inline constexpr std::size_t kTrafficClass = 1;
inline constexpr std::size_t kLength = 2;
inline constexpr std::size_t kIdentification = 4;
inline constexpr std::size_t kFragment = 6;  // flags and offset
inline constexpr std::size_t kHopLimit = 8;
inline constexpr std::size_t kProtocol = 9;
inline constexpr std::size_t kAddresses = 12;
inline constexpr std::uint16_t kDontFragment = 0x4000;
}  // namespace ipv4

namespace ipv6 {
inline constexpr std::size_t kLength = 4;  // of what follows the header
inline constexpr std::size_t kNextHeader = 6;
inline constexpr std::size_t kHopLimit = 7;
inline constexpr std::size_t kAddresses = 8;
}  // namespace ipv6

namespace tcp {
inline constexpr std::size_t kHeaderSize = 20;  // without options
inline constexpr std::size_t kSequence = 4;
inline constexpr std::size_t kAcknowledgement = 8;
inline constexpr std::size_t kDataOffset = 12;
inline constexpr std::size_t kFlags = 13;
inline constexpr std::size_t kWindow = 14;
inline constexpr std::size_t kChecksum = 16;
inline constexpr std::size_t kUrgent = 18;

inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kPsh = 0x08;
inline constexpr std::uint8_t kAck = 0x10;
inline constexpr std::uint8_t kCwr = 0x80;

// What the header says of its own length. REQUIRES: kHeaderSize octets.
constexpr std::size_t HeaderLength(ConstBytes header) {
  return std::size_t{4} * (header[kDataOffset] >> 4);
}
}  // namespace tcp

namespace udp {
inline constexpr std::size_t kHeaderSize = 8;
inline constexpr std::size_t kLength = 4;
inline constexpr std::size_t kChecksum = 6;
}  // namespace udp

}  // namespace postern

#endif  // POSTERN_CORE_NET_TRANSPORT_FIELDS_H_
