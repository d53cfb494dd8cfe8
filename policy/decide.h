// SPDX-License-Identifier: Apache-2.0
//
// Decide() says what happens to an outbound packet; Admit() says whether an
// inbound one may be delivered. These two functions are the policy of
// draft-mcdonald-simple-ipsec-api-01 1.2.2 and RFC 4301 5.1, 5.2; everything
// else in this folder serves them.
//
//   effective   outbound, SA    outbound, no SA   inbound without   with it
//   BYPASS      not applied     clear             accept            accept
//   NONE        not applied     clear             accept            accept
//   AVAIL       applied         clear             accept            accept
//   USE         applied         NeedSa            accept            accept
//   REQUIRE     applied         NeedSa            drop              accept
//   UNIQUE      its own         NeedSa            drop              accept
//
// At UNIQUE an SA counts only if it is this socket's alone, or that of the
// socket it shares with (API-19); below, such SAs are nobody else's.
//
// Fragments. A non-initial fragment names no ports, so its socket cannot be
// known, unless it names its sender itself. It is judged by the route's levels,
// and dropped (kFragment) wherever any socket of the host has a level that could
// forbid it: outbound at USE and stronger when the route's level does not
// protect it anyway, inbound at REQUIRE and stronger without that category's
// transform. Where any socket wishes something of its SAs, or is at UNIQUE, no
// SA can be chosen for such a fragment: dropped, too. A datagram that a rule
// bypasses by its ports is judged whole: WantsWhole().
//
// ICMP errors. An error that tells of a flow obeys what binds that flow: nobody
// learns from us in clear what came to a socket that requires protection, and
// nobody outside ends its connections by a forged error (API-44, DEF-35).
// One that does not show its flow is treated as a fragment that shows no ports.
// An SA whose selector does not name ICMP carries errors about what it carries
// itself, the other way round: outbound, where no other SA is there, and none is
// asked for that the system's levels do not demand of the error; inbound, the
// quoted packet must be one that the SA's selectors hold (RFC 4301 6.2).
//
// Thread safety: Worker-confined.
// Cost: a warm flow: its table look-up, and one load for each source of change
// and each SA.

#ifndef POSTERN_POLICY_DECIDE_H_
#define POSTERN_POLICY_DECIDE_H_

#include <variant>

#include "core/clock.h"
#include "core/drop_reason.h"
#include "core/net/ip_view.h"
#include "policy/bundle.h"
#include "policy/flow_pattern.h"
#include "policy/flow_resolver.h"
#include "policy/need.h"
#include "sadb/sadb.h"

namespace postern {

// The packet may leave as it is.
struct Bypass {};

// The packet must not leave.
struct Discard {
  DropReason reason = DropReason::kDiscardRoute;
};

// The packet must leave with these transforms applied, inner first.
struct Protect {
  const Bundle* bundle = nullptr;  // valid until the next Decide()
};

// The packet must wait or be dropped: its levels demand SAs of these categories
// and there are none.
struct NeedSa {
  CategorySet missing;
  const Flow* flow = nullptr;  // valid until the next Decide()
  Need::Cause cause = Need::Cause::kOwn;

  // REQUIRES: missing.Has(category).
  Need Of(Category category) const;
};

// The default is Discard.
using Decision = std::variant<Discard, Bypass, Protect, NeedSa>;

class OutboundPolicy {
 public:
  OutboundPolicy(const Sadb& sadb, FlowResolver& flows)
      : sadb_(sadb), generation_(sadb.generation()), flows_(flows) {}

  // REQUIRES: called between a quiescent state and the next Decide(). What flows
  // remember of an older SADB is looked up again.
  void BeginBatch() {
    generation_ = sadb_.generation();
    last_ = nullptr;
  }

  // The SADB that Decide() goes by.
  std::uint64_t generation() const { return generation_; }

  // `sender` is whom the packet names: Packet::sender().
  Decision Decide(const IpView& packet, const Owner& sender, Instant now);

  // Whether the octets begin with a plain packet, the next one of the flow and
  // sender that Decide() judged last in this batch, and no level, wish, route,
  // rule or socket has changed since: then the same holds for it. (What became
  // of the bundle's SAs they tell themselves.) The packet's own size, or 0.
  std::size_t Repeats(ConstBytes octets, const Owner& sender) const {
    return last_ != nullptr && sender == last_sender_ &&
                   flows_.IsAsJudged(*last_)
               ? pattern_.Match(octets)
               : 0;
  }

  // Whether this is the first fragment of a datagram that a rule bypasses by what
  // later ones do not show, and something is demanded of those: decided one by
  // one, the first would leave in clear, alone. Ask for the whole one instead.
  bool WantsWhole(const IpView& fragment) const;

 private:
  Decision DecideFlow(Flow& flow, Need::Cause cause);
  Decision DecideError(const IpView& packet, const Traffic& traffic,
                       const Owner& sender, Instant now);
  Decision DecideUnowned(const Traffic& traffic, DropReason reason);
  Decision DecideFragment(const Traffic& traffic, const Owner& sender);
  void BuildBundle(Flow& flow);

  const Sadb& sadb_;
  std::uint64_t generation_;  // never 0, which is what a new flow has seen
  FlowResolver& flows_;
  Flow transient_;  // of the fragment or ICMP error decided last
  // Of what the error under decision tells; null: it is none.
  const FlowKey* told_of_ = nullptr;

  // What Repeats() compares with; null: nothing repeats it.
  const Flow* last_ = nullptr;
  FlowPattern pattern_;
  Owner last_sender_;
};

class InboundPolicy {
 public:
  InboundPolicy(const SystemPolicy& system, FlowResolver& flows)
      : system_(system), flows_(flows) {}

  // `packet` is what remained after the transforms of `path` were removed.
  // Its source must be the one that each SA of the path speaks for: in
  // transport mode the SA's own; in tunnel mode what the SA's source selector
  // holds, or without one the tunnel's far end itself and the remotes whose
  // route names that end as their gateway.
  // Errors: kSelectorMismatch, kDiscard*, kPolicyRequires*, kOwnerUnknown,
  //   kTableFull, kBadTransportHeader (also a TCP segment without its flags),
  //   kFragment.
  Passage Admit(const IpView& packet, const TransformPath& path, Instant now);

  // Whether a rule may bypass the datagram by what only its first fragment shows,
  // and something is demanded of the others: of a fragment that came in clear, in
  // whatever order. Admit the whole one instead.
  bool WantsWhole(const IpView& fragment) const;

  // REQUIRES: called between a quiescent state and the next Admit().
  void BeginBatch() { last_ = nullptr; }

  // Whether the octets are a plain packet, the next one of the flow that Admit()
  // passed last in this batch, that came through the same SAs, and nothing has
  // changed since: then it is admitted, too. A flow that nobody owns is looked
  // at packet by packet: its arrivals are noted. So is everything while raw
  // sockets may want a say.
  bool Repeats(ConstBytes octets, const TransformPath& path) const {
    return last_ != nullptr && !flows_.HasRaw() && path == last_path_ &&
           flows_.IsAsJudged(*last_) && pattern_.Match(octets) != 0;
  }

 private:
  Passage AdmitError(const IpView& packet, const Traffic& traffic,
                     const TransformPath& path, Instant now);
  static Passage Satisfies(const Flow& flow, const LevelSet& raw,
                           const TransformPath& path, CategorySet applied);
  Passage MatchSelectors(const Traffic& traffic,
                         const TransformPath& path) const;
  Passage MatchSelectorsOfError(const IpView& packet, const Traffic& traffic,
                                const TransformPath& path) const;
  bool SpeaksFor(const SaParameters& sa, const Traffic& traffic) const;
  Passage AdmitUnowned(const Traffic& traffic, const TransformPath& path,
                       DropReason reason) const;

  Passage AdmitToFlow(const IpView& packet, const Traffic& traffic,
                      const TransformPath& path, Instant now);

  const SystemPolicy& system_;
  FlowResolver& flows_;

  // What was admitted last and may repeat; null: nothing.
  const Flow* last_ = nullptr;
  FlowPattern pattern_;
  TransformPath last_path_;
};

}  // namespace postern

#endif  // POSTERN_POLICY_DECIDE_H_
