// SPDX-License-Identifier: Apache-2.0

// What FlowResolver makes of packets that show no flow of their own: fragments
// and ICMP errors; the rest is in flow_resolver.cc.

#include "policy/flow_resolver.h"

namespace postern {

bool FlowResolver::IsKernels(const Owner& sender) const {
  return sender.kind != Owner::Kind::kSocket ||
         (sender.role == Owner::Role::kRaw &&
          !sources_.sockets.Find(sender.cookie));
}

// Its owner is asked for as if its packets came in: an error that we send must
// not obey whatever may have sent such a datagram from here.
Opinion<Flow> FlowResolver::OfError(const Traffic& error, const FlowKey& quoted,
                                    Instant now, const Owner& sender) {
  const Direction was = error.aspect.direction == Direction::kOutbound
                            ? Direction::kInbound
                            : Direction::kOutbound;
  const Opinion<Flow*> about =
      Answer({quoted, Opening::kNone, was, Direction::kInbound, now, Owner()});
  if (!about.ok()) {
    return about.error();
  }
  Flow flow = **about;
  flow.key = error.key;
  flow.aspect = error.aspect;
  const SystemDemand demand = sources_.system.DemandOn(error);
  flow.discard = flow.discard ? flow.discard : demand.discard;
  flow.gateway = demand.gateway;
  flow.gateway_source = demand.gateway_source;
  // A bypassed flow's error is not bypassed: who writes it can quote anything.
  flow.effective =
      Stricter(flow.session ? demand.levels : WithoutSession(demand.levels),
               flow.effective);
  if (AnyRules() && sender.kind == Owner::Kind::kSocket) {
    flow.effective = Stricter(flow.effective, LevelsOf(sender.cgroup));
  }
  flow.seen_sadb = 0;
  return flow;
}

// TCP answers with resets, which quote nothing; but of a segment with a wrong
// option, or that came in part, an error tells. Nobody is asked for an owner only
// where what binds the error protects it, if the error shows of what it tells.
void FlowResolver::NoteArrival(const Flow& flow, CategorySet applied,
                               Instant now) {
  if (flow.cookie || applied.empty() || sources_.arrivals == nullptr) {
    return;
  }
  if (flow.unasked) {
    sources_.arrivals->NoteAny(now);
  } else {
    sources_.arrivals->Note(flow.key, applied, now);
  }
}

LevelSet FlowResolver::OwedTo(const FlowKey& quoted, Instant now) const {
  LevelSet owed;
  const CategorySet applied = sources_.arrivals == nullptr
                                  ? CategorySet()
                                  : sources_.arrivals->Find(quoted, now);
  for (const Category category : kCategories) {
    owed.Set(category, applied.Has(category) ? Level::kUse : Level::kNone);
  }
  return owed;
}

Flow FlowResolver::OfFragment(const Traffic& fragment,
                              const Owner& sender) const {
  Flow flow;
  flow.key = fragment.key;
  flow.aspect = fragment.aspect;
  if (sender.kind == Owner::Kind::kSocket) {
    flow.policy = sources_.sockets.Find(sender.cookie);
    flow.role = sender.role;
    flow.cgroup = sender.cgroup;
    const bool by_cgroup = AnyRules() && !LevelsOf(sender.cgroup).empty();
    if (flow.policy || by_cgroup || sender.role != Owner::Role::kRaw) {
      flow.cookie = sender.cookie;
    }
  }
  Judge(flow);
  return flow;
}

}  // namespace postern
