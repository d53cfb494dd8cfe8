// SPDX-License-Identifier: Apache-2.0
//
// IP protocol numbers (IANA "Protocol Numbers") that the project speaks of.

#ifndef POSTERN_CORE_NET_PROTOCOLS_H_
#define POSTERN_CORE_NET_PROTOCOLS_H_

#include <cstdint>

namespace postern {

enum class IpProtocol : std::uint8_t {
  kHopByHop = 0,
  kIcmp = 1,
  kIpv4 = 4,
  kTcp = 6,
  kUdp = 17,
  kDccp = 33,
  kIpv6 = 41,
  kRouting = 43,
  kFragment = 44,
  kEsp = 50,
  kAh = 51,
  kIcmpv6 = 58,
  kNoNextHeader = 59,
  kDestinationOptions = 60,
  kBeet = 94,  // IPv4 options in BEET mode (RFC 7402 B)
  kSctp = 132,
  kMobility = 135,
  kUdpLite = 136,
  kHip = 139,
  kShim6 = 140,
};

constexpr std::uint8_t Number(IpProtocol protocol) {
  return static_cast<std::uint8_t>(protocol);
}

// TCP, UDP, DCCP, SCTP, UDP-Lite: they begin with two 16-bit ports.
constexpr bool HasPorts(std::uint8_t protocol) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::kTcp:
    case IpProtocol::kUdp:
    case IpProtocol::kDccp:
    case IpProtocol::kSctp:
    case IpProtocol::kUdpLite:
      return true;
    default:
      return false;
  }
}

}  // namespace postern

#endif  // POSTERN_CORE_NET_PROTOCOLS_H_
