// SPDX-License-Identifier: Apache-2.0
//
// When the kernel is asked to tell of sockets that go: only while one that goes
// would take something with it (tun/socket_watch.h says what it costs).
//
//     an entry, an owner, a cgroup's rule   ListenWhenNeeded(): before it is made
//     every few seconds                     nobody IsMissed(): SocketWatch::Rest()
//
// Thread safety: Control-confined; what ListenWhenNeeded() leaves behind is called
// by whoever makes the first entry.

#ifndef POSTERN_DAEMON_SOCKET_NEWS_H_
#define POSTERN_DAEMON_SOCKET_NEWS_H_

#include "daemon/cgroup_rules.h"
#include "daemon/sa_owners.h"
#include "policy/socket_table.h"
#include "policy/system_policy.h"
#include "tun/socket_watch.h"

namespace postern {

// Before anybody makes entries. All of them live together.
void ListenWhenNeeded(SocketWatch& watch, SocketTable& sockets,
                      SaOwners& owners, CgroupRules& rules);

// Whether a socket that goes might take anything with it: its levels, those of its
// connection, its SAs; or leave its port to a cgroup that has a rule.
bool IsMissed(const SocketTable& sockets, const SaOwners& owners,
              const SystemPolicy& system);

}  // namespace postern

#endif  // POSTERN_DAEMON_SOCKET_NEWS_H_
