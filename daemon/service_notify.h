// SPDX-License-Identifier: Apache-2.0
//
// Tells the service manager how we are, by sd_notify(3)'s protocol: one
// datagram to the socket that $NOTIFY_SOCKET names.
//
// Thread safety: reads the environment, as getenv() does.

#ifndef POSTERN_DAEMON_SERVICE_NOTIFY_H_
#define POSTERN_DAEMON_SERVICE_NOTIFY_H_

#include <string_view>

namespace postern {

// For example "READY=1" or "STOPPING=1". No effect when no service manager
// listens; failures are ignored, as nobody could act on them.
void NotifyService(std::string_view state);

}  // namespace postern

#endif  // POSTERN_DAEMON_SERVICE_NOTIFY_H_
