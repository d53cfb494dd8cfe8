// SPDX-License-Identifier: Apache-2.0

#include "daemon/socket_levels.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>

namespace postern {

bool HasConnections(const SocketFacts& facts) {
  return (facts.type == SOCK_STREAM && facts.protocol == IPPROTO_TCP) ||
         (facts.type == SOCK_DGRAM && facts.protocol == IPPROTO_UDP);
}

Category CategoryOf(ApiCategory category) {
  switch (category) {
    case ApiCategory::kEspTransport:
      return Category::kEspTransport;
    case ApiCategory::kAh:
      return Category::kAh;
    case ApiCategory::kEspNetwork:
      return Category::kEspNetwork;
  }
  std::abort();
}

Level LevelOf(ApiLevel level) {
  switch (level) {
    case ApiLevel::kBypass:
      return Level::kBypass;
    case ApiLevel::kNone:
      return Level::kNone;
    case ApiLevel::kAvail:
      return Level::kAvail;
    case ApiLevel::kUse:
      return Level::kUse;
    case ApiLevel::kRequire:
      return Level::kRequire;
    case ApiLevel::kUnique:
      return Level::kUnique;
    case ApiLevel::kAbsent:
      break;
  }
  std::abort();
}

ApiLevel ApiLevelOf(Level level) {
  switch (level) {
    case Level::kBypass:
      return ApiLevel::kBypass;
    case Level::kNone:
      return ApiLevel::kNone;
    case Level::kAvail:
      return ApiLevel::kAvail;
    case Level::kUse:
      return ApiLevel::kUse;
    case Level::kRequire:
      return ApiLevel::kRequire;
    case Level::kUnique:
      return ApiLevel::kUnique;
  }
  std::abort();
}

std::optional<FlowKey> FlowOf(const SocketFacts& facts) {
  if (!facts.remote) {
    return std::nullopt;
  }
  return FlowKey{.local = facts.local.address,
                 .remote = facts.remote->address,
                 .local_port = facts.local.port,
                 .remote_port = facts.remote->port,
                 .protocol = static_cast<std::uint8_t>(facts.protocol)};
}

// A raw or ICMP socket whose levels can be enforced.
bool SocketLevels::IsRaw(const SocketFacts& facts) const {
  return raw_ != nullptr && raw_->CanBeEnforced(facts);
}

int SocketLevels::Meet(const ApiRequest& request, const SocketFacts& facts,
                       int descriptor) {
  const bool begins = request.type == ApiRequestType::kSetLevel &&
                      Judge(request, facts) == 0 && IsRaw(facts);
  return begins && !raw_->Watch(descriptor, facts).ok() ? ENOBUFS : 0;
}

Result<SocketPolicyRef> ObtainFor(const SocketFacts& facts,
                                  SocketTable& sockets) {
  const std::optional<FlowKey> flow = FlowOf(facts);
  return facts.type == SOCK_STREAM && flow ? sockets.Obtain(facts.cookie, *flow)
                                           : sockets.Obtain(facts.cookie);
}

// 0, or the errno with which the request is refused.
int SocketLevels::Judge(const ApiRequest& request,
                        const SocketFacts& facts) const {
  if (facts.network_namespace != host_) {
    return ENETUNREACH;
  }
  if (!HasConnections(facts) && !IsRaw(facts)) {
    return EOPNOTSUPP;
  }
  // Dual-stack sockets have one triple, which both families' options name; an
  // IPv4 socket has no IPv6 options, as in the kernel.
  if (NamesCategory(request.type) && request.family == ApiFamily::kIpv6 &&
      facts.domain != AF_INET6) {
    return ENOPROTOOPT;
  }
  return 0;
}

// What a caller without privilege may do; see UserLevels.
bool SocketLevels::UserMaySet(Level wanted, Level now) const {
  if (wanted == Level::kBypass) {
    return false;
  }
  switch (user_levels_) {
    case UserLevels::kFree:
      return true;
    case UserLevels::kStrengthen:
      return now == Level::kBypass || wanted >= now;
    case UserLevels::kLocked:
      return wanted == now;
  }
  return false;
}

// A child that accept() returned inherited its levels when its SYN was admitted
// (API-33); its cookie may not have been seen by then.
void SocketLevels::AdoptChild(const SocketFacts& facts) {
  const std::optional<FlowKey> flow = FlowOf(facts);
  if (facts.type == SOCK_STREAM && flow) {
    sockets_.Adopt(facts.cookie, *flow);
  }
}

Level SocketLevels::LevelNow(const SocketFacts& facts,
                             Category category) const {
  const SocketPolicyRef policy = sockets_.Find(facts.cookie);
  return policy ? policy->levels().of(category) : Level::kNone;
}

// 0, or the errno with which the request is refused.
int SocketLevels::Set(const ApiRequest& request, const SocketFacts& facts,
                      const IsPrivileged& is_privileged) {
  const Category category = CategoryOf(request.category);
  const Level wanted = LevelOf(request.level);
  LevelSet alone;
  alone.Set(category, wanted);
  if (!limits_.Check(alone).ok()) {
    return EOPNOTSUPP;
  }
  if (!UserMaySet(wanted, LevelNow(facts, category)) && !is_privileged()) {
    return EACCES;
  }
  const Result<SocketPolicyRef> policy = sockets_.Obtain(facts.cookie);
  if (!policy.ok()) {
    return ENOBUFS;
  }
  if (IsRaw(facts)) {
    raw_->Add(facts, *policy);
  }
  (*policy)->SetLevel(category, wanted);
  return 0;
}

SocketLevels::Outcome SocketLevels::Obey(const ApiRequest& request,
                                         const SocketFacts& facts,
                                         const IsPrivileged& is_privileged) {
  Outcome outcome{.reply = {.to = request.type,
                            .request_id = request.request_id,
                            .error = Judge(request, facts)}};
  if (outcome.reply.error != 0) {
    return outcome;
  }
  AdoptChild(facts);
  if (!NamesCategory(request.type)) {
    return outcome;
  }
  if (request.type == ApiRequestType::kSetLevel) {
    outcome.reply.error = Set(request, facts, is_privileged);
    if (outcome.reply.error != 0) {
      return outcome;
    }
    outcome.visible = Visible::kAfterGracePeriod;
  }
  outcome.reply.level =
      ApiLevelOf(LevelNow(facts, CategoryOf(request.category)));
  return outcome;
}

}  // namespace postern
