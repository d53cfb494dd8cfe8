// SPDX-License-Identifier: Apache-2.0

#include "daemon/raw_levels.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <vector>

namespace postern {
namespace {

bool IsPing(const SocketFacts& facts) {
  return facts.type == SOCK_DGRAM &&
         (facts.protocol == IPPROTO_ICMP || facts.protocol == IPPROTO_ICMPV6);
}

}  // namespace

bool RawLevels::CanBeEnforced(const SocketFacts& facts) const {
  return IsPing(facts) ||
         (facts.type == SOCK_RAW && parts_.ownership == Ownership::kBpf);
}

Status RawLevels::Watch(int descriptor, const SocketFacts& facts) {
  if (parts_.raw.Has(facts.cookie)) {
    return Ok();
  }
  if (parts_.raw.size() >= RawSockets::kMost) {
    return Error{ErrorCode::kExhausted,
                 "Too many raw and ICMP sockets have levels: close some."};
  }
  return parts_.open.Watch(descriptor, facts.cookie);
}

void RawLevels::Add(const SocketFacts& facts, const SocketPolicyRef& policy) {
  parts_.raw.Add(
      {.cookie = facts.cookie,
       .kind = IsPing(facts) ? RawSockets::Kind::kPing : RawSockets::Kind::kRaw,
       .family = facts.domain == AF_INET ? IpFamily::kV4 : IpFamily::kV6,
       .protocol = static_cast<std::uint8_t>(facts.protocol),
       .policy = policy});
}

void RawLevels::Sweep(Instant now) {
  if (parts_.raw.size() == 0) {
    return;
  }
  const Result<std::vector<SocketCookie>> open = parts_.open.List();
  if (!open.ok()) {
    return;  // they stay, and bind: fail closed
  }
  for (const SocketCookie gone : parts_.raw.Retain(*open)) {
    parts_.sockets.Retire(gone, now);
    parts_.owners.Retire(gone, now);
  }
}

}  // namespace postern
