// SPDX-License-Identifier: Apache-2.0
//
// NAT keepalives (RFC 3948 4): a NAT forgets a peer that is silent, so while
// nothing goes by the SAs in UDP to a peer, one octet does now and then. One for
// all SAs with the same ends. They tell nothing of whether the peer is alive, and
// stop some time after the last SA has ended, so that key management finds its way
// through the NAT when it makes another. They do not go on to where the peer was
// before it moved.
//
// Thread safety: Control-confined.
// Cost: a tick looks at each SA that wants them.

#ifndef POSTERN_DAEMON_KEEPALIVES_H_
#define POSTERN_DAEMON_KEEPALIVES_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/net/ip_address.h"
#include "core/net/udp_encapsulation.h"
#include "sadb/sadb.h"

namespace postern {

class Keepalives {
 public:
  using Emit = std::function<void(std::vector<std::uint8_t>)>;

  static constexpr Duration kUsualAfterlife = std::chrono::minutes(5);
  // Ways without an SA; of more some end at once.
  static constexpr std::size_t kMostRemembered = 1024;

  // `emit` sends an IP packet on the wire; `afterlife` is how long after the last
  // SA's end, 0: no longer than the SA.
  Keepalives(Sadb& sadb, Emit emit, Duration afterlife = kUsualAfterlife)
      : sadb_(sadb), emit_(std::move(emit)), afterlife_(afterlife) {}

  // An SA was added.
  void Take(const SaParameters& parameters);

  // Sends what is due. Call it about once a second.
  void Tick(Instant now);

 private:
  struct Way {
    IpAddress source;
    IpAddress destination;
    UdpPorts ports;

    friend auto operator<=>(const Way&, const Way&) = default;
  };

  struct Sender {
    std::uint64_t generation_id = 0;
    std::uint64_t packets = 0;  // when it was last looked at
    std::optional<Way> way{};   // the same
  };

  struct Silence {
    Instant since{};
    Duration longest{};  // of the SAs' wishes the shortest
    bool is_used = false;
    std::optional<Instant> ended;  // when its last SA was found gone
  };

  bool Look(const SaIdentity& identity, Sender& sender, Instant now);
  void NoteEnd(const Sender& sender, Instant now);
  void Forget(Instant now);

  Sadb& sadb_;
  Emit emit_;
  const Duration afterlife_;
  std::map<SaIdentity, Sender> senders_;
  std::map<Way, Silence> ways_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_KEEPALIVES_H_
