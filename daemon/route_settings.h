// SPDX-License-Identifier: Apache-2.0
//
// Levels and routes as administrators write and read them: the same keys in the
// configuration's [levels] and [[route]], in the CLI's requests and its answers.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_DAEMON_ROUTE_SETTINGS_H_
#define POSTERN_DAEMON_ROUTE_SETTINGS_H_

#include <optional>

#include "policy/level.h"
#include "policy/route_table.h"
#include "settings/section.h"
#include "settings/value.h"

namespace postern {

// esp_transport, ah, esp_network; NONE where absent. Does not call Finish().
LevelSet ReadLevels(Section& section);

// The same keys, and bypass as well.
LevelSet ReadLevelsOrBypass(Section& section);

// Reads all keys and calls section.Finish(). Nothing when there was a defect,
// which the section then has; what is returned passed Validate().
// `own` are the host's addresses: a tunnel to a gateway of another family begins
// at the first of that family, if `gateway_source` does not say where.
std::optional<Route> ReadRoute(Section& section,
                               const std::vector<IpAddress>& own);

// 0.0.0.0/0 and ::/0 with these levels: the systemwide default.
std::vector<Route> DefaultRoutes(const LevelSet& levels);

Value Describe(const LevelSet& levels);
Value Describe(const Route& route);

}  // namespace postern

#endif  // POSTERN_DAEMON_ROUTE_SETTINGS_H_
