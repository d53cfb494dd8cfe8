// SPDX-License-Identifier: Apache-2.0
//
// Whole IP packets for tests, built field by field from the RFCs and not with
// the code under test:
//
//     auto syn = PacketBuilder("10.9.1.1", "10.9.2.1").Tcp(4711, 80, kSyn);
//
// Thread safety: a plain value.

#ifndef POSTERN_TESTS_SUPPORT_PACKET_BUILDER_H_
#define POSTERN_TESTS_SUPPORT_PACKET_BUILDER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/net/ip_address.h"

namespace postern {

using Octets = std::vector<std::uint8_t>;

enum TcpFlags : std::uint8_t {
  kFin = 0x01,
  kSyn = 0x02,
  kRst = 0x04,
  kAck = 0x10,
};

class PacketBuilder {
 public:
  // Both addresses of one family. The test ends when they are not addresses.
  PacketBuilder(std::string_view source, std::string_view destination);

  PacketBuilder& HopLimit(std::uint8_t limit);
  PacketBuilder& TrafficClass(std::uint8_t octet);
  PacketBuilder& DontFragment();                        // IPv4
  PacketBuilder& MoreFragments();                       // IPv4
  PacketBuilder& FragmentOffset(std::uint16_t eights);  // IPv4
  PacketBuilder& Ipv4Options(Octets options);           // padded to 4 octets
  // IPv6: a header of this type (0, 43, 60, ...) in front of the payload; the
  // first two octets of `header` are overwritten.
  PacketBuilder& Extension(std::uint8_t type, Octets header);

  Octets Tcp(std::uint16_t source_port, std::uint16_t destination_port,
             std::uint8_t flags, const Octets& data = {}) const;
  Octets Udp(std::uint16_t source_port, std::uint16_t destination_port,
             const Octets& data = {}) const;
  Octets IcmpEcho(std::uint16_t id, std::uint16_t sequence) const;
  Octets Raw(std::uint8_t protocol, const Octets& payload) const;

 private:
  struct ExtensionHeader {
    std::uint8_t type;
    Octets octets;
  };

  Octets Ipv4(std::uint8_t protocol, const Octets& payload) const;
  Octets Ipv6(std::uint8_t protocol, const Octets& payload) const;
  // The ones' complement checksum with the pseudo-header, by its definition.
  std::uint16_t Sum(std::uint8_t protocol, const Octets& segment) const;

  IpAddress source_;
  IpAddress destination_;
  std::uint8_t hop_limit_ = 64;
  std::uint8_t traffic_class_ = 0;
  std::uint16_t fragment_ = 0;  // flags and offset
  Octets options_;
  std::vector<ExtensionHeader> extensions_;
};

}  // namespace postern

#endif  // POSTERN_TESTS_SUPPORT_PACKET_BUILDER_H_
