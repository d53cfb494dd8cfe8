// SPDX-License-Identifier: Apache-2.0
//
// A FlowResolver answers, for one worker, which levels bind a packet's flow:
// the socket that owns it, that socket's own levels, and the route's.
//
// Outbound, the packet itself names its sender (Packet::sender()): that is the
// owner, packet by packet, and the kernel is not asked. Only for a TCP segment
// that names nobody, or a socket of the kernel's own (a reset, the SYN-ACK of a
// syncookie), it is, as it is for every packet where the kernel lets us stamp
// none, inbound, and about flows of which ICMP errors tell:
//
// Inheritance. An inbound SYN belongs to the listener. When it is admitted the
// connection gets a copy of the listener's levels (API-33), recorded under its
// 5-tuple; the SYN-ACK, which carries the future child's cookie, binds the
// copy to that cookie. Nothing of this depends on accept() or on libpostern.
//
// A TCP SYN or SYN-ACK always asks the kernel anew, so that a 5-tuple's former
// owner does not bind its new one. What a listener owns is not remembered: the
// next packet may already be its child's. Datagram flows have no SYN: their
// answer is asked for again when sockets come, go or are bound, and after
// kTrust in any case; that nobody owns one is not remembered at all. An outbound
// datagram that names no sender and that nobody owns (the sender has closed the
// socket meanwhile) obeys the strongest level that any socket holds.
//
// A SYN for the 5-tuple of a connection in TIME_WAIT opens a new one, although
// the kernel still names the old: such a SYN must satisfy the old owner's
// levels and the listener's, and the child inherits the listener's when its
// SYN-ACK leaves.
//
// While no socket and no cgroup has anything to say, it does not matter whose a
// packet is that came in, if its route demands the categories it came by: then
// nobody is asked, until the first one does.
//
// Cgroups. Where a cgroup has a rule (policy/cgroup_table.h), the owner's cgroup
// is asked for its levels whenever a flow is judged; the packet or sock_diag
// told which it is. A TCP connection that such a rule binds gets an entry in the
// socket table, as if it had levels of its own, so that resets after its end
// obey the rule. What cannot be told is bound by the strictest rule: the cgroup
// of a socket in TIME_WAIT that is not remembered, one that was removed, the
// senders of what names none. Without rules none of this is looked at.
//
// Thread safety: Worker-confined; it shares the SocketTable, the SystemPolicy
// and the kernel with others.
// Cost: a warm flow: one table look-up and three loads. A new one: a look-up in
// the socket table, or one question to the kernel.

#ifndef POSTERN_POLICY_FLOW_RESOLVER_H_
#define POSTERN_POLICY_FLOW_RESOLVER_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/clock.h"
#include "core/drop_reason.h"
#include "core/flow/flow_key.h"
#include "core/flow/socket_owner.h"
#include "core/net/ip_view.h"
#include "core/stats.h"
#include "policy/flow_table.h"
#include "policy/opening.h"
#include "policy/openings.h"
#include "policy/raw_sockets.h"
#include "policy/socket_table.h"
#include "policy/system_policy.h"
#include "policy/unowned_arrivals.h"

namespace postern {

class FlowResolver {
 public:
  struct Sources {
    const SystemPolicy& system;
    SocketTable& sockets;
    SocketOwner& owner;
    WorkerStats& stats;
    const RawSockets* raw = nullptr;      // null: there are none
    CgroupPaths* cgroups = nullptr;       // null: no cgroup's path can be told
    UnownedArrivals* arrivals = nullptr;  // null: none are noted
    Openings* openings = nullptr;  // null: no other worker has this direction
  };

  // How old an answer about a datagram flow may be.
  static constexpr Duration kTrust = std::chrono::milliseconds(100);

  // REQUIRES: flows > 0.
  FlowResolver(const Sources& sources, std::size_t flows);

  // The flow with its effective levels as of now. Valid until the next call.
  // `aspect` is what rules may ask for, and the packet's direction.
  // `sender` is whom the packet names; kUnknown: it names none, ask the kernel.
  // Where it must be discarded, the kernel is not asked: look at `discard`
  // first.
  // Errors: kOwnerUnknown (the kernel could not be asked: fail closed),
  //   kTableFull (a cgroup's rule binds it and there is no room to note that).
  Opinion<Flow*> Resolve(const FlowKey& key, Opening opening,
                         const Aspect& aspect, Instant now,
                         const Owner& sender = Owner()) {
    return Answer({key, opening, aspect, aspect.direction, now, sender});
  }

  // The same of a packet that came in, with these categories applied. While it does
  // not matter who owns it, the kernel is not asked: the answer names no owner.
  Opinion<Flow*> ResolveArrival(const Traffic& traffic, Opening opening,
                                CategorySet applied, Instant now) {
    return Answer({traffic.key, opening, traffic.aspect, Direction::kInbound,
                   now, Owner(), applied});
  }

  // Whether `flow`, Resolve()'s last answer, is remembered: then it holds for
  // the next packet like it as well, while nothing changes.
  bool Remembers(const Flow& flow) const { return &flow != &passing_; }

  // Whether nothing has changed that `flow` was judged by.
  bool IsAsJudged(const Flow& flow) const {
    const SocketPolicy* const policy = flow.policy.get();
    return flow.seen_sockets == sources_.sockets.generation() &&
           flow.seen_routes == sources_.system.generation() &&
           flow.seen_levels == (policy ? policy->packed() : 0) &&
           flow.seen_wishes == (policy ? policy->wishes().version() : 0);
  }

  // The inbound segment that Resolve() answered for was admitted: if a listener
  // owns it, the connection inherits. (Not a SYN alone: the ACK that completes
  // a syncookie is the first we see of a connection after a restart.) No effect
  // when the owner is no listener or has no levels, or the connection has
  // inherited before.
  // Errors: kTableFull: the segment must be dropped.
  Passage Inherit(Flow& flow, Instant now);

  // The flow of a fragment, whose owner cannot be found by its key: as if
  // nobody owned it, unless it names its sender.
  Flow OfFragment(const Traffic& fragment, const Owner& sender = Owner()) const;

  // The flow of an ICMP error that tells of `quoted`: it obeys what binds that
  // one, and what its own route and rule demand. A bypass does not count.
  // Errors: as Resolve().
  Opinion<Flow> OfError(const Traffic& error, const FlowKey& quoted,
                        Instant now, const Owner& sender = Owner());

  // A packet of this flow was admitted with these categories applied: if no
  // socket is there, an ICMP error may quote it.
  void NoteArrival(const Flow& flow, CategorySet applied, Instant now);

  // What an ICMP error that tells of `quoted` must have, although no socket
  // demands it: USE where a packet of that flow came protected.
  LevelSet OwedTo(const FlowKey& quoted, Instant now) const;

  // Whether an ICMP error that does not show of what it tells may tell of that.
  bool IsOwedToAny(Instant now) const {
    return sources_.arrivals != nullptr && sources_.arrivals->FindAny(now);
  }

  // Whether nobody but the kernel itself sent it.
  bool IsKernels(const Owner& sender) const;

  // Whether there are raw or ping sockets with levels.
  bool HasRaw() const {
    return sources_.raw != nullptr && sources_.raw->size() > 0;
  }

  // What the raw and ping sockets that may get a copy of this inbound packet
  // demand. Nobody tells of those in a cgroup: every rule counts.
  LevelSet DemandOfRaw(const IpView& packet) const {
    const std::uint8_t protocol = packet.protocol();
    const bool to_one_socket = protocol == Number(IpProtocol::kTcp) ||
                               protocol == Number(IpProtocol::kUdp);
    const LevelSet demand =
        sources_.raw == nullptr ? LevelSet() : sources_.raw->Inbound(packet);
    return to_one_socket ? demand : Stricter(demand, DemandOfAnyRaw(packet));
  }

  // Per category the strongest level that any socket holds or may get from its
  // cgroup.
  LevelSet StrongestSocket() const;

  const SystemPolicy& system() const { return sources_.system; }

  // Of routes and rules.
  LevelSet SystemLevels(const Traffic& traffic) const {
    return sources_.system.DemandOn(traffic).levels;
  }

  // Whether any socket's SAs may have to be chosen ones.
  bool AnyoneWishes() const { return sources_.sockets.anyone_wishes(); }

 private:
  struct Question {
    FlowKey key;
    Opening opening;
    Aspect aspect;
    Direction direction;  // as which the kernel is asked
    Instant now;
    Owner sender;  // kUnknown: ask the kernel
    std::optional<CategorySet> came_by = std::nullopt;  // of an arrival
  };

  Opinion<Flow*> Answer(Question question);
  Opinion<Flow*> AlsoByCgroup(Flow& flow, const Owner& sender);
  bool Trusts(const Flow& flow, const Question& question) const;
  bool OwnerMatters(const Flow& flow, const Question& question) const;
  bool Refresh(Flow& flow, const Aspect& aspect);

  Opinion<Flow*> Ask(const Question& question);
  Opinion<Flow*> AskForEndpoint(const Question& question, const Owner& owner);
  Opinion<SocketPolicyRef> PolicyOf(const Question& question,
                                    SocketCookie cookie);
  Flow* AskForRaw(const Question& question);
  Flow* AskForNobody(const Question& question);
  void LookUpListener(const Question& question,
                      const SocketPolicyRef& listener);
  Flow* AskOverOld(const Owner& listener);
  Owner AskKernel(const FlowKey& key);
  Opinion<Owner> AskForListener(const FlowKey& key);
  Owner RecallOwner(const Question& question);
  Opinion<CgroupId> AskForCgroup(const Owner& owner, const Owner& known,
                                 const FlowKey& key);

  bool AnyRules() const { return !sources_.system.cgroups().empty(); }

  LevelSet LevelsOf(CgroupId cgroup) const;
  LevelSet DemandOfAnyRaw(const IpView& packet) const;
  LevelSet CgroupDemand(const Flow& flow) const;

  Flow* Keep();
  void Remember(Flow& flow);
  void Judge(Flow& flow) const;

  Sources sources_;
  FlowTable table_;
  Flow passing_;  // an answer that holds for one packet
};

}  // namespace postern

#endif  // POSTERN_POLICY_FLOW_RESOLVER_H_
