// SPDX-License-Identifier: Apache-2.0
//
// ESP in UDP (RFC 3948), as packets have it:
//
//     | IP headers |              ESP header ... ICV |
//     | IP headers | UDP header | ESP header ... ICV |
//                               |<---- payload ----->|
//
// What else comes to the same port is told by its first octets:
//
//     SPI, not 0 ...      ESP
//     00 00 00 00 ...     the non-ESP marker: IKE
//     ff                  a NAT keepalive
//
// The UDP checksum is zero in IPv4, and right in IPv6, where RFC 8200 wants one.
// Received ones are not looked at: the ICV proves more (RFC 3948 2.1).
//
// Thread safety: plain functions.
// Cost: a move of the IP headers; in IPv6 a pass over what is sent.

#ifndef POSTERN_CORE_NET_UDP_ENCAPSULATION_H_
#define POSTERN_CORE_NET_UDP_ENCAPSULATION_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/drop_reason.h"
#include "core/net/ip_address.h"
#include "core/net/ip_view.h"
#include "core/packet/packet.h"

namespace postern {

// Of a UDP header, in its order.
struct UdpPorts {
  std::uint16_t source = 0;
  std::uint16_t destination = 0;

  friend auto operator<=>(const UdpPorts&, const UdpPorts&) = default;
};

inline constexpr std::size_t kUdpHeaderOctets = 8;

// Where IKE goes once it has found a NAT (RFC 7296 2.23), and ESP with it.
inline constexpr std::uint16_t kIkeNatPort = 4500;

// Passes what is ESP as far as the first octets of the payload tell.
// Errors: kNatKeepalive, kNonEspMarker, kTruncated.
Passage CheckEspPayload(ConstBytes payload);

// Puts a UDP header in front of the ESP header.
// REQUIRES: `packet` is IP headers and ESP, as esp::Sealer leaves it.
// Errors: kNoHeadroom, kTooBig, those of IpView::Parse().
Passage EncapsulateInUdp(Packet& packet, UdpPorts ports);

// The ports of a packet that is whole and UDP.
// Errors: kTruncated (no room for the header); kBadLength (the header's own
// length is less than itself or beyond the packet).
Opinion<UdpPorts> PeekUdpPorts(const IpView& view);

// Takes the UDP header away, and octets behind its length.
// REQUIRES: `view` is of `packet`; PeekUdpPorts() accepted it, and
//   CheckEspPayload() the octets behind its header.
// Errors: those of RewriteIpHeader().
Passage DecapsulateFromUdp(Packet& packet, const IpView& view);

// The IP packet of a keepalive: one octet 0xff (RFC 3948 2.3).
// REQUIRES: both addresses have one family.
std::vector<std::uint8_t> NatKeepalive(const IpAddress& source,
                                       const IpAddress& destination,
                                       UdpPorts ports);

// Makes the checksum of the TCP, UDP or ICMPv6 in a packet right for the
// addresses that it has now: a NAT on the way changed them, but could not reach
// a checksum that ESP transport mode protected (RFC 3948 3.1.2). UDP's zero in
// IPv4 stays. Other protocols, fragments and what is too short stay as they are.
// REQUIRES: Parse(octets) gave `view`.
void MendTransportChecksum(Bytes octets, const IpView& view);

}  // namespace postern

#endif  // POSTERN_CORE_NET_UDP_ENCAPSULATION_H_
