// SPDX-License-Identifier: Apache-2.0
//
// The header of an Ethernet frame (IEEE 802.3 with a type: RFC 894, RFC 2464):
//
//     0             6        12     14
//     | destination | source | type | IP packet or ARP message, then padding
//
// Thread safety: plain values and functions.

#ifndef POSTERN_WIRE_ETHERNET_H_
#define POSTERN_WIRE_ETHERNET_H_

#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "wire/mac_address.h"

namespace postern {

enum class EtherType : std::uint16_t {
  kIpv4 = 0x0800,
  kArp = 0x0806,
  kIpv6 = 0x86dd,
};

inline constexpr std::size_t kEthernetHeaderSize = 14;

struct EthernetHeader {
  MacAddress destination;
  MacAddress source;
  EtherType type{};

  // REQUIRES: frame.size() >= kEthernetHeaderSize.
  static EthernetHeader Read(ConstBytes frame) {
    return {MacAddress::FromOctets(frame),
            MacAddress::FromOctets(frame.subspan(MacAddress::kOctets)),
            EtherType{
                LoadBe<std::uint16_t>(frame.subspan(2 * MacAddress::kOctets))}};
  }

  // REQUIRES: frame.size() >= kEthernetHeaderSize.
  void Write(Bytes frame) const {
    CopyBytes(frame, destination.octets());
    CopyBytes(frame.subspan(MacAddress::kOctets), source.octets());
    StoreBe(frame.subspan(2 * MacAddress::kOctets),
            static_cast<std::uint16_t>(type));
  }
};

}  // namespace postern

#endif  // POSTERN_WIRE_ETHERNET_H_
