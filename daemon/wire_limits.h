// SPDX-License-Identifier: Apache-2.0
//
// What a host's wire can never carry is refused when it is asked for, with a
// sentence, not packet by packet. A udp wire carries ESP between its peers'
// hosts and the first of this host's addresses in each family:
//
//     AH at USE or stronger      of the system, a route, a cgroup, a socket
//     an AH SA
//     an ESP SA whose header has other ends, or UDP around it
//     a gateway that is no peer
//
// Weaker levels are let pass: AVAIL does without what is not there, and what may
// go in clear is dropped by the wire, by name.
//
// Thread safety: Immutable. Cost: a walk over the peers.

#ifndef POSTERN_DAEMON_WIRE_LIMITS_H_
#define POSTERN_DAEMON_WIRE_LIMITS_H_

#include <string>
#include <vector>

#include "core/error.h"
#include "core/net/ip_address.h"
#include "daemon/network_config.h"
#include "policy/level.h"
#include "policy/route_table.h"
#include "sadb/sa_parameters.h"

namespace postern {

class WireLimits {
 public:
  // Of a wire that carries every IP packet.
  WireLimits() = default;

  explicit WireLimits(const NetworkConfig& network);

  // Errors: kUnsupported.
  Status Check(const LevelSet& levels) const;
  Status Check(const SaParameters& parameters) const;
  Status CheckGateway(const Route& route) const;

 private:
  enum class Carries : std::uint8_t { kEverything, kEspToPeers };

  bool IsPeer(const IpAddress& host) const;

  Carries carries_ = Carries::kEverything;
  std::vector<IpAddress> own_;    // by which peers know this host
  std::vector<IpAddress> peers_;  // their hosts
};

}  // namespace postern

#endif  // POSTERN_DAEMON_WIRE_LIMITS_H_
