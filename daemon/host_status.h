// SPDX-License-Identifier: Apache-2.0
//
// Parts of `postern status`.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_DAEMON_HOST_STATUS_H_
#define POSTERN_DAEMON_HOST_STATUS_H_

#include "core/clock.h"
#include "daemon/network_config.h"
#include "daemon/socket_server.h"
#include "settings/value.h"

namespace postern {

// How many connections are open, and what became of the others.
Value Describe(const SocketServer& server);

// Which backend the crypto contexts of this process have.
Value DescribeCrypto();

// Whole seconds that have passed.
Value SecondsSince(Instant then);

// With what its kernel granted.
Value Describe(const TunConfig& tun, TunOffload offload);
Value Describe(const WireConfig& wire);

}  // namespace postern

#endif  // POSTERN_DAEMON_HOST_STATUS_H_
