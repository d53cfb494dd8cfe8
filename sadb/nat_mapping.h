// SPDX-License-Identifier: Apache-2.0
//
// Where the peer of an SA in UDP (RFC 3948) is. A NAT between may give it another
// port, or another address, at any time; it shows in authentic packets only
// (RFC 7296 2.23):
//
//     inbound    Note()s where each packet with the highest number so far came
//                from; what is new is told once
//     control    sets the port of the SA and of those in the other direction, if
//                the address is what it was; else key management must act
//
// Thread safety: Thread-safe.
// Cost: a comparison while nothing changes, a lock when it does.

#ifndef POSTERN_SADB_NAT_MAPPING_H_
#define POSTERN_SADB_NAT_MAPPING_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "core/clock.h"
#include "core/ipsec.h"
#include "core/mutex.h"
#include "core/net/ip_address.h"
#include "core/net/udp_encapsulation.h"
#include "sadb/sa_parameters.h"

namespace postern {

struct UdpOrigin {
  IpAddress address;
  std::uint16_t port = 0;

  friend bool operator==(const UdpOrigin&, const UdpOrigin&) = default;
};

class NatMapping {
 public:
  // REQUIRES: sa.encapsulation.
  explicit NatMapping(const SaParameters& sa);

  NatMapping(const NatMapping&) = delete;
  NatMapping& operator=(const NatMapping&) = delete;

  // As packets of the SA have them.
  UdpPorts ports() const;

  // From now on. The peer's port is the destination's outbound, the source's
  // inbound.
  void SetPeerPort(std::uint16_t port) {
    peer_port_.store(port, std::memory_order_relaxed);
  }

  // An authentic packet came from there. True when that is neither where the
  // peer is said to be nor what the last call said that was true; and at most once
  // a second, so that a peer whose port flaps costs no more.
  bool Note(const UdpOrigin& origin, Instant now);

  // Where the peer was seen last; nothing while it is where it was said to be.
  std::optional<UdpOrigin> seen() const;

 private:
  const Direction direction_;
  const IpAddress peer_;
  const std::uint16_t own_port_;
  std::atomic<std::uint16_t> peer_port_;
  mutable Mutex mutex_;
  std::optional<UdpOrigin> seen_ POSTERN_GUARDED_BY(mutex_);
  Instant quiet_until_ POSTERN_GUARDED_BY(mutex_){};
};

}  // namespace postern

#endif  // POSTERN_SADB_NAT_MAPPING_H_
