// SPDX-License-Identifier: Apache-2.0
//
// NAT keepalives (RFC 3948 4): a NAT forgets a peer that is silent, so while
// nothing goes by the SAs in UDP to a peer, one octet does now and then. One for
// all SAs with the same ends. They tell nothing of whether the peer is alive, and
// stop with the last SA.
//
// Thread safety: Control-confined.
// Cost: a tick looks at each SA that wants them.

#ifndef POSTERN_DAEMON_KEEPALIVES_H_
#define POSTERN_DAEMON_KEEPALIVES_H_

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "core/clock.h"
#include "core/net/ip_address.h"
#include "core/net/udp_encapsulation.h"
#include "sadb/sadb.h"

namespace postern {

class Keepalives {
 public:
  using Emit = std::function<void(std::vector<std::uint8_t>)>;

  // `emit` sends an IP packet on the wire.
  Keepalives(Sadb& sadb, Emit emit) : sadb_(sadb), emit_(std::move(emit)) {}

  // An SA was added.
  void Take(const SaParameters& parameters);

  // Sends what is due. Call it about once a second.
  void Tick(Instant now);

 private:
  struct Sender {
    std::uint64_t generation_id = 0;
    std::uint64_t packets = 0;  // when it was last looked at
  };

  struct Way {
    IpAddress source;
    IpAddress destination;
    UdpPorts ports;

    friend auto operator<=>(const Way&, const Way&) = default;
  };

  struct Silence {
    Instant since{};
    Duration longest{};  // of the SAs' wishes the shortest
    bool is_used = false;
  };

  bool Look(const SaIdentity& identity, Sender& sender, Instant now);

  Sadb& sadb_;
  Emit emit_;
  std::map<SaIdentity, Sender> senders_;
  std::map<Way, Silence> ways_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_KEEPALIVES_H_
