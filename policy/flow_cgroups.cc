// SPDX-License-Identifier: Apache-2.0

// What FlowResolver makes of cgroups; the rest is in flow_resolver.cc.

#include "core/net/icmp_error.h"
#include "policy/flow_resolver.h"

namespace postern {

// What binds the old connection does so still, and what binds the listener too.
Flow* FlowResolver::AskOverOld(const Owner& listener) {
  const SocketPolicyRef policy = sources_.sockets.Find(listener.cookie);
  if (listener.kind == Owner::Kind::kSocket && (policy || AnyRules())) {
    const LevelSet old = passing_.effective;
    passing_.policy = policy;
    passing_.cgroup = listener.cgroup;
    Judge(passing_);
    passing_.effective = Stricter(old, passing_.effective);
  }
  return &passing_;
}

// What its cgroup says of a flow that is not recorded, and of a segment that a
// raw `sender` without levels sent: the kernel, for the flow's connection, or a
// program. For one packet: the flow may be remembered as another socket's.
Opinion<Flow*> FlowResolver::AlsoByCgroup(Flow& flow, const Owner& sender) {
  if (flow.unrecorded) {
    return DropReason::kTableFull;
  }
  if (!AnyRules()) {
    return &flow;
  }
  passing_ = flow;
  passing_.effective = Stricter(flow.effective, LevelsOf(sender.cgroup));
  passing_.seen_sadb = 0;
  return &passing_;
}

// Who owned the flow when it was last asked for.
Owner FlowResolver::RecallOwner(const Question& question) {
  const Flow* flow = table_.Find(question.key, question.sender.cookie);
  if (flow == nullptr) {
    flow = table_.Find(question.key);
  }
  return flow == nullptr || !flow->cookie
             ? Owner()
             : Owner{.cookie = *flow->cookie, .cgroup = flow->cgroup};
}

// The kernel tells the cgroups of whole sockets only: a request socket has its
// listener's, and one in TIME_WAIT the one that it was `known` to have.
Opinion<CgroupId> FlowResolver::AskForCgroup(const Owner& owner,
                                             const Owner& known,
                                             const FlowKey& key) {
  if (owner.cgroup != kNoCgroup) {
    return owner.cgroup;
  }
  if (known.cookie == owner.cookie && known.cgroup != kNoCgroup) {
    return known.cgroup;
  }
  if (!owner.half_open || !AnyRules()) {
    return kNoCgroup;
  }
  // Of listeners that share the port the kernel may name another than the one
  // that its SYN was admitted for.
  SocketPolicyRef policy = sources_.sockets.Find(owner.cookie);
  if (!policy) {
    policy = sources_.sockets.FindFlow(key);
  }
  if (policy && policy->cgroup() != kNoCgroup) {
    return policy->cgroup();
  }
  const Opinion<Owner> listener = AskForListener(key);
  return listener.ok() ? Opinion<CgroupId>(listener->cgroup) : listener.error();
}

LevelSet FlowResolver::LevelsOf(CgroupId cgroup) const {
  return postern::LevelsOf(sources_.system.cgroups(), sources_.cgroups, cgroup);
}

// What the owner's cgroup demands: nothing where there is no owner.
LevelSet FlowResolver::CgroupDemand(const Flow& flow) const {
  if (!AnyRules() || (!flow.cookie && !flow.policy)) {
    return {};
  }
  const bool ask_policy = flow.cgroup == kNoCgroup && flow.policy;
  return LevelsOf(ask_policy ? flow.policy->cgroup() : flow.cgroup);
}

LevelSet FlowResolver::DemandOfAnyRaw(const IpView& packet) const {
  return !AnyRules() || IsIcmpError(packet)
             ? LevelSet()
             : sources_.system.cgroups().Strictest();
}

LevelSet FlowResolver::StrongestSocket() const {
  return Stricter(sources_.sockets.Strongest(),
                  sources_.system.cgroups().Strictest());
}

}  // namespace postern
