// SPDX-License-Identifier: Apache-2.0
//
// What setsockopt() and getsockopt() mean for a socket whose facts the kernel
// told us (semantics: docs/semantics.md sections 1 to 3). No I/O: the API server
// reads the facts, calls this, and makes the change visible before it replies.
//
// Who is refused, with which errno:
//
//     ENETUNREACH   a socket of another network namespace than the host's
//     EOPNOTSUPP    what is neither TCP, UDP, raw nor ICMP; a level that the
//                   host's wire could never meet (WireLimits)
//     ENOPROTOOPT   the IPv6 option on an IPv4 socket
//     EACCES        BYPASS without privilege; a change that the administrator
//                   forbids users (UserLevels); the old level stays
//     ENOBUFS       the socket table is full
//
// Raw and ICMP sockets: daemon/raw_levels.h says which can have levels.
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_SOCKET_LEVELS_H_
#define POSTERN_DAEMON_SOCKET_LEVELS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "control/api_protocol.h"
#include "daemon/api_rules.h"
#include "daemon/raw_levels.h"
#include "daemon/wire_limits.h"
#include "policy/socket_table.h"
#include "tun/network_namespace.h"
#include "tun/socket_facts.h"

namespace postern {

class SocketLevels {
 public:
  // Whether packets may still be judged by what was before: then a grace period
  // must pass before the reply is sent.
  enum class Visible : std::uint8_t { kNow, kAfterGracePeriod };

  struct Outcome {
    ApiReply reply;
    Visible visible = Visible::kNow;
  };

  // Whether the caller is privileged (PrivilegeRule); asked only when the answer
  // depends on it.
  using IsPrivileged = std::function<bool()>;

  // Without `raw`, raw and ICMP sockets are refused.
  SocketLevels(NamespaceCookie host, SocketTable& sockets,
               UserLevels user_levels = UserLevels::kFree,
               RawLevels* raw = nullptr, WireLimits limits = {})
      : host_(host),
        sockets_(sockets),
        user_levels_(user_levels),
        raw_(raw),
        limits_(std::move(limits)) {}

  // Looks at the socket itself, before its copy is closed and the request
  // obeyed. 0, or the errno with which the request is refused.
  int Meet(const ApiRequest& request, const SocketFacts& facts, int descriptor);

  // REQUIRES: CarriesSocket(request.type).
  Outcome Obey(const ApiRequest& request, const SocketFacts& facts,
               const IsPrivileged& is_privileged);

 private:
  bool IsRaw(const SocketFacts& facts) const;
  int Judge(const ApiRequest& request, const SocketFacts& facts) const;
  bool UserMaySet(Level wanted, Level now) const;
  int Set(const ApiRequest& request, const SocketFacts& facts,
          const IsPrivileged& is_privileged);
  Level LevelNow(const SocketFacts& facts, Category category) const;
  void AdoptChild(const SocketFacts& facts);

  const NamespaceCookie host_;
  SocketTable& sockets_;
  const UserLevels user_levels_;
  RawLevels* const raw_;
  const WireLimits limits_;
};

// The policy layer's words for the protocol's, and back.
Category CategoryOf(ApiCategory category);
// REQUIRES: level is not kAbsent.
Level LevelOf(ApiLevel level);
ApiLevel ApiLevelOf(Level level);

// TCP and UDP: the kernel names the socket of each of their packets.
bool HasConnections(const SocketFacts& facts);

// The socket's policy, made if it has none. A child that accept() returned has
// what its connection inherited when its SYN was admitted (API-33), though its
// cookie may not have been seen by then.
// Errors: kExhausted.
Result<SocketPolicyRef> ObtainFor(const SocketFacts& facts,
                                  SocketTable& sockets);

// The 5-tuple of a socket that has both ends; nothing for another one.
std::optional<FlowKey> FlowOf(const SocketFacts& facts);

}  // namespace postern

#endif  // POSTERN_DAEMON_SOCKET_LEVELS_H_
