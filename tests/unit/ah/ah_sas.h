// SPDX-License-Identifier: Apache-2.0
//
// SAs for tests of AH, and a signer of its own that takes any AH.

#ifndef POSTERN_TESTS_UNIT_AH_AH_SAS_H_
#define POSTERN_TESTS_UNIT_AH_AH_SAS_H_

#include <cstdint>
#include <vector>

#include "ah/signer.h"
#include "core/crypto/mac_context.h"
#include "core/packet/packet.h"
#include "tests/support/packet_builder.h"

namespace postern::ah {

inline Parameters TransportSa(Integrity integrity) {
  Octets key(InfoOf(integrity).material());
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<std::uint8_t>(3 + 7 * i);
  }
  Parameters parameters;
  parameters.spi = Spi{0x00abcdef};
  parameters.integrity = integrity;
  parameters.integrity_key = SecretBytes(key);
  return parameters;
}

inline Parameters Sha1Sa() {
  return TransportSa(Integrity::kHmacSha1_96);
}

inline Parameters Sha256Sa() {
  return TransportSa(Integrity::kHmacSha2_256_128);
}

// Every algorithm.
inline std::vector<Parameters> AllTransportSas() {
  std::vector<Parameters> all;
  for (const IntegrityInfo& info : AllIntegrities()) {
    if (info.id != Integrity::kNone) {
      all.push_back(TransportSa(info.id));
    }
  }
  return all;
}

inline Parameters InTunnel(Parameters parameters, IpFamily outer) {
  const bool v4 = outer == IpFamily::kV4;
  TunnelHeader tunnel;
  tunnel.endpoints.source =
      IpAddress::Parse(v4 ? "203.0.113.1" : "2001:db8:f::1").value();
  tunnel.endpoints.destination =
      IpAddress::Parse(v4 ? "203.0.113.2" : "2001:db8:f::2").value();
  parameters.mode = IpsecMode::kTunnel;
  parameters.tunnel = tunnel;
  return parameters;
}

inline PacketBuilder HostsV4() {
  return {"192.0.2.10", "198.51.100.20"};
}

inline PacketBuilder HostsV6() {
  return {"2001:db8:1::10", "2001:db8:2::20"};
}

// What follows the fields that every AH has: ICV (zeros) and padding.
struct AhShape {
  std::uint8_t next_header = 253;
  std::uint16_t reserved = 0;
  Octets icv_and_padding;
};

// An unsigned AH of the SA, with a length field that fits.
inline Octets BareAh(const Parameters& sa, std::uint32_t seq,
                     const AhShape& shape) {
  Octets ah(12);
  ah[0] = shape.next_header;
  ah[1] =
      static_cast<std::uint8_t>((12 + shape.icv_and_padding.size()) / 4 - 2);
  StoreBe(Bytes(ah).subspan(2), shape.reserved);
  StoreBe(Bytes(ah).subspan(4), Number(sa.spi));
  StoreBe(Bytes(ah).subspan(8), seq);
  ah.insert(ah.end(), shape.icv_and_padding.begin(),
            shape.icv_and_padding.end());
  return ah;
}

// HMAC over octets that a test lists itself.
inline Octets IcvOver(const Parameters& sa, const Octets& covered) {
  Octets icv(InfoOf(sa.integrity).icv);
  auto mac = MacContext::Create(sa.integrity, sa.integrity_key.octets());
  return mac.ok() && mac->Sign({covered}, icv).ok() ? icv : Octets();
}

inline Octets Joined(const Octets& head, const Octets& tail) {
  Octets joined = head;
  joined.insert(joined.end(), tail.begin(), tail.end());
  return joined;
}

// An IPv4 packet without options whose AH is signed whatever it looks like:
// the mutable fields (TOS, flags, TTL, checksum) are zeroed here by hand.
inline Octets ForgeAhV4(const Parameters& sa, std::uint32_t seq,
                        const AhShape& shape, const Octets& payload) {
  Octets packet = HostsV4().Raw(51, Joined(BareAh(sa, seq, shape), payload));
  Octets covered = packet;
  for (const std::size_t i : {1U, 6U, 7U, 8U, 10U, 11U}) {
    covered[i] = 0;
  }
  const Octets icv = IcvOver(sa, covered);
  CopyBytes(Bytes(packet).subspan(20 + 12), icv);
  return packet;
}

inline Octets Copied(const Packet& packet) {
  return {packet.bytes().begin(), packet.bytes().end()};
}

}  // namespace postern::ah

#endif  // POSTERN_TESTS_UNIT_AH_AH_SAS_H_
