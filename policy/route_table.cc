// SPDX-License-Identifier: Apache-2.0

#include "policy/route_table.h"

#include <algorithm>
#include <string>
#include <utility>

namespace postern {
namespace {

std::string Subject(const Route& route) {
  return "The route " + route.prefix.ToString() + " ";
}

Status ValidateGateway(const Route& route, const IpAddress& gateway) {
  if (route.levels.of(Category::kEspNetwork) == Level::kNone) {
    return Invalid(Subject(route) +
                   "names a gateway but no esp_network level: set that level "
                   "too, or leave the gateway out.");
  }
  const IpFamily own = route.gateway_source ? route.gateway_source->family()
                                            : route.prefix.address().family();
  if (gateway.family() != own) {
    return Invalid(Subject(route) + "needs a gateway_source of the family of " +
                   "its gateway " + gateway.ToString() +
                   ": an address of this host at which the tunnel begins.");
  }
  if (gateway.is_unspecified() || gateway.is_multicast()) {
    return Invalid(Subject(route) + "needs one host as its gateway, not " +
                   gateway.ToString() + ".");
  }
  return Ok();
}

}  // namespace

Status Validate(const Route& route) {
  for (const Category category : kCategories) {
    if (route.levels.of(category) == Level::kBypass) {
      return Invalid(Subject(route) + "cannot have the level bypass in " +
                     std::string(NameOf(category)) +
                     ": only sockets and cgroups bypass; use none.");
    }
  }
  const bool discards = route.verdict == Route::Verdict::kDiscard;
  if (discards && (!route.levels.empty() || route.gateway)) {
    return Invalid(Subject(route) +
                   "discards and has levels besides: keep one of the two.");
  }
  if (route.gateway_source && !route.gateway) {
    return Invalid(Subject(route) +
                   "has a gateway_source and no gateway: name the tunnel's far "
                   "end, too.");
  }
  return route.gateway ? ValidateGateway(route, *route.gateway) : Ok();
}

Result<RouteTable> RouteTable::Create(std::vector<Route> routes) {
  RouteTable table;
  table.routes_ = std::move(routes);
  std::ranges::stable_sort(
      table.routes_, std::ranges::greater{},
      [](const Route& route) { return route.prefix.length(); });
  for (std::size_t i = 0; i < table.routes_.size(); ++i) {
    const Route& route = table.routes_[i];
    if (Status valid = Validate(route); !valid.ok()) {
      return valid.error();
    }
    if (!table.Index(i)) {
      return Error{ErrorCode::kExists,
                   Subject(route) + "is there twice: keep one of the two."};
    }
  }
  return table;
}

// False when the prefix is there already.
bool RouteTable::Index(std::size_t position) {
  const IpPrefix& prefix = routes_[position].prefix;
  std::vector<Lengths>& family =
      prefix.address().family() == IpFamily::kV4 ? v4_ : v6_;
  // Routes come longest first, so a new length belongs at the end.
  if (family.empty() || family.back().length != prefix.length()) {
    family.push_back({prefix.length(), {}});
  }
  return family.back().by_address.emplace(prefix.address(), position).second;
}

const Route& RouteTable::Find(const IpAddress& remote) const {
  for (const Lengths& lengths : remote.family() == IpFamily::kV4 ? v4_ : v6_) {
    const IpPrefix prefix(remote, lengths.length);
    const auto found = lengths.by_address.find(prefix.address());
    if (found != lengths.by_address.end()) {
      return routes_[found->second];
    }
  }
  return default_;
}

const Route* RouteTable::Get(const IpPrefix& prefix) const {
  const auto found = std::ranges::find(routes_, prefix, &Route::prefix);
  return found == routes_.end() ? nullptr : &*found;
}

Result<RouteTable> RouteTable::With(Route route) const {
  std::vector<Route> routes = routes_;
  const auto found = std::ranges::find(routes, route.prefix, &Route::prefix);
  if (found == routes.end()) {
    routes.push_back(std::move(route));
  } else {
    *found = std::move(route);
  }
  return Create(std::move(routes));
}

Result<RouteTable> RouteTable::Without(const IpPrefix& prefix) const {
  std::vector<Route> routes = routes_;
  const auto found = std::ranges::find(routes, prefix, &Route::prefix);
  if (found == routes.end()) {
    return Error{ErrorCode::kNotFound,
                 "There is no route " + prefix.ToString() +
                     ": ask for the list of routes to see what there is."};
  }
  routes.erase(found);
  return Create(std::move(routes));
}

}  // namespace postern
