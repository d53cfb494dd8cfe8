// SPDX-License-Identifier: Apache-2.0

// What FlowResolver makes of listeners, of the connections that inherit from them,
// and of the sockets at their ends; the rest is in flow_resolver.cc.

#include <array>

#include "policy/flow_resolver.h"

namespace postern {
namespace {

// No connection has this remote end, so only a listener answers for it.
FlowKey ListenersKey(const FlowKey& flow) {
  static constexpr std::array<std::uint8_t, 16> kUnspecified{};
  FlowKey key = flow;
  key.remote = IpAddress::FromOctets(
      ConstBytes(kUnspecified).first(flow.local.octets().size()));
  return key;
}

}  // namespace

// A listener's answer is never kept: the next packet may be its child's.
void FlowResolver::LookUpListener(const Question& question,
                                  const SocketPolicyRef& listener) {
  if (question.opening != Opening::kSyn ||
      question.direction == Direction::kOutbound) {
    passing_.policy = sources_.sockets.FindFlow(question.key);
  }
  if (passing_.policy) {
    passing_.cgroup = passing_.policy->cgroup();
  } else {
    passing_.policy = listener;
    passing_.listener = listener;
    passing_.listens = true;
  }
  Judge(passing_);
}

// What is half-open is neither kept nor recorded: the kernel will tell more.
Opinion<Flow*> FlowResolver::AskForEndpoint(const Question& question,
                                            const Owner& owner) {
  SocketTable& sockets = sources_.sockets;
  const Opinion<SocketPolicyRef> policy = PolicyOf(question, owner.cookie);
  if (!policy.ok()) {
    return policy.error();
  }
  passing_.policy = *policy;
  Judge(passing_);
  const bool opens_over_old = question.opening == Opening::kSyn &&
                              question.direction == Direction::kInbound &&
                              !owner.half_open;
  // Others inherited when their SYN was admitted, if at all. To ask would be
  // wrong: of listeners that share a port the kernel may name another.
  const bool may_inherit_late =
      question.opening == Opening::kSynAck &&
      question.direction == Direction::kOutbound && !passing_.policy &&
      sockets.MayBeReopened(question.key, question.now);
  if ((!opens_over_old && !may_inherit_late) ||
      (sockets.sockets() == 0 && !AnyRules())) {
    return opens_over_old || owner.half_open ? &passing_ : Keep();
  }
  if (opens_over_old && !sockets.NoteReopening(question.key, question.now)) {
    return DropReason::kTableFull;
  }
  const Opinion<Owner> listener = AskForListener(question.key);
  if (!listener.ok()) {
    return listener.error();
  }
  if (opens_over_old) {
    return AskOverOld(*listener);
  }
  passing_.listener = sockets.Find(listener->cookie);
  passing_.listens = true;
  if (const Passage inherited = Inherit(passing_, question.now);
      !inherited.ok()) {
    return inherited.error();
  }
  passing_.policy = sockets.Adopt(*passing_.cookie, question.key);
  Judge(passing_);
  return Keep();
}

// The endpoint's own, or what its connection has inherited: that is only for a
// socket which is proven to be the connection's, since a segment of its dead
// predecessor may still be under way.
Opinion<SocketPolicyRef> FlowResolver::PolicyOf(const Question& question,
                                                SocketCookie cookie) {
  SocketTable& sockets = sources_.sockets;
  if (SocketPolicyRef known = sockets.Find(cookie)) {
    return known;
  }
  const bool is_proven = question.sender.kind == Owner::Kind::kUnknown ||
                         (question.opening == Opening::kSynAck &&
                          question.direction == Direction::kOutbound);
  if (!is_proven) {
    if (!sockets.HasUnclaimed(question.key)) {
      return SocketPolicyRef();
    }
    const Owner now = AskKernel(question.key);
    if (now.kind == Owner::Kind::kUnknown) {
      return DropReason::kOwnerUnknown;
    }
    if (now.kind != Owner::Kind::kSocket || now.cookie != cookie) {
      return SocketPolicyRef();
    }
  }
  return sockets.Adopt(cookie, question.key);
}

// kNobody, with a cookie that is nobody's, when nobody listens.
Opinion<Owner> FlowResolver::AskForListener(const FlowKey& key) {
  const Owner owner = AskKernel(ListenersKey(key));
  if (owner.kind == Owner::Kind::kUnknown) {
    return DropReason::kOwnerUnknown;
  }
  const bool listens = owner.kind == Owner::Kind::kSocket &&
                       owner.role == Owner::Role::kListener;
  return listens ? owner : Owner{.kind = Owner::Kind::kNobody};
}

Passage FlowResolver::Inherit(Flow& flow, Instant now) {
  if (!flow.listener && !flow.listens) {
    return Pass();
  }
  const LevelSet levels = flow.listener ? flow.listener->levels() : LevelSet();
  const WishesRef wishes =
      flow.listener ? flow.listener->wishes().Load() : nullptr;
  if (levels.empty() && !wishes && !(flow.listens && flow.by_cgroup)) {
    return Pass();
  }
  const Result<SocketPolicyRef> copy =
      sources_.sockets.Inherit(flow.key, levels, now);
  if (!copy.ok() || (wishes && !(*copy)->SetWishes(wishes).ok())) {
    return DropReason::kTableFull;
  }
  (*copy)->NoteCgroup(flow.cgroup);
  flow.policy = *copy;
  flow.listener = nullptr;
  flow.listens = false;
  return Pass();
}

}  // namespace postern
