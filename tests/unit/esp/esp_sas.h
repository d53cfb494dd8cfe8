// SPDX-License-Identifier: Apache-2.0
//
// SAs for tests of ESP: every algorithm, and a forger who knows the key.

#ifndef POSTERN_TESTS_UNIT_ESP_ESP_SAS_H_
#define POSTERN_TESTS_UNIT_ESP_ESP_SAS_H_

#include <cstdint>
#include <vector>

#include "core/crypto/mac_context.h"
#include "esp/sealer.h"
#include "tests/support/packet_builder.h"

namespace postern::esp {

// `count` octets that differ from each other.
inline SecretBytes TestKey(std::size_t count, std::uint8_t start) {
  Octets octets(count);
  for (std::size_t i = 0; i < count; ++i) {
    octets[i] = static_cast<std::uint8_t>(start + 7 * i);
  }
  return SecretBytes(octets);
}

inline Parameters TransportSa(Encryption encryption, std::size_t key,
                              Integrity integrity) {
  Parameters parameters;
  parameters.spi = Spi{0x00abcdef};
  parameters.encryption = encryption;
  parameters.encryption_key = TestKey(key, 1);
  parameters.salt = TestKey(InfoOf(encryption).salt, 2);
  parameters.integrity = integrity;
  parameters.integrity_key = TestKey(InfoOf(integrity).key, 3);
  return parameters;
}

inline Parameters GcmSa() {
  return TransportSa(Encryption::kAesGcm16, 16, Integrity::kNone);
}

inline Parameters CbcSa() {
  return TransportSa(Encryption::kAesCbc, 32, Integrity::kHmacSha2_256_128);
}

inline Parameters NullSa() {
  return TransportSa(Encryption::kNull, 0, Integrity::kHmacSha1_96);
}

// Every algorithm and key size; without DES, which is not there unless legacy
// algorithms are allowed.
inline std::vector<Parameters> AllTransportSas() {
  std::vector<Parameters> all;
  for (const EncryptionInfo& info : AllEncryptions()) {
    for (const std::size_t key : info.key_sizes) {
      if (info.id != Encryption::kDesCbc) {
        all.push_back(TransportSa(info.id, key,
                                  info.brings_integrity()
                                      ? Integrity::kNone
                                      : Integrity::kHmacSha2_256_128));
      }
    }
  }
  for (const IntegrityInfo& info : AllIntegrities()) {
    if (info.kind == IntegrityInfo::Kind::kHmac ||
        info.kind == IntegrityInfo::Kind::kBlockMac) {
      all.push_back(TransportSa(Encryption::kAesCbc, 16, info.id));
      all.push_back(TransportSa(Encryption::kNull, 0, info.id));
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

// An ESP packet of an SA that encrypts nothing, around any plaintext: the ICV
// is right, whatever the trailer says.
inline Octets ForgeEsp(const Parameters& sa, std::uint32_t seq,
                       const Octets& plaintext) {
  Octets esp(8);
  StoreBe(Bytes(esp), Number(sa.spi));
  StoreBe(Bytes(esp).subspan(4), seq);
  esp.insert(esp.end(), plaintext.begin(), plaintext.end());
  Octets icv(InfoOf(sa.integrity).icv);
  auto mac = MacContext::Create(sa.integrity, sa.integrity_key.octets());
  if (!mac.ok() || !mac->Sign({esp}, icv).ok()) {
    return {};
  }
  esp.insert(esp.end(), icv.begin(), icv.end());
  return esp;
}

inline PacketBuilder HostsV4() {
  return {"192.0.2.10", "198.51.100.20"};
}

inline PacketBuilder HostsV6() {
  return {"2001:db8:1::10", "2001:db8:2::20"};
}

inline Octets Copied(const Packet& packet) {
  return {packet.bytes().begin(), packet.bytes().end()};
}

}  // namespace postern::esp

#endif  // POSTERN_TESTS_UNIT_ESP_ESP_SAS_H_
