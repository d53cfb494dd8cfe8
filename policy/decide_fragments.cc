// SPDX-License-Identifier: Apache-2.0
//
// Which fragments cannot be judged one by one, since a rule bypasses what only
// the first of their datagram shows (RFC 4301 7.4).

#include "core/net/fragment_place.h"
#include "policy/decide.h"

namespace postern {
namespace {

// The traffic of another fragment of the same datagram: without what only the
// first one shows, which in IPv6 may be even the protocol.
Traffic LaterThan(const Traffic& fragment, const IpView& view) {
  Traffic later = fragment;
  if (const auto place = FragmentPlace::Of(view, view.octets())) {
    later.key.protocol = place->protocol;
  }
  later.key.local_port = 0;
  later.key.remote_port = 0;
  later.aspect.shows = Aspect::Shows::kHidden;
  later.aspect.message = 0;
  return later;
}

bool IsDemanded(const SystemDemand& demand) {
  return demand.discard || !demand.levels.empty();
}

}  // namespace

bool OutboundPolicy::WantsWhole(const IpView& fragment) const {
  const SystemPolicy& system = flows_.system();
  if (fragment.fragment() != IpView::Fragment::kFirst ||
      system.rules().silent()) {
    return false;
  }
  const Opinion<FlowKey> key = fragment.Key(Direction::kOutbound);
  if (!key.ok()) {
    return false;
  }
  const Traffic first(*key, AspectOf(fragment, Direction::kOutbound));
  const Traffic later = LaterThan(first, fragment);
  const Rule* const rule = system.rules().Find(first).rule;
  return rule != nullptr && rule->verdict == Rule::Verdict::kBypass &&
         system.rules().Find(later).perhaps_bypassed &&
         IsDemanded(system.DemandOn(later));
}

bool InboundPolicy::WantsWhole(const IpView& fragment) const {
  if (system_.rules().silent()) {
    return false;
  }
  const Opinion<FlowKey> key = fragment.Key(Direction::kInbound);
  if (!key.ok()) {
    return false;
  }
  const Traffic later =
      LaterThan({*key, AspectOf(fragment, Direction::kInbound)}, fragment);
  return system_.rules().Find(later).perhaps_bypassed &&
         IsDemanded(system_.DemandOn(later));
}

}  // namespace postern
