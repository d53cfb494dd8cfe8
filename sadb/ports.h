// SPDX-License-Identifier: Apache-2.0
//
// Which transport protocols have ports, as far as selectors are concerned: the
// ones whose ports IpView::Key() reads (core/net/ip_view.h).
//
// Thread safety: constants.

#ifndef POSTERN_SADB_PORTS_H_
#define POSTERN_SADB_PORTS_H_

#include <cstdint>

namespace postern {

constexpr bool HasPorts(std::uint8_t protocol) {
  constexpr std::uint8_t kTcp = 6;
  constexpr std::uint8_t kUdp = 17;
  constexpr std::uint8_t kDccp = 33;
  constexpr std::uint8_t kSctp = 132;
  constexpr std::uint8_t kUdpLite = 136;
  return protocol == kTcp || protocol == kUdp || protocol == kDccp ||
         protocol == kSctp || protocol == kUdpLite;
}

}  // namespace postern

#endif  // POSTERN_SADB_PORTS_H_
