// SPDX-License-Identifier: Apache-2.0
//
// The 16 octets that begin every message on the daemon's local sockets, all
// fields in network order:
//
//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +-------------------------------+-------------------------------+
//     |                   magic: 'P' 'S' 'T' 'N'                      |
//     +-------------------------------+-------------------------------+
//     |            version            |             type              |
//     +-------------------------------+-------------------------------+
//     |                          request id                           |
//     +---------------------------------------------------------------+
//     |            size of the whole message, header included         |
//     +---------------------------------------------------------------+
//
// The sockets are SOCK_SEQPACKET, so one message is one packet and `size` is
// redundant on purpose: a message that was cut is noticed. The version is
// judged before the size, so that a message of a later version is refused as
// just that. Types of the two protocols (api_protocol.h, admin_protocol.h) do
// not overlap: a message sent to the wrong socket is an unknown type there.
//
// This header needs no C++ runtime library; libpostern.so includes it.
//
// Thread safety: plain values.

#ifndef POSTERN_CONTROL_MESSAGE_HEADER_H_
#define POSTERN_CONTROL_MESSAGE_HEADER_H_

#include <cstddef>
#include <cstdint>

#include "control/protocol_defect.h"
#include "core/bytes.h"
#include "core/expected.h"

namespace postern {

inline constexpr std::uint32_t kMessageMagic = 0x5053544e;  // "PSTN"
inline constexpr std::uint16_t kMessageVersion = 1;
inline constexpr std::size_t kMessageHeaderSize = 16;

struct MessageHeader {
  std::uint16_t type = 0;
  std::uint32_t request_id = 0;
  std::uint32_t size = 0;
};

// REQUIRES: out.size() >= kMessageHeaderSize.
inline void EncodeMessageHeader(const MessageHeader& header, Bytes out) {
  StoreBe<std::uint32_t>(out, kMessageMagic);
  StoreBe<std::uint16_t>(out.subspan(4), kMessageVersion);
  StoreBe<std::uint16_t>(out.subspan(6), header.type);
  StoreBe<std::uint32_t>(out.subspan(8), header.request_id);
  StoreBe<std::uint32_t>(out.subspan(12), header.size);
}

// Judges everything but the type, which belongs to the protocol above.
// Errors: kTruncated, kBadMagic, kWrongVersion, kWrongSize.
inline Expected<MessageHeader, ProtocolDefect> DecodeMessageHeader(
    ConstBytes message) {
  if (message.size() < kMessageHeaderSize) {
    return ProtocolDefect::kTruncated;
  }
  if (LoadBe<std::uint32_t>(message) != kMessageMagic) {
    return ProtocolDefect::kBadMagic;
  }
  if (LoadBe<std::uint16_t>(message.subspan(4)) != kMessageVersion) {
    return ProtocolDefect::kWrongVersion;
  }
  const MessageHeader header{
      .type = LoadBe<std::uint16_t>(message.subspan(6)),
      .request_id = LoadBe<std::uint32_t>(message.subspan(8)),
      .size = LoadBe<std::uint32_t>(message.subspan(12))};
  if (header.size != message.size()) {
    return ProtocolDefect::kWrongSize;
  }
  return header;
}

}  // namespace postern

#endif  // POSTERN_CONTROL_MESSAGE_HEADER_H_
