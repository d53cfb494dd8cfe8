// SPDX-License-Identifier: Apache-2.0
//
// What stands in front of each packet on a TUN's descriptor, and what the
// kernel leaves to us then.
//
// Thread safety: constants.

#ifndef POSTERN_TUN_TUN_FRAMING_H_
#define POSTERN_TUN_TUN_FRAMING_H_

#include <cstdint>
#include <string_view>

namespace postern {

enum class TunFraming : std::uint8_t {
  kPlain,       // nothing
  kVnetHeader,  // a VnetHeader (core/net/vnet_header.h)
};

// What is in front of the IP packet besides.
enum class TunLayer : std::uint8_t {
  kIp,        // nothing: a TUN
  kEthernet,  // an Ethernet header, and there is not only IP: a TAP
};

// What a kernel may grant of a framing; each has all of those before it.
enum class TunOffload : std::uint8_t {
  kNone,       // it hands over packets that are whole
  kChecksum,   // it leaves their checksums to us
  kTcp,        // ... and has super-packets of TCP cut by us
  kTcpAndUdp,  // ... and of UDP, and takes such from us
};

// "none", "checksum", "tcp", "tcp_and_udp".
constexpr std::string_view NameOf(TunOffload offload) {
  switch (offload) {
    case TunOffload::kChecksum:
      return "checksum";
    case TunOffload::kTcp:
      return "tcp";
    case TunOffload::kTcpAndUdp:
      return "tcp_and_udp";
    default:
      return "none";
  }
}

}  // namespace postern

#endif  // POSTERN_TUN_TUN_FRAMING_H_
