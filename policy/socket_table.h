// SPDX-License-Identifier: Apache-2.0
//
// The socket table remembers which levels sockets have set, under the kernel's
// SO_COOKIE, and which levels TCP connections are bound by, under their
// 5-tuple: half-open ones until the child's cookie is known, and those of
// sockets with levels, so that what the kernel sends for a dead socket still
// obeys them.
//
//     setsockopt      Obtain(cookie)->SetLevel()
//     inbound SYN     Inherit(flow, listener)        a copy, made when admitted
//     SYN-ACK leaves  Adopt(child's cookie, flow)    (or the first segment that
//                     the kernel says is the child's, after a syncookie)
//     socket gone     Retire(cookie): stays kLinger longer, for TIME_WAIT, late
//                     resets and the like; a cookie is never reused
//
// A socket that never set a level has no entry; it has NONE everywhere.
//
// Nothing live is ever evicted: at a limit, requests are refused. Each
// half-open connection keeps room for its child's entry, so that Adopt() always
// finds some. Half-open connections and retired sockets go by time; whoever
// owns the table calls Age() now and then.
//
// Doubts. A request socket whose handshake never ends sends no destroy notice,
// and notices can be lost. So a connection that inherited, or has an entry
// because of its cgroup alone, is doubted once, kHalfOpen after its SYN (and
// again after DoubtConnections()): the kernel is asked whether it is there, and
// Retire() follows if not. Sockets whose levels a
// program set are not doubted: one that is not bound, or whose connection has
// failed, is in none of the kernel's lists and yet alive.
//
// ResumeFrom() a journal, and every change is written there before it takes
// effect: a daemon that is killed finds everything again.
//
// Thread safety: Thread-safe (one lock). The packet path comes here for a new
// flow only; a flow keeps the shared SocketPolicy and reads its levels without
// the lock.
// Cost: one hash look-up under a lock. Age(): O(what expires).

#ifndef POSTERN_POLICY_SOCKET_TABLE_H_
#define POSTERN_POLICY_SOCKET_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/error.h"
#include "core/flow/flow_key.h"
#include "core/flow/socket_owner.h"
#include "policy/level.h"
#include "policy/level_census.h"
#include "policy/socket_journal.h"
#include "policy/socket_policy.h"

namespace postern {

struct SocketEntries;

class SocketTable {
 public:
  struct Limits {
    std::size_t sockets = 1'000'000;  // half-open connections included
    std::size_t inherited = 262'144;  // half-open connections
  };

  // How long an entry outlives its socket: longer than TIME_WAIT (60 s).
  static constexpr Duration kLinger = std::chrono::seconds(120);
  // How long an inherited flow may wait for its child's cookie.
  static constexpr Duration kHalfOpen = std::chrono::seconds(180);

  SocketTable();
  explicit SocketTable(const Limits& limits);
  ~SocketTable();

  // Takes over what `journal` holds, and writes every change there from now on.
  // Beyond the limits, too: nothing live is dropped. Retired sockets linger
  // anew, half-open connections wait anew, and connections are doubted: notices
  // were lost while nobody listened. Once, before anything else.
  // Errors: kInvalid (two records for one socket or one connection).
  Status ResumeFrom(std::shared_ptr<SocketJournal> journal, Instant now);

  // Called before an entry is made while there is none, in whatever thread makes
  // it, maybe in several at once, without the lock; its error is that of the
  // request. Whoever tells of sockets that are gone (Retire()) begins to listen.
  // Once, before anything else.
  void BeforeFirst(std::function<Status()> prepare) {
    before_first_ = std::move(prepare);
  }

  // The entry of this socket, made with every level NONE if it is new.
  // Errors: kExhausted; that of BeforeFirst().
  Result<SocketPolicyRef> Obtain(SocketCookie cookie);

  // The same for a connected TCP socket: if it is new here and its connection
  // inherited levels, it begins with those. Without this an accepted socket
  // that asks before its first packet was seen (syncookies) would lose them.
  // Errors: kExhausted.
  Result<SocketPolicyRef> Obtain(SocketCookie cookie, const FlowKey& flow);

  // The entry of a connection that sets no levels but is bound by its cgroup's
  // rule: made with NONE, if it is new, and doubted as what inherited is.
  // Errors: kExhausted.
  Result<SocketPolicyRef> ObtainForRule(SocketCookie cookie, Instant now);

  // Null when the socket never set a level.
  SocketPolicyRef Find(SocketCookie cookie) const;

  // A new policy with a copy of the listener's levels, recorded for `flow`
  // (replacing what was recorded there).
  // Errors: kExhausted: the connection must then be refused.
  Result<SocketPolicyRef> Inherit(const FlowKey& flow, const LevelSet& levels,
                                  Instant now);

  // Null when nothing is recorded for this flow.
  SocketPolicyRef FindFlow(const FlowKey& flow) const;

  // Whether this flow has inherited and no cookie took it yet.
  bool HasUnclaimed(const FlowKey& flow) const;

  // The policy of the endpoint `cookie`: its own, or else the one that its
  // connection inherited and that no cookie took yet; that is then bound to
  // this one. What is bound to another cookie belongs to an earlier connection
  // on the same 5-tuple and is not given out. Null when there is neither.
  SocketPolicyRef Adopt(SocketCookie cookie, const FlowKey& flow);

  // Records an endpoint's policy for its flow as well, so that packets sent
  // after the socket has gone (late resets) still obey it. A socket has one
  // flow at a time: the last one counts. No effect when `cookie` has no entry.
  void Remember(SocketCookie cookie, const FlowKey& flow);

  // A new socket opens this 5-tuple: what an older one left does not bind it.
  void ForgetFlow(const FlowKey& flow);

  // A SYN for this 5-tuple passes while the kernel still names the connection
  // before, in TIME_WAIT: only when the SYN-ACK leaves it can be said whose child
  // this is. Remembered for kHalfOpen. False at the limit of half-open
  // connections: the SYN must then be refused.
  bool NoteReopening(const FlowKey& flow, Instant now);

  // Whether a connection on this 5-tuple may have begun so. True of all until
  // kHalfOpen after a journal was resumed from: it has no such notes.
  bool MayBeReopened(const FlowKey& flow, Instant now) const;

  // The kernel says the socket is gone; it is asked to while there are entries.
  // Also for cookies without one: datagram flows then ask again who owns them.
  void Retire(SocketCookie cookie, Instant now);

  // A connection that inherited its levels, or is bound by a cgroup's rule, and
  // set none of its own.
  struct Connection {
    SocketCookie cookie{};
    std::optional<FlowKey> flow;  // none: another connection has it by now
  };

  // Notices of sockets that are gone may have been lost.
  void DoubtConnections(Instant now);

  // At most so many connections that are due to be doubted now: whoever finds
  // that the kernel has one no more calls Retire(). The others are believed.
  std::vector<Connection> TakeDoubted(Instant now, std::size_t most);

  // Removes what has lingered long enough.
  void Age(Instant now);

  // Whether any socket or connection has an entry. When generation() tells of the
  // first one, this does. Cost: a load.
  bool anybody() const { return anybody_.load(std::memory_order_acquire); }

  // Rises when a socket or flow gets its first entry, and when a socket goes: a
  // flow that found none must look again when it differs.
  std::uint64_t generation() const {
    return generation_.load(std::memory_order_acquire);
  }

  // Per category the strongest level that any socket or half-open connection
  // holds, without kBypass. Cost: a few loads.
  LevelSet Strongest() const { return census_->Strongest(); }

  // Some socket wishes something of its SAs (policy/socket_wishes.h), which
  // packets that name no socket might break. True for good.
  void NoteWish() { wished_.store(true, std::memory_order_release); }

  bool anyone_wishes() const { return wished_.load(std::memory_order_acquire); }

  std::size_t sockets() const;
  std::size_t lingering() const;  // of these, those whose socket is gone
  std::size_t flows() const;

  void Dump(const std::function<void(SocketCookie, const SocketPolicy&)>& visit)
      const;

 private:
  Status PrepareForFirst() const;
  Result<SocketPolicyRef> ObtainAs(SocketRecord::Origin origin,
                                   SocketCookie cookie, Instant now);

  // An entry was made: said before the generation tells.
  void NoteEntry() {
    anybody_.store(true, std::memory_order_release);
    NoteChange();
  }

  void NoteChange() { generation_.fetch_add(1, std::memory_order_acq_rel); }

  std::atomic<std::uint64_t> generation_{1};
  std::atomic<bool> wished_{false};
  std::atomic<bool> anybody_{false};
  std::function<Status()> before_first_;
  std::shared_ptr<LevelCensus> census_;
  std::unique_ptr<SocketEntries> entries_;
};

}  // namespace postern

#endif  // POSTERN_POLICY_SOCKET_TABLE_H_
