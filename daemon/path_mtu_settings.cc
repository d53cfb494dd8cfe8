// SPDX-License-Identifier: Apache-2.0

#include "daemon/path_mtu_settings.h"

namespace postern {

PathMtuRules ReadPathMtuRules(Section& section) {
  PathMtuRules rules;
  if (section.Flag("believe") == false) {
    rules.belief = PathMtuRules::Belief::kNever;
  }
  if (const auto octets = section.Whole("least_ipv4", {68, 1500})) {
    rules.least_ipv4_octets = static_cast<std::size_t>(*octets);
  }
  if (const auto seconds = section.Whole("seconds", {1, 86'400})) {
    rules.lasts = std::chrono::seconds(*seconds);
  }
  section.Finish();
  return rules;
}

}  // namespace postern
