// SPDX-License-Identifier: Apache-2.0
//
// The configuration's [path_mtu]: what is believed of ICMP errors in clear that
// say that AH and ESP packets are too big.
//
// Thread safety: plain values.

#ifndef POSTERN_DAEMON_PATH_MTU_SETTINGS_H_
#define POSTERN_DAEMON_PATH_MTU_SETTINGS_H_

#include "pipeline/path_mtu_news.h"
#include "settings/section.h"

namespace postern {

// Reads all keys and calls section.Finish(); what is absent or defective has its
// default.
PathMtuRules ReadPathMtuRules(Section& section);

}  // namespace postern

#endif  // POSTERN_DAEMON_PATH_MTU_SETTINGS_H_
