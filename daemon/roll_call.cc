// SPDX-License-Identifier: Apache-2.0

#include "daemon/roll_call.h"

#include <vector>

namespace postern {

RollCall::Rest RollCall::Call(Instant now) {
  const std::vector<SocketTable::Connection> asked =
      sockets_.TakeDoubted(now, kAtOnce);
  for (const SocketTable::Connection& connection : asked) {
    // Without a flow: a later connection has its 5-tuple.
    const Owner owner = connection.flow ? kernel_.Find(*connection.flow)
                                        : Owner{.kind = Owner::Kind::kNobody};
    if (owner.kind == Owner::Kind::kUnknown) {
      sockets_.DoubtConnections(now);
      return Rest::kNothing;
    }
    if (owner.kind == Owner::Kind::kNobody ||
        owner.cookie != connection.cookie) {
      sockets_.Retire(connection.cookie, now);
      ++retired_;
    }
  }
  return asked.size() < kAtOnce ? Rest::kNothing : Rest::kMore;
}

}  // namespace postern
