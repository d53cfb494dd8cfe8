// SPDX-License-Identifier: Apache-2.0
//
// RawLevels lets raw and ping sockets have levels: it tells the policy which
// ones do (policy/raw_sockets.h), and forgets those that are closed.
//
// Without stamped packets (Ownership::kSockDiag) a raw socket is refused: it may
// send packets of any protocol (IP_HDRINCL), and nothing would tell whose they
// are. A ping socket sends echo requests only: all that leave then obey the
// strictest level that any ping socket holds.
//
// Thread safety: Control-confined.
// Cost: Sweep() O(such sockets).

#ifndef POSTERN_DAEMON_RAW_LEVELS_H_
#define POSTERN_DAEMON_RAW_LEVELS_H_

#include "core/clock.h"
#include "core/error.h"
#include "daemon/network_config.h"
#include "daemon/sa_owners.h"
#include "policy/raw_sockets.h"
#include "policy/socket_table.h"
#include "tun/open_sockets.h"
#include "tun/socket_facts.h"

namespace postern {

class RawLevels {
 public:
  struct Parts {
    SocketTable& sockets;
    SaOwners& owners;
    RawSockets& raw;
    OpenSockets open;
    Ownership ownership = Ownership::kSockDiag;
  };

  explicit RawLevels(Parts parts) : parts_(std::move(parts)) {}

  // Whether this is a raw or ping socket whose levels can be enforced.
  bool CanBeEnforced(const SocketFacts& facts) const;

  // Before it gets its first level: notes when the socket of this descriptor,
  // for which CanBeEnforced(), is closed. Errors: kExhausted, kSystem.
  Status Watch(int descriptor, const SocketFacts& facts);

  // From now on the policy reckons with it. REQUIRES: Watch() was fine.
  void Add(const SocketFacts& facts, const SocketPolicyRef& policy);

  // Forgets the sockets that are closed; their own SAs go, too (SaOwners).
  void Sweep(Instant now);

 private:
  Parts parts_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_RAW_LEVELS_H_
