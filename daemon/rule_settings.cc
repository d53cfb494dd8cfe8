// SPDX-License-Identifier: Apache-2.0

#include "daemon/rule_settings.h"

#include <array>
#include <string>
#include <utility>

#include "daemon/route_settings.h"
#include "settings/selector_settings.h"

namespace postern {
namespace {

constexpr std::array<std::pair<std::string_view, Rule::Ways>, 3> kWays = {
    {{"both", Rule::Ways::kBoth},
     {"outbound", Rule::Ways::kOutbound},
     {"inbound", Rule::Ways::kInbound}}};

Result<std::string> ParseName(std::string_view text) {
  if (text.empty() || text.size() > 64 ||
      text.find_first_of(" \t\r\n\"") != std::string_view::npos) {
    return Invalid("write a name of 1 to 64 characters, without spaces.");
  }
  return std::string(text);
}

Result<Rule::Verdict> ParseVerdict(std::string_view text) {
  for (const Rule::Verdict verdict :
       {Rule::Verdict::kProtect, Rule::Verdict::kBypass,
        Rule::Verdict::kDiscard}) {
    if (text == NameOf(verdict)) {
      return verdict;
    }
  }
  return Invalid("write \"protect\", \"bypass\" or \"discard\".");
}

Result<Rule::Ways> ParseWays(std::string_view text) {
  for (const auto& [name, ways] : kWays) {
    if (text == name) {
      return ways;
    }
  }
  return Invalid("write \"both\", \"outbound\" or \"inbound\".");
}

}  // namespace

std::optional<Rule> ReadRule(Section& section) {
  Rule rule;
  if (section.RequireText("name")) {
    rule.name = section.Parsed("name", ParseName).value_or("");
  }
  if (section.RequireText("verdict")) {
    rule.verdict =
        section.Parsed("verdict", ParseVerdict).value_or(rule.verdict);
  }
  rule.ways = section.Parsed("direction", ParseWays).value_or(rule.ways);
  rule.selector = ReadSelector(section, kHostsEnds);
  rule.levels = ReadLevels(section);
  rule.gateway = section.Parsed("gateway", IpAddress::Parse);
  section.Finish();
  if (!section.clean()) {
    return std::nullopt;
  }
  if (const Status valid = Validate(rule); !valid.ok()) {
    section.Refuse("", valid.error().message);
    return std::nullopt;
  }
  return rule;
}

Result<RuleTable::Otherwise> ParseOtherwise(std::string_view text) {
  if (text == "levels") {
    return RuleTable::Otherwise::kNoLevels;
  }
  if (text == "discard") {
    return RuleTable::Otherwise::kDiscard;
  }
  return Invalid("write \"levels\" or \"discard\".");
}

std::string_view NameOf(RuleTable::Otherwise otherwise) {
  return otherwise == RuleTable::Otherwise::kDiscard ? "discard" : "levels";
}

Status Check(const WireLimits& limits, const Rule& rule) {
  if (Status carried = limits.Check(rule.levels); !carried.ok()) {
    return carried;
  }
  Route route;
  route.gateway = rule.gateway;
  return limits.CheckGateway(route);
}

Value Describe(const Rule& rule) {
  Object members;
  members.push_back({"name", rule.name, {}});
  members.push_back({"verdict", NameOf(rule.verdict), {}});
  for (const auto& [name, ways] : kWays) {
    if (ways == rule.ways) {
      members.push_back({"direction", name, {}});
    }
  }
  for (Member& member : Describe(rule.selector, kHostsEnds)) {
    members.push_back(std::move(member));
  }
  for (const Category category : kCategories) {
    if (rule.levels.of(category) != Level::kNone) {
      members.push_back({std::string(NameOf(category)),
                         NameOf(rule.levels.of(category)),
                         {}});
    }
  }
  if (rule.gateway) {
    members.push_back({"gateway", rule.gateway->ToString(), {}});
  }
  return MakeObject(std::move(members));
}

}  // namespace postern
