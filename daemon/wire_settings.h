// SPDX-License-Identifier: Apache-2.0
//
// The wire as administrators write it: the configuration's [wire] with its
// [[wire.peer]] and [wire.faults].
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_DAEMON_WIRE_SETTINGS_H_
#define POSTERN_DAEMON_WIRE_SETTINGS_H_

#include <string>
#include <string_view>

#include "core/error.h"
#include "daemon/network_config.h"
#include "settings/section.h"

namespace postern {

// Reads all keys and calls section.Finish(). `directory` is where relative file
// names start; the host's name gives the interface its own.
WireConfig ReadWire(Section& section, const std::string& directory,
                    const std::string& host_name);

// The host's addresses are read after its wire: refuses, at [tun] addresses,
// those with which no peer can be reached.
void CheckOwnAddresses(Section& tun, const NetworkConfig& network);

// "wire-" and the host, where it fits into an interface's name.
std::string DefaultWireName(const std::string& host_name);

// As the kernel's dev_valid_name(). Errors: kInvalid.
Result<std::string> ParseLinkName(std::string_view text);

}  // namespace postern

#endif  // POSTERN_DAEMON_WIRE_SETTINGS_H_
