// SPDX-License-Identifier: Apache-2.0

#include "daemon/socket_news.h"

#include "core/log/log.h"

namespace postern {

// SAs of an owner that nobody tells of stay until their lifetimes end. An entry
// that nobody tells of would stay for ever: it is not made.
void ListenWhenNeeded(SocketWatch& watch, SocketTable& sockets,
                      SaOwners& owners, CgroupRules& rules) {
  sockets.BeforeFirst([&watch] { return watch.Listen(); });
  rules.BeforeSet([&watch] { return watch.Listen(); });
  owners.BeforeNote([&watch] {
    if (const Status begun = watch.Listen(); !begun.ok()) {
      Log(LogLevel::kWarning, "socket_watch_failed",
          {{"reason", begun.error().message}});
    }
  });
}

bool IsMissed(const SocketTable& sockets, const SaOwners& owners,
              const SystemPolicy& system) {
  return sockets.anybody() || owners.owners() > 0 || !system.cgroups().empty();
}

}  // namespace postern
