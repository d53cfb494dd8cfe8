// SPDX-License-Identifier: Apache-2.0
//
// The words of IPsec that every layer shares (RFC 4301).
//
// Thread safety: plain values.

#ifndef POSTERN_CORE_IPSEC_H_
#define POSTERN_CORE_IPSEC_H_

#include <cstdint>
#include <string>

#include "core/net/ip_address.h"
#include "core/net/protocols.h"

namespace postern {

enum class IpsecProtocol : std::uint8_t { kEsp = 50, kAh = 51 };

// kBeet, Bound End-to-End Tunnel (RFC 7402 appendix B): as a tunnel the packet has
// other addresses outside than inside, but those inside are the SA's and are not
// sent. ESP only.
enum class IpsecMode : std::uint8_t { kTransport, kTunnel, kBeet };

// Whether the packet's own IP header is replaced, or stands in another one.
constexpr bool HasOuterHeader(IpsecMode mode) {
  return mode != IpsecMode::kTransport;
}

// Whether it is a packet's payload that is protected, and not the packet: such
// SAs take no fragments (RFC 4301 4.1).
constexpr bool ProtectsPayload(IpsecMode mode) {
  return mode != IpsecMode::kTunnel;
}

// A Security Parameters Index in host order (RFC 4303 2.1). 0 is never sent;
// 1..255 are reserved by IANA.
enum class Spi : std::uint32_t {};

inline constexpr std::uint32_t kFirstFreeSpi = 256;

constexpr std::uint32_t Number(Spi spi) {
  return static_cast<std::uint32_t>(spi);
}

// "0x00001011".
std::string ToString(Spi spi);

// Whether an SA's sequence numbers have 32 or 64 bits (RFC 4303 2.2.1). On the
// wire there are always the low 32.
enum class SequenceNumbers : std::uint8_t { k32Bit, kExtended };

// The ends that an IP header names.
struct TunnelEndpoints {
  IpAddress source;
  IpAddress destination;

  friend auto operator<=>(const TunnelEndpoints&,
                          const TunnelEndpoints&) = default;
};

}  // namespace postern

#endif  // POSTERN_CORE_IPSEC_H_
