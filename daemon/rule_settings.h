// SPDX-License-Identifier: Apache-2.0
//
// Rules (policy/rule_table.h) as administrators write and read them: the same keys
// in the configuration's [[policy]], in requests and in answers.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_DAEMON_RULE_SETTINGS_H_
#define POSTERN_DAEMON_RULE_SETTINGS_H_

#include <optional>

#include "daemon/wire_limits.h"
#include "policy/rule_table.h"
#include "settings/section.h"
#include "settings/value.h"

namespace postern {

// Reads all keys and calls section.Finish(). Nothing when there was a defect,
// which the section then has; what is returned passed Validate().
std::optional<Rule> ReadRule(Section& section);

// [host] default: "levels" or "discard".
Result<RuleTable::Otherwise> ParseOtherwise(std::string_view text);
std::string_view NameOf(RuleTable::Otherwise otherwise);

// Whether the wire can carry what the rule demands. Errors: kUnsupported.
Status Check(const WireLimits& limits, const Rule& rule);

Value Describe(const Rule& rule);

}  // namespace postern

#endif  // POSTERN_DAEMON_RULE_SETTINGS_H_
