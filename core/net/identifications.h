// SPDX-License-Identifier: Apache-2.0
//
// The identifications of packets that this host makes, by which their fragments
// are told apart.
//
// Thread safety: plain values; FragmentIds is Worker-confined.

#ifndef POSTERN_CORE_NET_IDENTIFICATIONS_H_
#define POSTERN_CORE_NET_IDENTIFICATIONS_H_

#include <cstdint>

#include "core/ipsec.h"
#include "core/keyed_hash.h"

namespace postern {

// Those of the outer IPv4 headers of one tunnel: a start and an odd step that
// come of the SPI. No counter, and nothing that workers share.
//
// RFC 6864 4.1: a packet with DF needs none, and these harm nothing there. 4.3:
// one without DF needs one that its source, destination and protocol have not
// had for as long as fragments live. What holds:
//
//   one SA       65536 packets without a repetition; at more than 2184 packets a
//                second one comes within 30 s, as from any 16 bits
//   another SA   of the same ends has another start and, as a rule, another
//                step: two neighbours meet now and then, as numbers chosen at
//                random do, and not packet by packet
class TunnelIds {
 public:
  explicit TunnelIds(Spi spi);

  // Of the packet with this sequence number.
  std::uint16_t Of(std::uint64_t seq) const {
    return static_cast<std::uint16_t>(start_ + step_ * seq);
  }

 private:
  std::uint32_t start_;
  std::uint32_t step_;  // odd
};

// Those of IPv6 packets that are cut here: 2^32 without a repetition, in an order
// that nobody can foresee (RFC 7739 3): a counter, enciphered under a key of the
// object's own. Cost: about 20 ns.
class FragmentIds {
 public:
  FragmentIds();

  std::uint32_t Next();

 private:
  HashKey key_;
  std::uint32_t count_ = 0;
};

}  // namespace postern

#endif  // POSTERN_CORE_NET_IDENTIFICATIONS_H_
