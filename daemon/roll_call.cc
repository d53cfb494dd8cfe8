// SPDX-License-Identifier: Apache-2.0

#include "daemon/roll_call.h"

#include <vector>

namespace postern {

RollCall::Rest RollCall::Call(Instant now) {
  const Rest connections = CallConnections(now);
  const Rest owners = CallOwners(now);
  return connections == Rest::kMore ? connections : owners;
}

RollCall::Rest RollCall::CallOwners(Instant now) {
  const std::vector<SaOwners::Doubt> asked = owners_.TakeDoubted(kAtOnce);
  for (const SaOwners::Doubt& doubt : asked) {
    if (!MayLive(doubt)) {
      owners_.Retire(doubt.owner, now);
    }
  }
  return asked.size() < kAtOnce ? Rest::kNothing : Rest::kMore;
}

// The kernel can be asked about TCP and UDP only: of others "nobody" proves
// nothing. Ports of datagrams may be shared, those of a TCP connection are one
// socket's; but a socket may use the SAs of another one (ipsec_share()).
bool RollCall::MayLive(const SaOwners::Doubt& doubt) {
  if (doubt.flow.protocol != Number(IpProtocol::kTcp) &&
      doubt.flow.protocol != Number(IpProtocol::kUdp)) {
    return true;
  }
  const Owner found = kernel_.Find(doubt.flow);
  if (found.kind != Owner::Kind::kSocket || found.cookie == doubt.owner) {
    return found.kind != Owner::Kind::kNobody;
  }
  if (doubt.flow.protocol != Number(IpProtocol::kTcp)) {
    return true;
  }
  const SocketPolicyRef policy = sockets_.Find(found.cookie);
  const WishesRef wishes = policy ? policy->wishes().Load() : nullptr;
  return wishes && wishes->share == doubt.owner;
}

RollCall::Rest RollCall::CallConnections(Instant now) {
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
