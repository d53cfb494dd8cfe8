// SPDX-License-Identifier: Apache-2.0

#include "policy/decide.h"

#include <algorithm>
#include <utility>

#include "core/net/icmp_error.h"

namespace postern {
namespace {

// Whether a fragment at the route's level may not be what its sender, whose
// level is at most `strongest`, was promised.
bool MayBreak(Level strongest, Level at_route) {
  return ForbidsClear(strongest) &&
         (!ForbidsClear(at_route) || strongest == Level::kUnique);
}

// Level at which a packet must not be accepted in clear. kBypass is above it in
// number only.
bool ForbidsClearInbound(Level level) {
  return level != Level::kBypass && level >= Level::kRequire;
}

DropReason Requires(Category category) {
  switch (category) {
    case Category::kEspTransport:
      return DropReason::kPolicyRequiresEspTransport;
    case Category::kAh:
      return DropReason::kPolicyRequiresAh;
    case Category::kEspNetwork:
      return DropReason::kPolicyRequiresEspNetwork;
  }
  return DropReason::kPolicyRequiresEspNetwork;
}

// Whether somebody may ask which SAs protect the socket. A datagram socket can
// have many peers, and another SA with each packet: it must ask first.
bool IsNoted(const Flow& flow) {
  const bool is_tcp = flow.key.protocol == Number(IpProtocol::kTcp);
  return flow.policy && (is_tcp || flow.policy->wishes().version() != 0);
}

// Whether the SA by which a category that was applied came is one that the
// receiver wishes.
bool IsWished(const TransformPath& path, Category category, const Flow& flow) {
  return flow.wishes == nullptr ||
         Accepts(flow.wishes.get(), path.Find(category)->parameters());
}

// What a flow needs in one category.
Need NeedOf(const Flow& flow, Category category) {
  const bool to_gateway = category == Category::kEspNetwork && flow.gateway;
  const bool unique = flow.effective.of(category) == Level::kUnique;
  return {.category = category,
          .source = to_gateway ? flow.gateway_source.value_or(flow.key.local)
                               : flow.key.local,
          .destination = to_gateway ? *flow.gateway : flow.key.remote,
          .owner = unique ? flow.session : std::nullopt,
          .wishes = flow.wishes,
          .flow = flow.key,
          .aspect = flow.aspect,
          .asker = flow.cookie};
}

// RFC 4301 6.2: no SA is made for an ICMP error that `own`, what binds it whatever
// it tells of, would not protect; nor one that only a socket's packets may have.
// What it tells of may need one, but may be made up.
bool MayAskForError(const Flow& error, CategorySet missing,
                    const LevelSet& own) {
  return std::ranges::all_of(kCategories, [&](Category category) {
    if (!missing.Has(category)) {
      return true;
    }
    const Need need = NeedOf(error, category);
    return ForbidsClear(own.of(category)) && !need.owner &&
           need.wishes == nullptr;
  });
}

// Listeners and the kernel answer whoever asks.
Need::Cause CauseOf(const Flow& flow, Opening opening) {
  const bool is_own = flow.cookie && flow.role != Owner::Role::kListener &&
                      opening != Opening::kSynAck;
  return is_own ? Need::Cause::kOwn : Need::Cause::kStranger;
}

// At UNIQUE nobody else's SA will do, and whose it must be is not known: the
// SYN-ACK of a syncookie has no socket yet.
bool LacksSession(const Flow& flow) {
  return !flow.session &&
         std::ranges::any_of(kCategories, [&flow](Category category) {
           return flow.effective.of(category) == Level::kUnique;
         });
}

bool AllUsable(const Bundle& bundle) {
  return std::ranges::all_of(bundle.associations(),
                             &SecurityAssociation::usable);
}

}  // namespace

Decision OutboundPolicy::Decide(const IpView& packet, const Owner& sender,
                                Instant now) {
  last_ = nullptr;
  const Opinion<FlowKey> key = packet.Key(Direction::kOutbound);
  if (!key.ok()) {
    return Discard{key.error()};
  }
  const Traffic traffic(*key, AspectOf(packet, Direction::kOutbound));
  if (packet.fragment() == IpView::Fragment::kLater) {
    return DecideFragment(traffic, sender);
  }
  if (!ShowsFlags(packet)) {
    return Discard{DropReason::kBadTransportHeader};
  }
  if (IsIcmpError(packet) && flows_.IsKernels(sender)) {
    return DecideError(packet, traffic, sender, now);
  }
  const Opening opening = OpeningOf(packet);
  const Opinion<Flow*> flow =
      flows_.Resolve(*key, opening, traffic.aspect, now, sender);
  if (!flow.ok()) {
    return Discard{flow.error()};
  }
  if (flows_.Remembers(**flow) && ContinuesFlow(packet)) {
    last_ = *flow;
    pattern_ = FlowPattern(*key, Direction::kOutbound);
    last_sender_ = sender;
  }
  return DecideFlow(**flow, CauseOf(**flow, opening));
}

Decision OutboundPolicy::DecideFlow(Flow& flow, Need::Cause cause) {
  if (flow.discard) {
    return Discard{*flow.discard};
  }
  if (LacksSession(flow)) {
    return Discard{DropReason::kOwnerUnknown};
  }
  // The generation first: only while it stands do the bundle's SAs.
  if (flow.seen_sadb != generation_ || !AllUsable(flow.bundle)) {
    BuildBundle(flow);
  }
  if (!flow.missing.empty()) {
    return NeedSa{flow.missing, &flow, cause};
  }
  if (flow.bundle.empty()) {
    return Bypass{};
  }
  return Protect{&flow.bundle};
}

Decision OutboundPolicy::DecideError(const IpView& packet,
                                     const Traffic& traffic,
                                     const Owner& sender, Instant now) {
  const Quotation quotation = QuotationOf(packet, Direction::kOutbound);
  if (quotation.kind == Quotation::Kind::kUnclear) {
    return flows_.IsOwedToAny(now)
               ? Discard{DropReason::kUnclearError}
               : DecideUnowned(traffic, DropReason::kUnclearError);
  }
  transient_ = flows_.OfFragment(traffic, sender);
  const LevelSet own = transient_.effective;
  if (quotation.kind == Quotation::Kind::kFlow) {
    Opinion<Flow> flow = flows_.OfError(traffic, quotation.flow, now, sender);
    if (!flow.ok()) {
      return Discard{flow.error()};
    }
    transient_ = std::move(*flow);
    told_of_ = &quotation.flow;
  }
  transient_.effective =
      Stricter(transient_.effective, flows_.OwedTo(quotation.flow, now));
  const Decision decision = DecideFlow(transient_, Need::Cause::kStranger);
  told_of_ = nullptr;
  const auto* need = std::get_if<NeedSa>(&decision);
  return need == nullptr || MayAskForError(transient_, need->missing, own)
             ? decision
             : Decision(Discard{DropReason::kErrorWithoutSa});
}

Decision OutboundPolicy::DecideFragment(const Traffic& traffic,
                                        const Owner& sender) {
  if (sender.kind == Owner::Kind::kUnknown) {
    return DecideUnowned(traffic, DropReason::kFragment);
  }
  transient_ = flows_.OfFragment(traffic, sender);
  return DecideFlow(transient_, CauseOf(transient_, Opening::kNone));
}

// By the route's levels, unless any socket's could forbid that.
Decision OutboundPolicy::DecideUnowned(const Traffic& traffic,
                                       DropReason reason) {
  transient_ = flows_.OfFragment(traffic);
  if (flows_.AnyoneWishes() && !transient_.effective.empty()) {
    return Discard{reason};
  }
  const LevelSet strongest =
      Stricter(flows_.StrongestSocket(), flows_.SystemLevels(traffic));
  for (const Category category : kCategories) {
    if (MayBreak(strongest.of(category), transient_.effective.of(category))) {
      return Discard{reason};
    }
  }
  return DecideFlow(transient_, Need::Cause::kStranger);
}

void OutboundPolicy::BuildBundle(Flow& flow) {
  flow.seen_sadb = generation_;
  flow.bundle = Bundle();
  flow.missing = CategorySet();
  for (const Category category : kCategories) {
    const Level level = flow.effective.of(category);
    if (level == Level::kNone || level == Level::kBypass) {
      continue;
    }
    Need need = NeedOf(flow, category);
    SecurityAssociation* association = FindFor(sadb_, need);
    if (association == nullptr && told_of_ != nullptr) {
      need.flow = *told_of_;
      need.aspect = Aspect();
      association = FindFor(sadb_, need);
    }
    if (association != nullptr) {
      flow.bundle.Add(*association);
    } else if (level != Level::kAvail) {
      flow.missing.Add(category);
    }
  }
  if (flow.missing.empty() && IsNoted(flow)) {
    flow.policy->record().Note(Direction::kOutbound,
                               flow.bundle.associations());
  }
}

Need NeedSa::Of(Category category) const {
  Need need = NeedOf(*flow, category);
  need.cause = cause;
  return need;
}

Passage InboundPolicy::Admit(const IpView& packet, const TransformPath& path,
                             Instant now) {
  last_ = nullptr;
  const Opinion<FlowKey> key = packet.Key(Direction::kInbound);
  if (!key.ok()) {
    return key.error();
  }
  const Traffic traffic(*key, AspectOf(packet, Direction::kInbound));
  const bool is_error = IsIcmpError(packet);
  if (const Passage matched = is_error
                                  ? MatchSelectorsOfError(packet, traffic, path)
                                  : MatchSelectors(traffic, path);
      !matched.ok()) {
    return matched;
  }
  if (packet.fragment() == IpView::Fragment::kLater) {
    return !path.empty() && MayRewriteFlags(packet)
               ? Passage(DropReason::kBadFragment)
               : AdmitUnowned(traffic, path, DropReason::kFragment);
  }
  if (!ShowsFlags(packet)) {
    return DropReason::kBadTransportHeader;
  }
  if (is_error) {
    return AdmitError(packet, traffic, path, now);
  }
  return AdmitToFlow(packet, traffic, path, now);
}

Passage InboundPolicy::AdmitToFlow(const IpView& packet, const Traffic& traffic,
                                   const TransformPath& path, Instant now) {
  const CategorySet applied = path.applied();
  const Opinion<Flow*> flow =
      flows_.ResolveArrival(traffic, OpeningOf(packet), applied, now);
  if (!flow.ok()) {
    return flow.error();
  }
  if (const Passage satisfied =
          Satisfies(**flow, flows_.DemandOfRaw(packet), path, applied);
      !satisfied.ok()) {
    return satisfied;
  }
  if (!path.empty()) {
    flows_.NoteArrival(**flow, applied, now);
  }
  const Passage inherited = flows_.Inherit(**flow, now);
  if (inherited.ok() && IsNoted(**flow)) {
    (*flow)->policy->record().Note(Direction::kInbound, path.associations());
  }
  const bool is_noted_one_by_one = !(*flow)->cookie && !(*flow)->unasked;
  if (inherited.ok() && flows_.Remembers(**flow) && !is_noted_one_by_one &&
      ContinuesFlow(packet)) {
    last_ = *flow;
    pattern_ = FlowPattern(traffic.key, Direction::kInbound);
    last_path_ = path;
  }
  return inherited;
}

// Raw and ping sockets are not asked: errors are exempt from their levels.
Passage InboundPolicy::AdmitError(const IpView& packet, const Traffic& traffic,
                                  const TransformPath& path, Instant now) {
  const Quotation quotation = QuotationOf(packet, Direction::kInbound);
  if (quotation.kind == Quotation::Kind::kUnclear) {
    return AdmitUnowned(traffic, path, DropReason::kUnclearError);
  }
  if (quotation.kind == Quotation::Kind::kNone) {
    return Satisfies(flows_.OfFragment(traffic), LevelSet(), path,
                     path.applied());
  }
  const Opinion<Flow> flow = flows_.OfError(traffic, quotation.flow, now);
  if (!flow.ok()) {
    return flow.error();
  }
  return Satisfies(*flow, LevelSet(), path, path.applied());
}

// Whether the path, by which these categories were applied, has what the flow's
// levels demand, and those of the raw sockets that get a copy.
Passage InboundPolicy::Satisfies(const Flow& flow, const LevelSet& raw,
                                 const TransformPath& path,
                                 CategorySet applied) {
  if (flow.discard) {
    return *flow.discard;
  }
  for (const Category category : kCategories) {
    const bool own = ForbidsClearInbound(flow.effective.of(category));
    const bool demanded = own || ForbidsClearInbound(raw.of(category));
    if ((demanded && !applied.Has(category)) ||
        (own && !IsWished(path, category, flow))) {
      return Requires(category);
    }
  }
  return Pass();
}

// RFC 4301 5.2: an SA speaks only for the packets that its selectors name.
Passage InboundPolicy::MatchSelectors(const Traffic& traffic,
                                      const TransformPath& path) const {
  for (const SecurityAssociation* association : path.associations()) {
    const SaParameters& sa = association->parameters();
    if (!sa.selector.Matches(traffic, Direction::kInbound) ||
        !SpeaksFor(sa, traffic)) {
      return DropReason::kSelectorMismatch;
    }
  }
  return Pass();
}

// Whether this packet may come by this SA.
bool InboundPolicy::SpeaksFor(const SaParameters& sa,
                              const Traffic& traffic) const {
  if (sa.source == traffic.key.remote) {
    return true;
  }
  if (!HasOuterHeader(sa.mode)) {
    return false;
  }
  return !sa.selector.source.any() ||
         system_.routes().Find(traffic.key.remote).gateway == sa.source ||
         system_.DemandOn(traffic).gateway == sa.source;
}

Passage InboundPolicy::AdmitUnowned(const Traffic& traffic,
                                    const TransformPath& path,
                                    DropReason reason) const {
  const Flow fragment = flows_.OfFragment(traffic);
  if (fragment.discard) {
    return *fragment.discard;
  }
  const LevelSet strongest = flows_.StrongestSocket();
  const CategorySet applied = path.applied();
  for (const Category category : kCategories) {
    const bool demanded = ForbidsClearInbound(strongest.of(category)) ||
                          ForbidsClearInbound(fragment.effective.of(category));
    if (demanded && (!applied.Has(category) || flows_.AnyoneWishes())) {
      return reason;
    }
  }
  return Pass();
}

}  // namespace postern
