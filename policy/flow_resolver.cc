// SPDX-License-Identifier: Apache-2.0

#include "policy/flow_resolver.h"

#include <algorithm>
#include <bit>

namespace postern {
namespace {

constexpr std::uint64_t kNeverSeen = 0;  // generations begin with 1

bool IsTcp(const FlowKey& key) {
  return key.protocol == Number(IpProtocol::kTcp);
}

// A datagram whose sender has closed its socket, or has bound it to another
// address than it sends from: the kernel finds nobody, yet somebody sent it.
bool MayOutliveItsSocket(const FlowKey& key, Direction direction) {
  return direction == Direction::kOutbound && !IsTcp(key) &&
         key.local_port != 0;
}

// What the kernel sends for a socket that is gone is still of its session.
std::optional<SocketCookie> SessionOf(const Flow& flow) {
  if (flow.wishes && flow.wishes->share) {
    return flow.wishes->share;
  }
  const bool is_listener = flow.role == Owner::Role::kListener;
  if (flow.cookie && !is_listener) {
    return flow.cookie;
  }
  // A listener has no session; a child, for which it speaks, has.
  return flow.policy && !flow.listens ? flow.policy->cookie() : std::nullopt;
}

}  // namespace

FlowResolver::FlowResolver(const Sources& sources, std::size_t flows)
    : sources_(sources), table_(flows) {}

Opinion<Flow*> FlowResolver::Answer(Question question) {
  const FlowKey& key = question.key;
  const CgroupId cgroup = question.sender.cgroup;
  // A segment of the kernel's own belongs to the connection it speaks for.
  const bool raw = IsTcp(key) && question.sender.role == Owner::Role::kRaw &&
                   !sources_.sockets.Find(question.sender.cookie);
  if (raw || (IsTcp(key) && question.sender.kind == Owner::Kind::kNobody)) {
    question.sender = Owner();
  }
  if (question.opening == Opening::kNone) {
    Flow* const flow = table_.Find(key, question.sender.cookie);
    if (flow != nullptr && Trusts(*flow, question) &&
        Refresh(*flow, question.aspect) &&
        !(flow->unasked && OwnerMatters(*flow, question))) {
      return raw || flow->unrecorded ? AlsoByCgroup(*flow, {.cgroup = cgroup})
                                     : flow;
    }
  }
  const Opinion<Flow*> flow = Ask(question);
  const bool more = flow.ok() && (raw || (*flow)->unrecorded);
  return more ? AlsoByCgroup(**flow, {.cgroup = cgroup}) : flow;
}

// A socket that the packet names is its owner for ever; that it is nobody's
// holds until sockets come. Otherwise a TCP connection keeps its owner until a
// SYN opens the next one, and a datagram flow can pass to another one untold.
// Of what nobody was asked for that is no matter.
bool FlowResolver::Trusts(const Flow& flow, const Question& question) const {
  const bool sockets_as_seen =
      flow.seen_sockets == sources_.sockets.generation();
  if (flow.unasked) {
    return true;
  }
  if (question.sender.kind != Owner::Kind::kUnknown) {
    return flow.cookie || sockets_as_seen;
  }
  return IsTcp(flow.key)
             ? !flow.opened.stale()
             : sockets_as_seen && question.now - flow.asked < kTrust;
}

// Who has it cannot change what is done with a packet that came, as long as no
// socket and no cgroup has anything to say, and an error that tells of it leaves
// by the same categories anyway (NoteArrival()). Ask after the flow was judged:
// what comes meanwhile raises a generation that it has not seen.
bool FlowResolver::OwnerMatters(const Flow& flow,
                                const Question& question) const {
  const std::uint8_t protocol = question.key.protocol;
  const bool has_ports = protocol == Number(IpProtocol::kTcp) ||
                         protocol == Number(IpProtocol::kUdp);
  if (!question.came_by || !has_ports || sources_.sockets.anybody() ||
      AnyRules()) {
    return true;
  }
  return std::ranges::any_of(kCategories, [&](Category category) {
    return question.came_by->Has(category) &&
           !ForbidsClear(flow.effective.of(category));
  });
}

Opinion<Flow*> FlowResolver::Ask(const Question& question) {
  const FlowKey& key = question.key;
  const Owner known = RecallOwner(question);
  table_.Erase(key, question.sender.cookie);
  table_.Erase(key);
  if (question.opening == Opening::kSyn &&
      question.direction == Direction::kOutbound) {
    sources_.sockets.ForgetFlow(key);
  }
  passing_ = Flow{};
  passing_.key = key;
  passing_.aspect = question.aspect;
  passing_.sender = question.sender.cookie;
  passing_.asked = question.now;
  if (sources_.openings != nullptr) {
    passing_.opened = sources_.openings->Note(key, question.opening);
  }
  // Read before the look-ups: what changes meanwhile is looked up again.
  passing_.seen_sockets = sources_.sockets.generation();
  Judge(passing_);
  if (passing_.discard) {
    return &passing_;
  }
  if (!OwnerMatters(passing_, question)) {
    passing_.unasked = true;
    return Keep();
  }
  const Owner owner = question.sender.kind == Owner::Kind::kUnknown
                          ? AskKernel(key)
                          : question.sender;
  switch (owner.kind) {
    case Owner::Kind::kUnknown:
      return DropReason::kOwnerUnknown;
    case Owner::Kind::kNobody:
      return AskForNobody(question);
    case Owner::Kind::kSocket:
      break;
  }
  passing_.cookie = owner.cookie;
  passing_.role = owner.role;
  const Opinion<CgroupId> cgroup = AskForCgroup(owner, known, key);
  if (!cgroup.ok()) {
    return cgroup.error();
  }
  passing_.cgroup = *cgroup;
  switch (owner.role) {
    case Owner::Role::kListener:
      LookUpListener(question, sources_.sockets.Find(owner.cookie));
      return &passing_;
    case Owner::Role::kRaw:
      return AskForRaw(question);
    case Owner::Role::kEndpoint:
      break;
  }
  return AskForEndpoint(question, owner);
}

Flow* FlowResolver::AskForNobody(const Question& question) {
  const FlowKey& key = question.key;
  passing_.policy = IsTcp(key) ? sources_.sockets.FindFlow(key) : nullptr;
  Judge(passing_);
  if (question.sender.kind == Owner::Kind::kNobody) {
    return Keep();
  }
  if (MayOutliveItsSocket(key, question.direction)) {
    passing_.effective =
        Stricter(passing_.effective, sources_.sockets.Strongest());
  }
  // Any program may have sent it, in whatever cgroup it is.
  const bool by_any_cgroup =
      question.direction == Direction::kOutbound && !IsTcp(key) && AnyRules();
  if (by_any_cgroup) {
    passing_.effective =
        Stricter(passing_.effective, sources_.system.cgroups().Strictest());
  }
  if (question.direction == Direction::kOutbound && sources_.raw != nullptr &&
      sources_.raw->size() > 0) {
    // One of them may have sent it, and the next may be another's.
    passing_.effective =
        Stricter(passing_.effective,
                 sources_.raw->Outbound(key.local.family(), key.protocol));
    return &passing_;
  }
  // A datagram socket may be bound to these ports at any moment, silently.
  const bool keeps = IsTcp(key) || (key.local_port == 0 && !by_any_cgroup);
  return keeps ? Keep() : &passing_;
}

// Without levels of its own it may be the kernel's, and is nobody.
Flow* FlowResolver::AskForRaw(const Question& question) {
  passing_.policy = sources_.sockets.Find(question.sender.cookie);
  Judge(passing_);
  if (!passing_.policy && !passing_.by_cgroup) {
    passing_.cookie.reset();
    Judge(passing_);
  }
  // A connection's flow must not be remembered as this socket's.
  return IsTcp(question.key) ? &passing_ : Keep();
}

Owner FlowResolver::AskKernel(const FlowKey& key) {
  sources_.stats.Add(Count::kOwnerLookups);
  return sources_.owner.Find(key);
}

Flow* FlowResolver::Keep() {
  Flow& kept = table_.Insert(passing_.key, passing_.sender);
  passing_.last_use = kept.last_use;
  kept = passing_;
  Remember(kept);
  return &kept;
}

// Asks the kernel nothing: the owner is the same, what binds it may differ.
// False when it must be asked: a rule came, and it had not told the cgroup, or
// there was no rule for that of a raw socket.
bool FlowResolver::Refresh(Flow& flow, const Aspect& aspect) {
  const std::uint64_t sockets_now = sources_.sockets.generation();
  if (!flow.policy && !flow.unasked && flow.seen_sockets != sockets_now) {
    if (flow.cookie) {
      flow.policy = sources_.sockets.Find(*flow.cookie);
    } else if (IsTcp(flow.key)) {
      flow.policy = sources_.sockets.FindFlow(flow.key);
    }
    flow.seen_routes = flow.policy ? kNeverSeen : flow.seen_routes;
  }
  flow.seen_sockets = sockets_now;
  const std::uint32_t levels_now = flow.policy ? flow.policy->packed() : 0;
  const std::uint32_t wishes_now =
      flow.policy ? flow.policy->wishes().version() : 0;
  if (flow.seen_levels != levels_now || flow.seen_wishes != wishes_now ||
      flow.seen_routes != sources_.system.generation() ||
      std::bit_cast<std::uint32_t>(flow.aspect) !=
          std::bit_cast<std::uint32_t>(aspect)) {
    flow.aspect = aspect;
    const bool is_untold = flow.cgroup == kNoCgroup || !flow.cookie;
    if (is_untold && AnyRules() &&
        flow.seen_routes != sources_.system.generation()) {
      return false;
    }
    Judge(flow);
    Remember(flow);
  }
  return true;
}

// What the kernel sends for a socket that is gone has no owner to ask about.
void FlowResolver::Remember(Flow& flow) {
  flow.unrecorded = false;
  if (flow.policy && flow.cookie && flow.cgroup != kNoCgroup) {
    flow.policy->NoteCgroup(flow.cgroup);
  }
  if (!IsTcp(flow.key) || !flow.cookie) {
    return;
  }
  // Not one in TIME_WAIT: no notice of its end would take the entry away.
  if (flow.by_cgroup && flow.cgroup != kNoCgroup && !flow.policy) {
    const Result<SocketPolicyRef> made =
        sources_.sockets.ObtainForRule(*flow.cookie, flow.asked);
    flow.unrecorded = !made.ok();
    if (flow.unrecorded) {
      flow.seen_routes = kNeverSeen;  // try again with the next packet
      return;
    }
    (*made)->NoteCgroup(flow.cgroup);
    flow.policy = *made;
  }
  if (!flow.policy) {
    return;
  }
  if (flow.by_cgroup || !flow.policy->levels().empty() ||
      flow.policy->wishes().version() != 0) {
    sources_.sockets.Remember(*flow.cookie, flow.key);
  }
}

void FlowResolver::Judge(Flow& flow) const {
  // Both are read before what they stand for.
  flow.seen_routes = sources_.system.generation();
  flow.seen_levels = flow.policy ? flow.policy->packed() : 0;
  flow.seen_wishes = flow.policy ? flow.policy->wishes().version() : 0;
  flow.wishes = flow.seen_wishes != 0 ? flow.policy->wishes().Load() : nullptr;
  const SystemDemand demand = sources_.system.DemandOn({flow.key, flow.aspect});
  flow.discard = demand.discard;
  flow.gateway = demand.gateway;
  flow.gateway_source = demand.gateway_source;
  flow.session = SessionOf(flow);
  const LevelSet cgroup = CgroupDemand(flow);
  flow.by_cgroup = !cgroup.empty();
  flow.effective =
      Effective(flow.session ? demand.levels : WithoutSession(demand.levels),
                cgroup, LevelSet::Unpack(flow.seen_levels));
  flow.seen_sadb = 0;
  // An inherited connection gets its socket later: look again until then.
  if (flow.policy && !flow.session) {
    flow.seen_routes = kNeverSeen;
  }
}

}  // namespace postern
