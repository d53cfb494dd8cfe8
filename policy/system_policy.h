// SPDX-License-Identifier: Apache-2.0
//
// SystemPolicy publishes to the workers what administrators have said: the routes'
// levels, the rules, and the cgroups' levels, each table replaced as a whole; and
// it says what routes and rules together demand of a packet:
//
//     discarded     by a route, a rule, or since neither names it and the host
//                   discards such packets; nothing outweighs that
//     levels        the route's; none where a rule bypasses; where a rule
//                   protects the stronger of both, category by category
//
// Thread safety: reading is Thread-safe for registered RCU readers, replacing is
// Control-confined.
// Cost of DemandOn(): the two tables' look-ups; without rules that of the routes.

#ifndef POSTERN_POLICY_SYSTEM_POLICY_H_
#define POSTERN_POLICY_SYSTEM_POLICY_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "core/drop_reason.h"
#include "core/rcu.h"
#include "policy/cgroup_table.h"
#include "policy/route_table.h"
#include "policy/rule_table.h"

namespace postern {

struct SystemDemand {
  std::optional<DropReason> discard;
  LevelSet levels;
  std::optional<IpAddress> gateway;
  std::optional<IpAddress> gateway_source;
};

class SystemPolicy {
 public:
  SystemPolicy();

  // Valid until the reader's next quiescent state.
  const RouteTable& routes() const { return table_.Read(); }

  // Likewise.
  const RuleTable& rules() const { return rules_.Read(); }

  // Likewise. Empty: no rules.
  const CgroupTable& cgroups() const { return cgroups_.Read(); }

  SystemDemand DemandOn(const Traffic& traffic) const;

  // Rises with every replacement, of any table.
  std::uint64_t generation() const {
    return generation_.load(std::memory_order_acquire);
  }

  // Returns when no worker uses the old table any more: every later packet
  // obeys the new one.
  void Replace(RouteTable table);
  void ReplaceRules(RuleTable table);
  void ReplaceCgroups(CgroupTable table);

 private:
  void NoteReplacement();

  std::atomic<std::uint64_t> generation_{1};
  RcuPointer<RouteTable> table_;
  RcuPointer<RuleTable> rules_;
  RcuPointer<CgroupTable> cgroups_;
};

}  // namespace postern

#endif  // POSTERN_POLICY_SYSTEM_POLICY_H_
