// SPDX-License-Identifier: Apache-2.0

#include "policy/rule_table.h"

#include <algorithm>
#include <utility>

namespace postern {
namespace {

std::string Subject(const Rule& rule) {
  return "The rule \"" + rule.name + "\" ";
}

Status ValidateGateway(const Rule& rule, const IpAddress& gateway) {
  if (rule.levels.of(Category::kEspNetwork) == Level::kNone) {
    return Invalid(Subject(rule) +
                   "names a gateway but no esp_network level: set that level "
                   "too, or leave the gateway out.");
  }
  const std::vector<AddressRange>& ends = rule.selector.destination.ranges();
  if (gateway.is_unspecified() || gateway.is_multicast() ||
      (!ends.empty() && ends[0].first.family() != gateway.family())) {
    return Invalid(Subject(rule) +
                   "needs one host of its own family as its gateway, not " +
                   gateway.ToString() + ".");
  }
  return Ok();
}

Status ValidateLevels(const Rule& rule) {
  if (rule.levels.empty()) {
    return Invalid(Subject(rule) +
                   "protects and has no level: set esp_transport, ah or "
                   "esp_network to require or unique.");
  }
  for (const Category category : kCategories) {
    const Level level = rule.levels.of(category);
    if (level != Level::kNone && level != Level::kRequire &&
        level != Level::kUnique) {
      return Invalid(Subject(rule) + "has the level " +
                     std::string(NameOf(level)) + " in " +
                     std::string(NameOf(category)) +
                     ": a rule protects with require or unique; give weaker "
                     "levels to a route.");
    }
  }
  return rule.gateway ? ValidateGateway(rule, *rule.gateway) : Ok();
}

auto Named(const std::vector<Rule>& rules, std::string_view name) {
  return std::ranges::find(rules, name, &Rule::name);
}

Error NoSuchRule(std::string_view name) {
  return {ErrorCode::kNotFound,
          "There is no rule \"" + std::string(name) +
              "\": ask for the list of rules to see what there is."};
}

}  // namespace

std::string_view NameOf(Rule::Verdict verdict) {
  switch (verdict) {
    case Rule::Verdict::kProtect:
      return "protect";
    case Rule::Verdict::kBypass:
      return "bypass";
    case Rule::Verdict::kDiscard:
      break;
  }
  return "discard";
}

Status Validate(const Rule& rule) {
  if (rule.name.empty()) {
    return Invalid("A rule needs a name.");
  }
  if (const Status meant = Validate(rule.selector); !meant.ok()) {
    return Error{meant.error().code, Subject(rule) + "is not clear: " +
                                         meant.error().message + "."};
  }
  if (rule.verdict == Rule::Verdict::kProtect) {
    return ValidateLevels(rule);
  }
  if (!rule.levels.empty() || rule.gateway) {
    return Invalid(Subject(rule) + "has the verdict " +
                   std::string(NameOf(rule.verdict)) +
                   " and levels or a gateway besides: keep one of the two.");
  }
  return Ok();
}

Result<RuleTable> RuleTable::Create(std::vector<Rule> rules,
                                    Otherwise otherwise) {
  RuleTable table;
  table.otherwise_ = otherwise;
  for (Rule& rule : rules) {
    if (Status valid = Validate(rule); !valid.ok()) {
      return valid.error();
    }
    if (Named(table.rules_, rule.name) != table.rules_.end()) {
      return Error{ErrorCode::kExists,
                   Subject(rule) + "is there twice: give one another name."};
    }
    table.rules_.push_back(std::move(rule));
  }
  return table;
}

RuleTable::Finding RuleTable::Find(const Traffic& traffic) const {
  Finding finding;
  for (const Rule& rule : rules_) {
    if (!rule.Concerns(traffic.aspect.direction)) {
      continue;
    }
    const Fit fit = rule.selector.Judge(traffic, Direction::kOutbound);
    if (fit == Fit::kYes) {
      finding.rule = &rule;
      return finding;
    }
    if (fit == Fit::kUnclear) {
      finding.perhaps = Stricter(finding.perhaps, rule.levels);
      finding.perhaps_discarded |= rule.verdict == Rule::Verdict::kDiscard;
      finding.perhaps_bypassed |= rule.verdict == Rule::Verdict::kBypass;
    }
  }
  return finding;
}

Result<RuleTable> RuleTable::With(
    Rule rule, const std::optional<std::string>& before) const {
  std::vector<Rule> rules = rules_;
  if (before &&
      (*before == rule.name || Named(rules, *before) == rules.end())) {
    return NoSuchRule(*before);
  }
  const auto old = Named(rules, rule.name);
  if (old != rules.end() && !before) {
    rules[static_cast<std::size_t>(old - rules.cbegin())] = std::move(rule);
    return Create(std::move(rules), otherwise_);
  }
  if (old != rules.end()) {
    rules.erase(old);
  }
  rules.insert(before ? Named(rules, *before) : rules.cend(), std::move(rule));
  return Create(std::move(rules), otherwise_);
}

Result<RuleTable> RuleTable::Without(std::string_view name) const {
  std::vector<Rule> rules = rules_;
  const auto found = Named(rules, name);
  if (found == rules.end()) {
    return NoSuchRule(name);
  }
  rules.erase(found);
  return Create(std::move(rules), otherwise_);
}

}  // namespace postern
