// SPDX-License-Identifier: Apache-2.0
//
// The verbs of admin_verbs.h that are about rules.

#include <string>
#include <utility>

#include "daemon/admin_verbs.h"
#include "daemon/rule_settings.h"

namespace postern {

// In their order, and behind them what becomes of the rest (SPD-07).
Result<AdminReply> AdminVerbs::ListRules(Section& /*none*/) {
  const RuleTable& table = parts_.system.rules();
  Array rules;
  for (const Rule& rule : table.rules()) {
    rules.push_back(Describe(rule));
  }
  return Whole(MakeObject({{"rules", std::move(rules), {}},
                           {"default", NameOf(table.otherwise()), {}}}));
}

Result<AdminReply> AdminVerbs::SetRule(Section& arguments) {
  const std::optional<std::string> before = arguments.Text("before");
  std::optional<Rule> rule = ReadRule(arguments);
  if (!rule) {
    return Refusal(defects_);
  }
  if (const Status carried = Check(limits_, *rule); !carried.ok()) {
    return carried.error();
  }
  const std::string name = rule->name;
  const Value event = MakeEvent("policy_set", {{"rule", Describe(*rule), {}}});
  Result<RuleTable> changed =
      parts_.system.rules().With(std::move(*rule), before);
  if (!changed.ok()) {
    return changed.error();
  }
  parts_.system.ReplaceRules(std::move(*changed));
  parts_.feed.Publish(event);
  return Whole(OneMember("set", name));
}

Result<AdminReply> AdminVerbs::DeleteRule(Section& arguments) {
  const std::string name = arguments.RequireText("name").value_or("");
  arguments.Finish();
  if (!defects_.empty()) {
    return Refusal(defects_);
  }
  Result<RuleTable> changed = parts_.system.rules().Without(name);
  if (!changed.ok()) {
    return changed.error();
  }
  parts_.system.ReplaceRules(std::move(*changed));
  parts_.feed.Publish(MakeEvent("policy_deleted", {{"name", name, {}}}));
  return Whole(OneMember("deleted", name));
}

}  // namespace postern
