// SPDX-License-Identifier: Apache-2.0
//
// Everything that is decided about a security association when it is made, and
// never changes afterwards (RFC 4301 4.4.2.1, SAD-20). Validate() judges it as a
// whole: an SA that could not protect anything, or not safely, is refused with
// the reason before it exists.
//
// Thread safety: a plain value.

#ifndef POSTERN_SADB_SA_PARAMETERS_H_
#define POSTERN_SADB_SA_PARAMETERS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "ah/signer.h"
#include "core/clock.h"
#include "core/crypto/algorithm.h"
#include "core/crypto/secret_bytes.h"
#include "core/error.h"
#include "core/flow/selector.h"
#include "core/flow/socket_owner.h"
#include "core/identity.h"
#include "core/ipsec.h"
#include "core/net/udp_encapsulation.h"
#include "core/seq/replay_window.h"
#include "core/tunnel_header.h"
#include "esp/sealer.h"

namespace postern {

// A bound on an SA's use; what is absent does not bind.
struct Lifetime {
  std::optional<std::uint64_t> octets{};
  std::optional<std::uint64_t> packets{};
  std::optional<Duration> time{};  // since the SA became mature
};

// Packets that mean nothing, so that how many there are tells little (RFC 4303
// 2.6).
struct DummyWish {
  Duration interval{};       // between two, on average
  std::uint32_t octets = 0;  // of what each pretends to hold, an IP packet;
                             // 0: tfc_pad_to, and a random size without it

  friend auto operator<=>(const DummyWish&, const DummyWish&) = default;
};

// What identifies an SA: RFC 4301 4.1 allows (SPI, protocol); we add the
// destination, as RFC 2367 does.
struct SaIdentity {
  Spi spi{};
  IpAddress destination;
  IpsecProtocol protocol = IpsecProtocol::kEsp;

  friend auto operator<=>(const SaIdentity&, const SaIdentity&) = default;
};

// "esp 0x00001011 to 10.9.0.2".
std::string ToString(const SaIdentity& identity);

struct SaParameters {
  Direction direction = Direction::kOutbound;
  IpsecProtocol protocol = IpsecProtocol::kEsp;
  IpsecMode mode = IpsecMode::kTransport;
  Spi spi{};
  IpAddress source;       // of the header that carries AH or ESP; in tunnel
  IpAddress destination;  // and BEET mode these are the tunnel's ends

  Encryption encryption = Encryption::kNull;  // ESP only
  SecretBytes encryption_key;                 // key, and salt where it has one
  Integrity integrity = Integrity::kNone;
  SecretBytes integrity_key;

  // ESP in UDP (RFC 3948): the ports of its packets as they are sent. Inbound,
  // the source is where the peer was last known to be.
  std::optional<UdpPorts> encapsulation{};
  // Outbound, in UDP: how long nothing may go before a NAT keepalive does.
  std::optional<Duration> keepalive{};

  // Outer header options in tunnel mode; the endpoints are source and
  // destination above.
  TunnelHeader::DontFragment dont_fragment = TunnelHeader::DontFragment::kCopy;
  TunnelHeader::Dscp dscp = TunnelHeader::Dscp::kCopy;
  std::uint8_t dscp_value = 0;  // with kSet
  std::uint8_t hop_limit = 64;
  TunnelHeader::FlowLabel flow_label = TunnelHeader::FlowLabel::kZero;

  // ESP tunnels: an inner packet that is shorter is padded to so many octets,
  // so that its size does not tell what it is (RFC 4303 2.7); 0: none is.
  std::uint32_t tfc_pad_to = 0;

  // Outbound ESP: the dummy packets that leave by it; absent: none.
  std::optional<DummyWish> dummies{};

  SequenceNumbers numbers = SequenceNumbers::k32Bit;
  std::uint32_t replay_window = 64;  // packets; 0 switches the check off
  Lifetime soft;
  Lifetime hard;
  // Which packets it may carry; default: all. In BEET mode its two addresses are
  // those that packets have inside.
  Selector selector;

  // The socket whose alone an outbound SA is (level UNIQUE, API-19); absent:
  // whoever's flow the selector matches.
  std::optional<SocketCookie> owner{};

  // Who key management says the two ends are; absent: it does not say.
  std::optional<Identity> local_identity{};
  std::optional<Identity> peer_identity{};

  SaIdentity identity() const { return {spi, destination, protocol}; }

  // The mode by which it is looked for: whoever wants an ESP tunnel is served by
  // a BEET SA whose selector matches.
  IpsecMode found_as() const {
    return HasOuterHeader(mode) ? IpsecMode::kTunnel : IpsecMode::kTransport;
  }

  // Of a packet inside: in BEET mode what the selector names, else its own ends.
  // REQUIRES: Validate() accepted it.
  TunnelEndpoints inner_ends() const;

  // What the pure transforms need. REQUIRES: Validate() accepted it.
  esp::Parameters ForEsp() const;
  ah::Parameters ForAh() const;
};

// Errors: kInvalid, kUnsupported or kForbidden with a sentence that names the field, what
// it has and what it must have.
//   - SPI 0 and 1..255 (SAD-06, SAD-07); addresses of two families, multicast,
//     unspecified or v4-mapped
//   - a selector of two families or, in transport mode, one that the SA's own
//     addresses do not match, in BEET mode one that does not name one address
//     for each end; ports without a protocol that has ports
//   - BEET mode of AH, or with options of an outer header: that is made of the
//     packet's own
//   - key, salt sizes; ESP without integrity (SAD-17, SAD-18), AEAD with
//     integrity besides, AH without, AH with encryption; weak keys of DES; legacy
//     algorithms unless they are allowed, kForbidden (core/crypto/legacy.h)
//   - window above kMaxReplayWindow; ESN with the window off (AH-49)
//   - soft bounds beyond hard ones, bounds of zero, octets beyond the cipher's
//   - AH in UDP (UDP-18), a port of 0
//   - TFC padding without an ESP tunnel, or to more than kMostTfcOctets; a hop
//     limit of 0; a DSCP above 63
//   - dummy packets of AH or inbound, more often than kLeastDummyInterval, of less
//     than kLeastDummyOctets or more than kMostTfcOctets
//   - an inbound SA with an owner: anybody may receive what is protected
Status Validate(const SaParameters& parameters);

// Bounds against each other alone: what an update of an SA's lifetimes must satisfy.
Status ValidateLifetimes(const Lifetime& soft, const Lifetime& hard);

// What a pool's packet holds.
inline constexpr std::uint32_t kMostTfcOctets = 9000;

inline constexpr Duration kLeastDummyInterval = std::chrono::milliseconds(10);
inline constexpr std::uint32_t kLeastDummyOctets = 40;  // an IPv6 header

// The widest replay window, in packets.
inline constexpr std::uint32_t kMaxReplayWindow = ReplayWindow::kMaxSize;

}  // namespace postern

#endif  // POSTERN_SADB_SA_PARAMETERS_H_
