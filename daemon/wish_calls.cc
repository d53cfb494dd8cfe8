// SPDX-License-Identifier: Apache-2.0

#include "daemon/wish_calls.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <memory>
#include <utility>

namespace postern {
namespace {

// The protocol's enum begins with "absent", which no Identity is.
static_assert(static_cast<int>(WishIdentity::kPrefix) ==
              static_cast<int>(IdentityType::kPrefix));
static_assert(static_cast<int>(WishIdentity::kKeyId) ==
              static_cast<int>(IdentityType::kKeyId));

int ErrnoOf(const Error& error) {
  // No SA has a legacy algorithm that is not allowed.
  const bool can_be = error.code != ErrorCode::kUnsupported &&
                      error.code != ErrorCode::kForbidden;
  return can_be ? EINVAL : EOPNOTSUPP;
}

// The errno with which every request about such a socket is refused; 0: none.
int RefusalOf(const SocketFacts& facts, NamespaceCookie host) {
  if (facts.network_namespace != host) {
    return ENETUNREACH;
  }
  return HasConnections(facts) ? 0 : EOPNOTSUPP;
}

bool IsQuestion(const WishRequest& request) {
  return request.type == WishRequestType::kGetIdentity ||
         request.type == WishRequestType::kGetStatus;
}

// Absent: the request takes the identity away.
Expected<std::optional<Identity>, int> IdentityOf(const WishRequest& request) {
  if (request.identity == WishIdentity::kAbsent) {
    return std::optional<Identity>();
  }
  Result<Identity> identity = Identity::Make(
      static_cast<IdentityType>(request.identity), request.text.view());
  if (!identity.ok()) {
    return EINVAL;
  }
  return std::optional(std::move(*identity));
}

void Tell(const Identity& identity, WishIdentity& type, WishText& text) {
  type = static_cast<WishIdentity>(identity.type());
  text.Assign(identity.text());
}

// The route of a socket without a peer is the one for everything.
IpAddress RemoteOf(const SocketFacts& facts) {
  static constexpr std::array<std::uint8_t, 16> kUnspecified{};
  if (facts.remote) {
    return facts.remote->address;
  }
  return IpAddress::FromOctets(
      ConstBytes(kUnspecified).first(facts.domain == AF_INET ? 4 : 16));
}

void Describe(const ProtectionRecord& record, Category category,
              WishStatus& status) {
  const auto out = record.Find(Direction::kOutbound, category);
  const auto in = record.Find(Direction::kInbound, category);
  status.spi_out = out ? Number(out->spi) : 0;
  status.spi_in = in ? Number(in->spi) : 0;
  const std::optional<SaSummary>& told = out ? out : in;
  if (!told) {
    return;
  }
  constexpr unsigned kMost = std::numeric_limits<std::uint16_t>::max();
  status.key_bits = static_cast<std::uint16_t>(std::min(told->key_bits, kMost));
  status.algorithms.Assign(told->algorithms);
  // Only what came in proves who the peer is.
  if (in && in->peer) {
    Tell(*in->peer, status.identity, status.peer);
  }
}

}  // namespace

WishCalls::Change WishCalls::WithAlgorithms(
    const WishRequest& request, SocketWishes wishes,
    const IsPrivileged& is_privileged) const {
  Result<AlgorithmSet> set = AlgorithmSet::Parse(request.text.view());
  if (!set.ok()) {
    return ErrnoOf(set.error());
  }
  const bool strengthens =
      set->IsWithin(wishes.algorithms) && set->LeavesOutTheWeakest();
  if (!Permits(parts_.rule, strengthens ? Choice::kStronger : Choice::kAny) &&
      !is_privileged()) {
    return EACCES;
  }
  wishes.algorithms = std::move(*set);
  return wishes;
}

WishCalls::Change WishCalls::WithStrength(
    const WishRequest& request, SocketWishes wishes,
    const IsPrivileged& is_privileged) const {
  if (request.number > StrongestKeyBits()) {
    return EOPNOTSUPP;
  }
  const bool strengthens = request.number >= wishes.least_key_bits;
  if (!Permits(parts_.rule, strengthens ? Choice::kStronger : Choice::kAny) &&
      !is_privileged()) {
    return EACCES;
  }
  wishes.least_key_bits = request.number;
  return wishes;
}

WishCalls::Change WishCalls::WithShare(const Sockets& sockets,
                                       SocketWishes wishes) const {
  wishes.share.reset();
  if (!sockets.other) {
    return wishes;
  }
  const SocketFacts& other = *sockets.other;
  if (const int refusal = RefusalOf(other, parts_.host); refusal != 0) {
    return refusal;
  }
  if (other.cookie == sockets.socket.cookie) {
    return EINVAL;
  }
  // Who shares with a sharer shares with the socket that has the SAs.
  wishes.share = other.cookie;
  if (const SocketPolicyRef policy = parts_.sockets.Find(other.cookie)) {
    const WishesRef others = policy->wishes().Load();
    if (others && others->share) {
      wishes.share = others->share;
    }
  }
  if (wishes.share == sockets.socket.cookie) {
    return EINVAL;
  }
  return wishes;
}

WishCalls::Change WishCalls::ChangeOf(const WishRequest& request,
                                      const Sockets& sockets,
                                      SocketWishes wishes,
                                      const IsPrivileged& is_privileged) const {
  switch (request.type) {
    case WishRequestType::kSetIdentity: {
      auto identity = IdentityOf(request);
      if (!identity.ok()) {
        return identity.error();
      }
      (request.end == WishEnd::kMine ? wishes.mine : wishes.peer) =
          std::move(*identity);
      return wishes;
    }
    case WishRequestType::kSetAlgorithms:
      return WithAlgorithms(request, std::move(wishes), is_privileged);
    case WishRequestType::kSetStrength:
      return WithStrength(request, std::move(wishes), is_privileged);
    case WishRequestType::kShare:
      return WithShare(sockets, std::move(wishes));
    case WishRequestType::kGetIdentity:
    case WishRequestType::kGetStatus:
      break;
  }
  return wishes;
}

WishCalls::Outcome WishCalls::Obey(const WishRequest& request,
                                   const Sockets& sockets,
                                   const IsPrivileged& is_privileged) {
  Outcome outcome;
  outcome.reply.to = request.type;
  outcome.reply.request_id = request.request_id;
  outcome.reply.error = RefusalOf(sockets.socket, parts_.host);
  if (outcome.reply.error != 0) {
    return outcome;
  }
  const Result<SocketPolicyRef> policy =
      ObtainFor(sockets.socket, parts_.sockets);
  if (!policy.ok()) {
    outcome.reply.error = ENOBUFS;
    return outcome;
  }
  const WishesRef now = (*policy)->wishes().Load();
  const Change change =
      ChangeOf(request, sockets, now ? *now : SocketWishes(), is_privileged);
  if (!change.ok()) {
    outcome.reply.error = change.error();
    return outcome;
  }
  // Also when it only asked: its packets are recorded from now on, and those of
  // the connections that it accepts.
  if (change->binding()) {
    parts_.sockets.NoteWish();
  }
  if ((!now || !IsQuestion(request)) &&
      !(*policy)
           ->SetWishes(std::make_shared<const SocketWishes>(*change))
           .ok()) {
    outcome.reply.error = ENOBUFS;
    return outcome;
  }
  if (IsQuestion(request)) {
    Tell(request, sockets.socket, **policy, outcome.reply);
  } else {
    outcome.visible = Visible::kAfterGracePeriod;
  }
  return outcome;
}

void WishCalls::Tell(const WishRequest& request, const SocketFacts& facts,
                     SocketPolicy& policy, WishReply& reply) const {
  if (request.type == WishRequestType::kGetIdentity) {
    TellIdentity(request.end, policy, reply);
  } else {
    TellStatus(facts, policy, reply);
  }
}

void WishCalls::TellIdentity(WishEnd end, const SocketPolicy& policy,
                             WishReply& reply) const {
  std::optional<Identity> identity;
  if (end == WishEnd::kMine) {
    const WishesRef wishes = policy.wishes().Load();
    identity = wishes ? wishes->mine : std::nullopt;
  }
  for (const Category category : kCategories) {
    if (end == WishEnd::kPeer && !identity) {
      const auto sa = policy.record().Find(Direction::kInbound, category);
      identity = sa ? sa->peer : std::nullopt;
    }
  }
  if (!identity) {
    reply.error = ENOENT;
    return;
  }
  postern::Tell(*identity, reply.identity, reply.text);
}

void WishCalls::TellStatus(const SocketFacts& facts, const SocketPolicy& policy,
                           WishReply& reply) const {
  const FlowKey flow{facts.local.address, RemoteOf(facts), facts.local.port,
                     facts.remote ? facts.remote->port : std::uint16_t{0},
                     static_cast<std::uint8_t>(facts.protocol)};
  const SystemDemand system = parts_.system.DemandOn(flow);
  // Its packets tell a socket's cgroup: before the first nobody knows it.
  const LevelSet cgroup =
      policy.cgroup() == kNoCgroup
          ? LevelSet()
          : LevelsOf(parts_.system.cgroups(), parts_.cgroups, policy.cgroup());
  const LevelSet effective = Effective(system.levels, cgroup, policy.levels());
  for (std::size_t i = 0; i < kCategories.size(); ++i) {
    reply.status[i].level = ApiLevelOf(effective.of(kCategories[i]));
    Describe(policy.record(), kCategories[i], reply.status[i]);
  }
}

}  // namespace postern
