// SPDX-License-Identifier: Apache-2.0
//
// A socket's policy for a dump: cookie, levels, and what it wishes of its SAs.
//
// Thread safety: a plain function, Thread-safe.

#ifndef POSTERN_DAEMON_SOCKET_DESCRIPTION_H_
#define POSTERN_DAEMON_SOCKET_DESCRIPTION_H_

#include "policy/level.h"
#include "policy/socket_wishes.h"
#include "settings/value.h"

namespace postern {

// Wishes that say nothing are left out; so are null ones.
Value DescribeSocket(SocketCookie cookie, const LevelSet& levels,
                     const WishesRef& wishes);

}  // namespace postern

#endif  // POSTERN_DAEMON_SOCKET_DESCRIPTION_H_
