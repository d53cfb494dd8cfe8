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
  kIpv6 = 41,
  kRouting = 43,
  kFragment = 44,
  kEsp = 50,
  kAh = 51,
  kIcmpv6 = 58,
  kNoNextHeader = 59,
  kDestinationOptions = 60,
  kMobility = 135,
  kHip = 139,
  kShim6 = 140,
};

constexpr std::uint8_t Number(IpProtocol protocol) {
  return static_cast<std::uint8_t>(protocol);
}

}  // namespace postern

#endif  // POSTERN_CORE_NET_PROTOCOLS_H_
