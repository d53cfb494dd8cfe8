// SPDX-License-Identifier: Apache-2.0
//
// The route table gives each remote address its system levels: the draft's
// section 4 (per-route levels). The most specific prefix decides alone: it
// replaces the entries above it, it does not add to them. The entry for the
// whole family is the systemwide default; without one, every level is NONE.
//
// Thread safety: Immutable.
// Cost: Find() probes one hash table per distinct prefix length, longest
// first; it is asked once a flow, not once a packet.

#ifndef POSTERN_POLICY_ROUTE_TABLE_H_
#define POSTERN_POLICY_ROUTE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/error.h"
#include "core/net/ip_address.h"
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
  // This end of that tunnel; without it, the packet's own source.
  std::optional<IpAddress> gateway_source;
};

// Errors: kInvalid: a kBypass level, a gateway without an ESP network level or
// not one host's, of another family than the prefix without a gateway_source, or
// with one of another family; levels beside kDiscard.
Status Validate(const Route& route);

class RouteTable {
 public:
  // No routes: every level NONE.
  RouteTable() = default;

  // Errors: those of Validate(), kExists (a prefix twice).
  static Result<RouteTable> Create(std::vector<Route> routes);

  // Never fails: there is always a default.
  const Route& Find(const IpAddress& remote) const;

  // Whether Find()'s answer is the default, as no route names the address.
  bool IsDefault(const Route& found) const { return &found == &default_; }

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

}  // namespace postern

#endif  // POSTERN_POLICY_ROUTE_TABLE_H_
