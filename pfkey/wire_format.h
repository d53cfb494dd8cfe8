// SPDX-License-Identifier: Apache-2.0
//
// What PF_KEYv2 messages are made of (RFC 2367, with the extensions that KAME and
// Linux agree on). A message is a head and extensions, each a multiple of words of
// 64 bits:
//
//     | Message | Association | Address | sockaddr | Key | octets of key | ...
//
// Numbers are in host order unless it is said otherwise: PF_KEY never leaves the
// machine. What follows a head of variable length is not part of its struct.
//
// The names are ours, the layout is that of <linux/pfkeyv2.h>, whose types could
// not stand beside programs' own; tests/vectors compares every offset.
//
// Thread safety: plain values.

#ifndef POSTERN_PFKEY_WIRE_FORMAT_H_
#define POSTERN_PFKEY_WIRE_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace postern::pfkey {

// In octets: what lengths count, PolicyRequest's apart.
inline constexpr std::size_t kWord = 8;

// sadb_msg. The head of every message; `len` in words, `error` an errno (RFC 2367 2.1).
struct Message {
  std::uint8_t version = 0;
  std::uint8_t type = 0;
  std::uint8_t error = 0;
  std::uint8_t satype = 0;
  std::uint16_t len = 0;
  std::uint16_t reserved = 0;
  std::uint32_t seq = 0;
  std::uint32_t pid = 0;
};

// sadb_ext. The head of every extension behind it; `len` in words, with this head
// (2.2).
struct Extension {
  std::uint16_t len = 0;
  std::uint16_t type = 0;
};

// sadb_sa. `spi` in network order. `replay` is the window: packets for Linux,
// octets of bitmap for KAME (2.3.1).
struct Association {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint32_t spi = 0;
  std::uint8_t replay = 0;
  std::uint8_t state = 0;
  std::uint8_t auth = 0;
  std::uint8_t encrypt = 0;
  std::uint32_t flags = 0;
};

// sadb_lifetime. `addtime` and `usetime` in seconds; 0 does not bind (2.3.2).
struct Lifetime {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint32_t allocations = 0;
  std::uint64_t bytes = 0;
  std::uint64_t addtime = 0;
  std::uint64_t usetime = 0;
};

// sadb_address. A sockaddr follows, padded to words (2.3.3).
struct Address {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint8_t proto = 0;
  std::uint8_t prefixlen = 0;
  std::uint16_t reserved = 0;
};

// sadb_key. `bits` of key follow, padded to words; behind AEAD and CTR keys stands
// the salt (2.3.4).
struct Key {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint16_t bits = 0;
  std::uint16_t reserved = 0;
};

// sadb_ident. A text follows, ended by a zero and padded to words (2.3.5).
struct Identity {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint16_t type = 0;
  std::uint16_t reserved = 0;
  std::uint64_t id = 0;
};

// sadb_sens. Bitmaps of `sens_len` and `integ_len` words follow (2.3.6).
struct Sensitivity {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint32_t dpd = 0;
  std::uint8_t sens_level = 0;
  std::uint8_t sens_len = 0;
  std::uint8_t integ_level = 0;
  std::uint8_t integ_len = 0;
  std::uint32_t reserved = 0;
};

// sadb_prop. Combinations follow (2.3.7).
struct Proposal {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint8_t replay = 0;
  std::array<std::uint8_t, 3> reserved{};
};

// sadb_comb. One proposed set of algorithms and lifetimes, part of a Proposal (2.3.7).
struct Combination {
  std::uint8_t auth = 0;
  std::uint8_t encrypt = 0;
  std::uint16_t flags = 0;
  std::uint16_t auth_minbits = 0;
  std::uint16_t auth_maxbits = 0;
  std::uint16_t encrypt_minbits = 0;
  std::uint16_t encrypt_maxbits = 0;
  std::uint32_t reserved = 0;
  std::uint32_t soft_allocations = 0;
  std::uint32_t hard_allocations = 0;
  std::uint64_t soft_bytes = 0;
  std::uint64_t hard_bytes = 0;
  std::uint64_t soft_addtime = 0;
  std::uint64_t hard_addtime = 0;
  std::uint64_t soft_usetime = 0;
  std::uint64_t hard_usetime = 0;
};

// sadb_supported. Algorithms follow (2.3.8).
struct Supported {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint32_t reserved = 0;
};

// sadb_alg. Part of Supported (2.3.8).
struct Algorithm {
  std::uint8_t id = 0;
  std::uint8_t ivlen = 0;
  std::uint16_t minbits = 0;
  std::uint16_t maxbits = 0;
  std::uint16_t reserved = 0;
};

// sadb_spirange. Host order, both included (2.3.9).
struct SpiRange {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  std::uint32_t reserved = 0;
};

// sadb_x_kmprivate. Between key managers, privately.
struct Private {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint32_t reserved = 0;
};

// sadb_x_sa2. Mode and request identifier of an SA (KAME).
struct Association2 {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint8_t mode = 0;
  std::uint8_t reserved1 = 0;
  std::uint16_t reserved2 = 0;
  std::uint32_t sequence = 0;
  std::uint32_t reqid = 0;
};

// sadb_x_policy. A rule of the SPD; PolicyRequests follow, and `len` counts them in
// (KAME).
struct Policy {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint16_t type = 0;
  std::uint8_t dir = 0;
  std::uint8_t reserved = 0;
  std::uint32_t id = 0;
  std::uint32_t priority = 0;
};

// sadb_x_ipsecrequest. What a rule asks for; in tunnel mode two sockaddrs follow.
// `len` is in OCTETS (KAME).
struct PolicyRequest {
  std::uint16_t len = 0;
  std::uint16_t proto = 0;
  std::uint8_t mode = 0;
  std::uint8_t level = 0;
  std::uint16_t reserved1 = 0;
  std::uint32_t reqid = 0;
  std::uint32_t reserved2 = 0;
};

// sadb_x_nat_t_type. How ESP is encapsulated: UDP_ENCAP_ESPINUDP is 2 (Linux).
struct NatTraversalType {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint8_t type = 0;
  std::array<std::uint8_t, 3> reserved{};
};

// sadb_x_nat_t_port. `port` in network order (Linux).
struct NatTraversalPort {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint16_t port = 0;
  std::uint16_t reserved = 0;
};

// sadb_x_sec_ctx. A label follows (Linux).
struct SecurityContext {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint8_t ctx_alg = 0;
  std::uint8_t ctx_doi = 0;
  std::uint16_t ctx_len = 0;
};

// sadb_x_kmaddress. Two sockaddrs follow (Linux).
struct KeyManagementAddress {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::uint32_t reserved = 0;
};

// sadb_x_filter. Which SAs a dump is to tell (Linux).
struct Filter {
  std::uint16_t len = 0;
  std::uint16_t exttype = 0;
  std::array<std::uint8_t, 16> saddr{};
  std::array<std::uint8_t, 16> daddr{};
  std::uint16_t family = 0;
  std::uint8_t splen = 0;
  std::uint8_t dplen = 0;
};

}  // namespace postern::pfkey

#endif  // POSTERN_PFKEY_WIRE_FORMAT_H_
