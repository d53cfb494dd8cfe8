// SPDX-License-Identifier: Apache-2.0
//
// What nearly all packets are: plain, which is to say without IPv4 options, IPv6
// extension headers and fragments. Everything of the IP header then stands at a
// place that is known when this is compiled.
//
//     IPv4   45 tc  length |  id  flags | ttl protocol checksum | addresses |
//     IPv6   6. .. .. ..   | length  protocol  hop limit        | addresses |
//
// Two kinds with the same members, for templates. Of anything else an IpView
// tells more (core/net/ip_view.h), and why it is refused.
//
// Thread safety: plain functions. Cost: a few loads each.

#ifndef POSTERN_CORE_NET_PLAIN_IP_H_
#define POSTERN_CORE_NET_PLAIN_IP_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/bytes.h"
#include "core/net/ip_address.h"
#include "core/net/ipv6_extensions.h"
#include "core/net/transport_fields.h"
#include "core/net/word_sum.h"

namespace postern {

struct PlainIpv4 {
  static constexpr std::size_t kSize = ipv4::kHeaderSize;
  static constexpr std::size_t kProtocol = ipv4::kProtocol;

  using Header = std::span<const std::uint8_t, kSize>;

  // Whether the packet that begins with this is plain. Its length is another
  // question.
  static bool Begins(Header header) {
    constexpr std::uint16_t kFragmented = 0x3fff;  // more, or an offset
    return header[0] == 0x45 &&
           (LoadBe<std::uint16_t>(header.subspan<ipv4::kFragment, 2>()) &
            kFragmented) == 0;
  }

  // Of the packet, by its own length field. It may be below kSize.
  static std::uint32_t SizeOf(Header header) {
    return LoadBe<std::uint16_t>(header.subspan<ipv4::kLength, 2>());
  }

  static bool HasRightChecksum(Header header) {
    const auto word = [header](std::size_t at) {
      std::uint32_t octets = 0;
      std::memcpy(&octets, header.data() + at, sizeof(octets));
      return std::uint64_t{octets};
    };
    return FoldWords(word(0) + word(4) + word(8) + word(12) + word(16)) ==
           0xffff;
  }

  static IpAddress DestinationOf(Header header) {
    constexpr std::size_t kAddress = IpAddress::kV4Octets;
    return IpAddress::FromV4(
        header.subspan<ipv4::kAddresses + kAddress, kAddress>());
  }
};

struct PlainIpv6 {
  static constexpr std::size_t kSize = kIpv6HeaderSize;
  static constexpr std::size_t kProtocol = ipv6::kNextHeader;

  using Header = std::span<const std::uint8_t, kSize>;

  static bool Begins(Header header) {
    return header[0] >> 4 == 6 && !IsIpv6Extension(header[kProtocol]);
  }

  static std::uint32_t SizeOf(Header header) {
    return std::uint32_t{kSize} +
           LoadBe<std::uint16_t>(header.subspan<ipv6::kLength, 2>());
  }

  // It has none.
  static bool HasRightChecksum(Header /*header*/) { return true; }

  static IpAddress DestinationOf(Header header) {
    constexpr std::size_t kAddress = IpAddress::kV6Octets;
    return IpAddress::FromV6(
        header.subspan<ipv6::kAddresses + kAddress, kAddress>());
  }
};

}  // namespace postern

#endif  // POSTERN_CORE_NET_PLAIN_IP_H_
