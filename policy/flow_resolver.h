// SPDX-License-Identifier: Apache-2.0
//
// A FlowResolver answers, for one worker, which levels bind a packet's flow:
// the socket that owns it (asked of the kernel once a flow), that socket's own
// levels, and the route's.
//
// Inheritance. An inbound SYN belongs to the listener. When it is admitted the
// connection gets a copy of the listener's levels (API-33), recorded under its
// 5-tuple; the SYN-ACK, which carries the future child's cookie, binds the
// copy to that cookie. Nothing of this depends on accept() or on libpostern.
//
// A TCP SYN always asks the kernel anew, so that a 5-tuple's former owner does
// not bind its new one.
//
// Thread safety: Worker-confined; it shares the SocketTable, the SystemPolicy
// and the kernel with others.
// Cost: a warm flow: one table look-up and three loads. A new one: one question
// to the kernel.

#ifndef POSTERN_POLICY_FLOW_RESOLVER_H_
#define POSTERN_POLICY_FLOW_RESOLVER_H_

#include <cstddef>
#include <cstdint>

#include "core/clock.h"
#include "core/drop_reason.h"
#include "core/flow/flow_key.h"
#include "core/flow/socket_owner.h"
#include "core/net/ip_view.h"
#include "core/stats.h"
#include "policy/flow_table.h"
#include "policy/route_table.h"
#include "policy/socket_table.h"

namespace postern {

// What a TCP segment says about its connection's life.
enum class Opening : std::uint8_t { kNone, kSyn, kSynAck };

// kNone for anything but a TCP segment whose flags are in the packet.
Opening OpeningOf(const IpView& view);

class FlowResolver {
 public:
  struct Sources {
    const SystemPolicy& system;
    SocketTable& sockets;
    SocketOwner& owner;
    WorkerStats& stats;
  };

  FlowResolver(const Sources& sources, std::size_t flows);

  // The flow with its effective levels as of now. Valid until the next call.
  // Errors: kOwnerUnknown (the kernel could not be asked: fail closed).
  Opinion<Flow*> Resolve(const FlowKey& key, Opening opening,
                         Direction direction, Instant now);

  // An inbound SYN that Resolve() answered for was admitted: the connection
  // inherits. No effect when the owner is no listener or has no levels.
  // Errors: kTableFull: the SYN must be dropped.
  Passage Inherit(Flow& flow, Instant now);

 private:
  Opinion<Flow*> Ask(const FlowKey& key, Opening opening, Direction direction,
                     Instant now);
  void Refresh(Flow& flow);

  Sources sources_;
  FlowTable table_;
};

}  // namespace postern

#endif  // POSTERN_POLICY_FLOW_RESOLVER_H_
