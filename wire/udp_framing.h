// SPDX-License-Identifier: Apache-2.0
//
// ESP in UDP (RFC 3948 2): an IP packet of the pipeline and the datagram that it
// is on the wire.
//
//     | IP header |              ESP header ... ICV |   in the pipeline
//     | IP header | UDP header | ESP header ... ICV |   on the wire
//                              |<---- payload ----->|
//
// What else comes to the same port core/net/udp_encapsulation.h tells apart.
//
// The outer header is the kernel's. Its DSCP and ECN are the packet's own, both
// ways, so that a congestion mark reaches whoever RFC 6040 wants to have it.
//
// Thread safety: plain functions and values. Cost: no allocation.

#ifndef POSTERN_WIRE_UDP_FRAMING_H_
#define POSTERN_WIRE_UDP_FRAMING_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/drop_reason.h"
#include "core/net/ip_address.h"

namespace postern {

constexpr std::size_t IpHeaderOctets(IpFamily family) {
  return family == IpFamily::kV4 ? 20 : 40;
}

// What goes on the wire of an IP packet; it borrows the packet's octets.
struct EspPayload {
  ConstBytes octets;
  ConstBytes destination;  // 4 or 16 octets
  std::uint8_t traffic_class = 0;
};

// Errors: kWireCarriesEspOnly (not ESP directly behind an IP header without
// options), kFragment, kTruncated, kSpiReserved (an SPI of 0 would be the
// marker).
Opinion<EspPayload> TakeOffIpHeader(ConstBytes packet);

// The header that is put in front of what came: no options, not fragmented.
class RebuiltHeader {
 public:
  // REQUIRES: both addresses have one family.
  RebuiltHeader(const IpAddress& source, const IpAddress& destination);

  std::size_t size() const { return size_; }

  // Writes the header to the front of a packet whose ESP is in its place.
  // REQUIRES: size() <= packet.size() <= 65535.
  void Write(Bytes packet, std::uint8_t traffic_class) const;

 private:
  std::array<std::uint8_t, 40> octets_{};
  std::size_t size_;
  std::uint32_t sum_ = 0;  // IPv4: of all words that are always the same
};

}  // namespace postern

#endif  // POSTERN_WIRE_UDP_FRAMING_H_
