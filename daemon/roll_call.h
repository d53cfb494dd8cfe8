// SPDX-License-Identifier: Apache-2.0
//
// A RollCall asks the kernel for connections of which we may have missed the
// end, and retires those that are no more; and for the owners of UNIQUE SAs.
//
// The rule: absence must prove death, since a level that is forgotten while its
// socket lives sends in clear what must not be.
//
//     asked for       a connection that inherited its levels: when the kernel
//                     knows none on its 5-tuple, or one with another cookie,
//                     the copy ends with the connection it was made for
//     never asked for sockets whose levels a program set. One that is not
//                     bound, or whose connect() failed and may be tried again,
//                     is in no list of the kernel and yet alive. Their entries
//                     stay until the kernel tells that they are gone; if that
//                     notice was lost, as long as the namespace
//
//     asked for       the owner of an SA that is one socket's alone, by a flow
//                     of its; to be wrong about it harms little (SaOwners)
//
// When the kernel cannot be asked, everything stays: connections are asked for
// again SocketTable::kHalfOpen later, owners when notices are lost again.
//
// Thread safety: Control-confined.
// Cost: about 3 us for each connection, once in its life.

#ifndef POSTERN_DAEMON_ROLL_CALL_H_
#define POSTERN_DAEMON_ROLL_CALL_H_

#include <cstddef>
#include <cstdint>

#include "core/clock.h"
#include "core/flow/socket_owner.h"
#include "daemon/sa_owners.h"
#include "policy/socket_table.h"

namespace postern {

class RollCall {
 public:
  // At once, so that requests do not wait long.
  static constexpr std::size_t kAtOnce = 1024;

  RollCall(SocketTable& sockets, SaOwners& owners, SocketOwner& kernel)
      : sockets_(sockets), owners_(owners), kernel_(kernel) {}

  enum class Rest : std::uint8_t { kNothing, kMore };

  // Asks for those whose time has come. kMore: call again soon.
  Rest Call(Instant now);

  // Notices were lost: everything is asked for again in due time.
  void Doubt(Instant now) {
    sockets_.DoubtConnections(now);
    owners_.DoubtAll();
  }

  std::uint64_t retired() const { return retired_; }

 private:
  Rest CallConnections(Instant now);
  Rest CallOwners(Instant now);
  bool MayLive(const SaOwners::Doubt& doubt);

  SocketTable& sockets_;
  SaOwners& owners_;
  SocketOwner& kernel_;
  std::uint64_t retired_ = 0;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_ROLL_CALL_H_
