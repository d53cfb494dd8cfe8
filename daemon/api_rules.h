// SPDX-License-Identifier: Apache-2.0
//
// What the administrator lets programs do with their own sockets: the table
// [api] of the configuration (docs/configuration.md).
//
// Thread safety: plain values.

#ifndef POSTERN_DAEMON_API_RULES_H_
#define POSTERN_DAEMON_API_RULES_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "settings/section.h"

namespace postern {

// Which changes of a socket's own levels its user may make (API-42). BYPASS is
// never among them; privileged callers are bound by none of this.
enum class UserLevels : std::uint8_t {
  kFree,        // every one
  kStrengthen,  // none below the level that the socket has
  kLocked,      // none at all
};

// Which algorithms and strengths its user may ask for.
enum class UserAlgorithms : std::uint8_t {
  kFree,        // every one
  kStrengthen,  // those that make a socket's wishes stricter, and weaken none
  kForbid,      // none
};

enum class Choice : std::uint8_t { kAny, kStronger };

constexpr bool Permits(UserAlgorithms rule, Choice choice) {
  return rule == UserAlgorithms::kFree ||
         (rule == UserAlgorithms::kStrengthen && choice == Choice::kStronger);
}

struct ApiRules {
  // Whose members are privileged, besides root and CAP_NET_ADMIN.
  std::optional<gid_t> bypass_group;
  UserLevels user_levels = UserLevels::kFree;
  UserAlgorithms user_algorithms = UserAlgorithms::kFree;
};

// Reads all keys and calls section.Finish(). A group's name is looked up in the
// machine's database.
ApiRules ReadApiRules(Section& section);

}  // namespace postern

#endif  // POSTERN_DAEMON_API_RULES_H_
