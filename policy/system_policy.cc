// SPDX-License-Identifier: Apache-2.0

#include "policy/system_policy.h"

#include <memory>
#include <utility>

namespace postern {
namespace {

SystemDemand Discarded(DropReason reason) {
  return {.discard = reason, .levels = {}, .gateway = {}, .gateway_source = {}};
}

}  // namespace

SystemPolicy::SystemPolicy()
    : table_(std::make_unique<RouteTable>()),
      rules_(std::make_unique<RuleTable>()),
      cgroups_(std::make_unique<CgroupTable>()) {}

SystemDemand SystemPolicy::DemandOn(const Traffic& traffic) const {
  const Route& route = routes().Find(traffic.key.remote);
  if (route.verdict == Route::Verdict::kDiscard) {
    return Discarded(DropReason::kDiscardRoute);
  }
  SystemDemand demand = {.discard = {},
                         .levels = route.levels,
                         .gateway = route.gateway,
                         .gateway_source = route.gateway_source};
  const RuleTable& table = rules();
  if (table.silent()) {
    return demand;
  }
  const RuleTable::Finding finding = table.Find(traffic);
  if (finding.perhaps_discarded) {
    return Discarded(DropReason::kFragment);
  }
  if (finding.rule == nullptr) {
    const bool named = !routes().IsDefault(route);
    if (!named && table.otherwise() == RuleTable::Otherwise::kDiscard) {
      return Discarded(DropReason::kDiscardDefault);
    }
  } else if (finding.rule->verdict == Rule::Verdict::kDiscard) {
    return Discarded(DropReason::kDiscardRule);
  } else if (finding.rule->verdict == Rule::Verdict::kBypass) {
    demand.levels = LevelSet();
    demand.gateway.reset();
    demand.gateway_source.reset();
  } else {
    demand.levels = Stricter(demand.levels, finding.rule->levels);
    if (finding.rule->gateway) {
      demand.gateway = finding.rule->gateway;
      demand.gateway_source.reset();  // it is of the packets' own family
    }
  }
  demand.levels = Stricter(demand.levels, finding.perhaps);
  return demand;
}

void SystemPolicy::Replace(RouteTable table) {
  table_.Replace(std::make_unique<RouteTable>(std::move(table)));
  NoteReplacement();
}

void SystemPolicy::ReplaceRules(RuleTable table) {
  rules_.Replace(std::make_unique<RuleTable>(std::move(table)));
  NoteReplacement();
}

void SystemPolicy::ReplaceCgroups(CgroupTable table) {
  cgroups_.Replace(std::make_unique<CgroupTable>(std::move(table)));
  NoteReplacement();
}

// The generation rises only when the new table can be seen: a worker that noted
// it with the old table would keep the old levels for ever. The second grace
// period is for workers that compared the generation just before.
void SystemPolicy::NoteReplacement() {
  generation_.fetch_add(1, std::memory_order_acq_rel);
  RcuSynchronize();
}

}  // namespace postern
