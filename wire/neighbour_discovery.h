// SPDX-License-Identifier: Apache-2.0
//
// Neighbour Solicitations and Advertisements (RFC 4861 4.3, 4.4): what ARP is for
// IPv4, they are for IPv6.
//
//     | IPv6, hop limit 255 | 135 or 136 | code 0 | checksum | flags | target (16) |
//     | options: type, length in units of 8 octets, ...                           |
//
// Thread safety: plain values and functions.

#ifndef POSTERN_WIRE_NEIGHBOUR_DISCOVERY_H_
#define POSTERN_WIRE_NEIGHBOUR_DISCOVERY_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/drop_reason.h"
#include "core/net/ip_address.h"
#include "wire/mac_address.h"

namespace postern {

struct NeighbourMessage {
  enum class Type : std::uint8_t { kSolicitation = 135, kAdvertisement = 136 };

  // Of an advertisement.
  static constexpr std::uint8_t kRouter = 0x80;
  static constexpr std::uint8_t kSolicited = 0x40;  // it is an answer
  static constexpr std::uint8_t kOverride = 0x20;   // believe the new address

  Type type = Type::kSolicitation;
  std::uint8_t flags = 0;
  IpAddress source;
  IpAddress destination;
  IpAddress target;
  // Of the source (solicitation) or the target (advertisement), if it was told.
  std::optional<MacAddress> mac;

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }

  // Whether an IPv6 packet is one of them, valid or not: an ICMPv6 header of such
  // a type directly behind the IPv6 header.
  static bool IsOne(ConstBytes packet);

  // Errors: kBadNeighbourMessage (RFC 4861 7.1.1, 7.1.2 say which are not valid).
  // REQUIRES: IsOne(packet).
  static Opinion<NeighbourMessage> Parse(ConstBytes packet);

  // The whole frame.
  std::vector<std::uint8_t> Frame(const MacAddress& from,
                                  const MacAddress& to) const;
};

// Whether an IPv6 packet is another message of Neighbour Discovery: a router's (RFC
// 4861 4.1, 4.2, 4.5), which a host whose routers are configured does not want; or
// a neighbour's behind extension headers, which nobody sends.
bool IsOtherDiscovery(ConstBytes packet);

// Where solicitations for `address` go (RFC 4291 2.7.1).
IpAddress SolicitedNodeGroup(const IpAddress& address);

// ff02::1.
IpAddress AllNodesGroup();

}  // namespace postern

#endif  // POSTERN_WIRE_NEIGHBOUR_DISCOVERY_H_
