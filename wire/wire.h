// SPDX-License-Identifier: Apache-2.0
//
// A Wire is the network side of a virtual host: the PacketPort by which AH, ESP
// and bypassed packets leave and arrive, plus what it is.
//
//     kind     carries              a packet's way
//     tun      any IP packet        a TUN in the outer namespace, routed there
//     udp      ESP only             ESP in UDP (RFC 3948)
//     tap      any IP packet        an Ethernet, by a TAP in the outer namespace
//     packet   any IP packet        an Ethernet, by a real interface (AF_PACKET)
//
// docs/wires.md tells more.
//
// Thread safety: as PacketPort.

#ifndef POSTERN_WIRE_WIRE_H_
#define POSTERN_WIRE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/packet/packet_port.h"

namespace postern {

enum class WireKind : std::uint8_t { kTun, kUdp, kTap, kPacket };

// "tun", "udp", ...: the name used in the configuration and in JSON.
std::string_view NameOf(WireKind kind);

// Whether AH, clear packets and any other protocol can travel in it; if not,
// ESP alone can.
bool CarriesAnyIpPacket(WireKind kind);

// Whether the host is a station of an Ethernet by it.
bool IsEthernet(WireKind kind);

class Wire : public PacketPort {
 public:
  virtual WireKind kind() const = 0;

  // Octets that the wire itself puts around each packet. mtu() is without them:
  // it is what an IP packet given to Send() may have.
  virtual std::size_t overhead_octets() const = 0;
};

}  // namespace postern

#endif  // POSTERN_WIRE_WIRE_H_
