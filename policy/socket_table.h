// SPDX-License-Identifier: Apache-2.0
//
// The socket table remembers which levels sockets have set, under the kernel's
// SO_COOKIE, and which levels half-open TCP connections inherited, under their
// 5-tuple until the child's cookie is known.
//
//     setsockopt      Obtain(cookie)->SetLevel()
//     inbound SYN     Inherit(flow, listener)        a copy, made when admitted
//     SYN-ACK leaves  Bind(child's cookie, policy)
//     socket gone     Retire(cookie): stays kLinger longer, for TIME_WAIT, late
//                     resets and the like; a cookie is never reused
//
// A socket that never set a level has no entry; it has NONE everywhere.
//
// Thread safety: Thread-safe (one lock). The packet path comes here for a new
// flow only; a flow keeps the shared SocketPolicy and reads its levels without
// the lock.
// Cost: one hash look-up under a lock.

#ifndef POSTERN_POLICY_SOCKET_TABLE_H_
#define POSTERN_POLICY_SOCKET_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "core/clock.h"
#include "core/error.h"
#include "core/flow/flow_key.h"
#include "core/flow/socket_owner.h"
#include "policy/level.h"

namespace postern {

// What one socket asked for. Shared by the table and by the flows of the
// socket; outlives its entry as long as a flow holds it.
//
// Thread safety: Thread-safe (one atomic word).
class SocketPolicy {
 public:
  explicit SocketPolicy(const LevelSet& levels) : packed_(levels.Pack()) {}

  LevelSet levels() const { return LevelSet::Unpack(packed()); }

  // Changes whenever a level does: flows compare it packet by packet.
  std::uint32_t packed() const {
    return packed_.load(std::memory_order_acquire);
  }

  void SetLevel(Category category, Level level);

 private:
  std::atomic<std::uint32_t> packed_;
};

using SocketPolicyRef = std::shared_ptr<SocketPolicy>;

class SocketTable {
 public:
  struct Limits {
    std::size_t sockets = 1'000'000;
    std::size_t inherited = 262'144;  // half-open and unbound connections
  };

  // How long an entry outlives its socket: longer than TIME_WAIT (60 s).
  static constexpr Duration kLinger = std::chrono::seconds(120);
  // How long an inherited flow may wait for its child's cookie.
  static constexpr Duration kHalfOpen = std::chrono::seconds(180);

  SocketTable();
  explicit SocketTable(const Limits& limits);
  ~SocketTable();

  // The entry of this socket, made with every level NONE if it is new.
  // Errors: kExhausted.
  Result<SocketPolicyRef> Obtain(SocketCookie cookie);

  // Null when the socket never set a level.
  SocketPolicyRef Find(SocketCookie cookie) const;

  // A new policy with a copy of the listener's levels, recorded for `flow`
  // (replacing what was recorded there).
  // Errors: kExhausted: the connection must then be refused.
  Result<SocketPolicyRef> Inherit(const FlowKey& flow, const LevelSet& levels,
                                  Instant now);

  // Null when nothing is recorded for this flow.
  SocketPolicyRef FindFlow(const FlowKey& flow) const;

  // Also records `policy` under the cookie, unless that has one already.
  void Bind(SocketCookie cookie, const FlowKey& flow,
            const SocketPolicyRef& policy);

  // Records an endpoint's policy for its flow as well, so that packets sent
  // after the socket has gone (late resets) still obey it.
  void Remember(const FlowKey& flow, const SocketPolicyRef& policy,
                Instant now);

  // A new socket opens this 5-tuple: what an older one left does not bind it.
  void ForgetFlow(const FlowKey& flow);

  // The kernel says the socket is gone.
  void Retire(SocketCookie cookie, Instant now);

  // Removes what has lingered long enough.
  void Age(Instant now);

  // Rises when a socket or flow gets its first entry: a flow that found none
  // must look again when it differs.
  std::uint64_t generation() const {
    return generation_.load(std::memory_order_acquire);
  }

  std::size_t sockets() const;
  std::size_t flows() const;

  void Dump(
      const std::function<void(SocketCookie, const LevelSet&)>& visit) const;

 private:
  struct Tables;

  std::atomic<std::uint64_t> generation_{1};
  std::unique_ptr<Tables> tables_;
};

}  // namespace postern

#endif  // POSTERN_POLICY_SOCKET_TABLE_H_
