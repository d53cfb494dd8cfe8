// SPDX-License-Identifier: Apache-2.0
//
// What routers say in clear about our AH and ESP packets: "fragmentation needed"
// and "packet too big" (RFC 4301 8.2.1). Anybody can say so; it is believed if it
// quotes what only those on the way have seen:
//
//     its checksum is right
//     the quoted packet has the ends and the SPI of an SA of ours that is alive,
//       and one of its last 65536 sequence numbers
//     it is larger than the MTU that the router tells
//
// and then no further down than every way of the family carries. Such errors go no
// further: the kernel knows nothing of our AH and ESP. What the next packet that is
// too big meets is pipeline/outbound.h's matter.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_PIPELINE_PATH_MTU_NEWS_H_
#define POSTERN_PIPELINE_PATH_MTU_NEWS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/clock.h"
#include "core/ipsec.h"
#include "core/net/ip_view.h"
#include "sadb/sadb.h"

namespace postern {

struct PathMtuRules {
  enum class Belief : std::uint8_t { kVerified, kNever };

  Belief belief = Belief::kVerified;
  // Of an IPv4 way; that of IPv6 is 1280. REQUIRES: at least 68.
  std::size_t least_ipv4_octets = 576;
  Duration lasts = std::chrono::minutes(10);  // RFC 1191 6.3
};

// An error that says that an AH or ESP packet was too big.
struct PathMtuNews {
  IpAddress source;  // of the quoted packet
  IpAddress destination;
  IpsecProtocol protocol = IpsecProtocol::kEsp;
  Spi spi{};
  std::uint32_t sequence = 0;
  std::size_t size_octets = 0;
  std::size_t mtu_octets = 0;  // 0: an old router did not say

  // Nothing when the packet says something else.
  static std::optional<PathMtuNews> Of(const IpView& packet);
};

// Lowers the SA's path MTU. Errors: kUnbelievedError, also when it is no lower
// than what is known.
Passage Believe(const PathMtuNews& news, const PathMtuRules& rules,
                const Sadb& sadb, Instant now);

}  // namespace postern

#endif  // POSTERN_PIPELINE_PATH_MTU_NEWS_H_
