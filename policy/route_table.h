// SPDX-License-Identifier: Apache-2.0
//
// The route table gives each remote address its system levels: the draft's
// section 4 (per-route levels). The most specific prefix decides alone: it
// replaces the entries above it, it does not add to them. The entry for the
// whole family is the systemwide default; without one, every level is NONE.
//
// SystemPolicy publishes to the workers what administrators have said: one table
// of routes and one of cgroups (policy/cgroup_table.h), each replaced as a whole.
//
// Thread safety: RouteTable is Immutable. SystemPolicy: reading is Thread-safe
// for registered RCU readers, replacing is Control-confined.
// Cost: Find() probes one hash table per distinct prefix length, longest
// first; it is asked once a flow, not once a packet.

#ifndef POSTERN_POLICY_ROUTE_TABLE_H_
#define POSTERN_POLICY_ROUTE_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/error.h"
#include "core/net/ip_address.h"
#include "core/rcu.h"
#include "policy/cgroup_table.h"
#include "policy/level.h"

namespace postern {

struct Route {
  enum class Verdict : std::uint8_t { kLevels, kDiscard };

  IpPrefix prefix;  // of the remote address
  Verdict verdict = Verdict::kLevels;
  LevelSet levels;
  // The far end of the ESP network tunnel; without it the outer header has the
  // packet's own addresses.
  std::optional<IpAddress> gateway;
};

// Errors: kInvalid: a kBypass level, a gateway without an ESP network level,
// of another family than the prefix or not one host's, levels beside kDiscard.
Status Validate(const Route& route);

class RouteTable {
 public:
  // No routes: every level NONE.
  RouteTable() = default;

  // Errors: those of Validate(), kExists (a prefix twice).
  static Result<RouteTable> Create(std::vector<Route> routes);

  // Never fails: there is always a default.
  const Route& Find(const IpAddress& remote) const;

  // By prefix exactly; nullptr when there is none.
  const Route* Get(const IpPrefix& prefix) const;

  // A copy with this route added or replaced / removed. Errors: kNotFound.
  Result<RouteTable> With(Route route) const;
  Result<RouteTable> Without(const IpPrefix& prefix) const;

  // Longest prefix first.
  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Lengths {
    unsigned length = 0;
    std::unordered_map<IpAddress, std::size_t> by_address;  // -> routes_
  };

  bool Index(std::size_t position);

  std::vector<Route> routes_;
  std::vector<Lengths> v4_;  // longest first
  std::vector<Lengths> v6_;
  Route default_;
};

class SystemPolicy {
 public:
  SystemPolicy();

  // Valid until the reader's next quiescent state.
  const RouteTable& routes() const { return table_.Read(); }

  // Likewise. Empty: no rules.
  const CgroupTable& cgroups() const { return cgroups_.Read(); }

  // Rises with every replacement, of either table.
  std::uint64_t generation() const {
    return generation_.load(std::memory_order_acquire);
  }

  // Returns when no worker uses the old table any more: every later packet
  // obeys the new one.
  void Replace(RouteTable table);
  void ReplaceCgroups(CgroupTable table);

 private:
  void NoteReplacement();

  std::atomic<std::uint64_t> generation_{1};
  RcuPointer<RouteTable> table_;
  RcuPointer<CgroupTable> cgroups_;
};

}  // namespace postern

#endif  // POSTERN_POLICY_ROUTE_TABLE_H_
