// SPDX-License-Identifier: Apache-2.0

#include "daemon/route_settings.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "wire/udp_peers.h"

namespace postern {
namespace {

Result<Level> ParseSystemLevel(std::string_view text) {
  const std::optional<Level> level = FindLevel(text);
  if (!level || *level == Level::kBypass) {
    return Invalid("\"" + std::string(text) +
                   "\" is no level of a system or route: write none, avail, "
                   "use, require or unique.");
  }
  return *level;
}

Result<Level> ParseLevelOrBypass(std::string_view text) {
  return text == NameOf(Level::kBypass) ? Level::kBypass
                                        : ParseSystemLevel(text);
}

template <typename Parse>
LevelSet ReadEach(Section& section, Parse&& parse) {
  LevelSet levels;
  for (const Category category : kCategories) {
    if (const auto level = section.Parsed(NameOf(category), parse)) {
      levels.Set(category, *level);
    }
  }
  return levels;
}

Result<Route::Verdict> ParseVerdict(std::string_view text) {
  if (text == "levels") {
    return Route::Verdict::kLevels;
  }
  if (text == "discard") {
    return Route::Verdict::kDiscard;
  }
  return Invalid("\"" + std::string(text) +
                 "\" is no verdict: write discard, or leave the key out.");
}

}  // namespace

LevelSet ReadLevels(Section& section) {
  return ReadEach(section, ParseSystemLevel);
}

LevelSet ReadLevelsOrBypass(Section& section) {
  return ReadEach(section, ParseLevelOrBypass);
}

std::optional<Route> ReadRoute(Section& section,
                               const std::vector<IpAddress>& own) {
  Route route;
  if (section.RequireText("prefix")) {
    route.prefix =
        section.Parsed("prefix", IpPrefix::Parse).value_or(IpPrefix());
  }
  route.verdict =
      section.Parsed("verdict", ParseVerdict).value_or(Route::Verdict::kLevels);
  route.levels = ReadLevels(section);
  route.gateway = section.Parsed("gateway", IpAddress::Parse);
  route.gateway_source = section.Parsed("gateway_source", IpAddress::Parse);
  if (route.gateway_source &&
      std::ranges::find(own, *route.gateway_source) == own.end()) {
    section.Refuse("gateway_source", route.gateway_source->ToString() +
                                         " is no address of this host.");
  }
  if (route.gateway && !route.gateway_source &&
      route.gateway->family() != route.prefix.address().family()) {
    route.gateway_source = FirstOf(route.gateway->family(), own);
  }
  section.Finish();
  if (!section.clean()) {
    return std::nullopt;
  }
  if (const Status valid = Validate(route); !valid.ok()) {
    section.Refuse("", valid.error().message);
    return std::nullopt;
  }
  return route;
}

std::vector<Route> DefaultRoutes(const LevelSet& levels) {
  Route v4;
  v4.levels = levels;
  Route v6 = v4;
  constexpr std::array<std::uint8_t, 16> kUnspecified{};
  v6.prefix = IpPrefix(IpAddress::FromOctets(kUnspecified), 0);
  return {v4, v6};
}

Value Describe(const LevelSet& levels) {
  Object members;
  for (const Category category : kCategories) {
    members.push_back({.name = std::string(NameOf(category)),
                       .value = NameOf(levels.of(category)),
                       .name_place = {}});
  }
  return MakeObject(std::move(members));
}

Value Describe(const Route& route) {
  Object members;
  members.push_back({"prefix", route.prefix.ToString(), {}});
  const bool discards = route.verdict == Route::Verdict::kDiscard;
  members.push_back({"verdict", discards ? "discard" : "levels", {}});
  members.push_back({"levels", Describe(route.levels), {}});
  if (route.gateway) {
    members.push_back({"gateway", route.gateway->ToString(), {}});
  }
  if (route.gateway_source) {
    members.push_back({"gateway_source", route.gateway_source->ToString(), {}});
  }
  return MakeObject(std::move(members));
}

}  // namespace postern
