// SPDX-License-Identifier: Apache-2.0
//
// What [wire] says of a wire of the kind `tap` or `packet`, by which the host is a
// station of an Ethernet.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_DAEMON_ETHERNET_SETTINGS_H_
#define POSTERN_DAEMON_ETHERNET_SETTINGS_H_

#include <string>

#include "daemon/network_config.h"
#include "settings/section.h"

namespace postern {

// A tap's name, MTU and bridge; mac and gateways. The host's name gives the
// interface its own.
void ReadTapWire(Section& section, const std::string& host_name,
                 WireConfig& wire);

// The interface that is used, and its MTU; mac and gateways.
void ReadPacketWire(Section& section, WireConfig& wire);

// The host's addresses are read after its wire: refuses, at [tun] addresses, those
// with which a gateway cannot be asked for, or nobody can be reached.
void CheckGateways(Section& tun, const NetworkConfig& network);

}  // namespace postern

#endif  // POSTERN_DAEMON_ETHERNET_SETTINGS_H_
