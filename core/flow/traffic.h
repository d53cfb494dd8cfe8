// SPDX-License-Identifier: Apache-2.0
//
// Traffic is what of one packet selectors may ask for (RFC 4301 4.4.1.1): its
// flow's key, which way it goes, and what it shows behind its IP header:
//
//     plain     ports, if its protocol has any: the key tells them
//     message   the type and code of ICMP, or the type of a Mobility Header, as
//               one number: type * 256 + code (RFC 4301 4.4.1.1)
//     hidden    nothing: a non-initial fragment, or a header that is cut off
//
// Thread safety: plain values. Cost of AspectOf(): a comparison or two.

#ifndef POSTERN_CORE_FLOW_TRAFFIC_H_
#define POSTERN_CORE_FLOW_TRAFFIC_H_

#include <cstdint>
#include <optional>

#include "core/flow/flow_key.h"
#include "core/net/ip_view.h"

namespace postern {

// Whether the protocol's packets have a type that selectors may ask for.
constexpr bool HasMessages(std::uint8_t protocol) {
  return protocol == Number(IpProtocol::kIcmp) ||
         protocol == Number(IpProtocol::kIcmpv6) ||
         protocol == Number(IpProtocol::kMobility);
}

// What packets of one flow may differ in and selectors may ask for.
struct Aspect {
  enum class Shows : std::uint8_t { kPlain, kMessage, kHidden };

  // Of a packet that shows no message.
  constexpr Aspect(Direction way = Direction::kOutbound) : direction(way) {}

  constexpr Aspect(Direction way, Shows what, std::uint16_t told = 0)
      : direction(way), shows(what), message(told) {}

  Direction direction;
  Shows shows = Shows::kPlain;
  std::uint16_t message = 0;

  friend bool operator==(const Aspect&, const Aspect&) = default;
};

Aspect AspectOfMessage(const IpView& packet, Direction direction);

inline Aspect AspectOf(const IpView& packet, Direction direction) {
  if (packet.fragment() == IpView::Fragment::kLater) {
    return {direction, Aspect::Shows::kHidden};
  }
  return HasMessages(packet.protocol()) ? AspectOfMessage(packet, direction)
                                        : Aspect(direction);
}

struct Traffic {
  Traffic() = default;

  // A packet of this flow, by default an outbound one.
  Traffic(const FlowKey& flow, const Aspect& seen = Aspect())
      : key(flow), aspect(seen) {}

  // Absent: the packet does not show it, or its protocol has none. In an IPv6
  // fragment the next header may be one that hides the protocol.
  std::optional<std::uint8_t> protocol() const;
  std::optional<std::uint16_t> local_port() const;
  std::optional<std::uint16_t> remote_port() const;
  std::optional<std::uint16_t> message() const;

  FlowKey key;
  Aspect aspect;
};

}  // namespace postern

#endif  // POSTERN_CORE_FLOW_TRAFFIC_H_
