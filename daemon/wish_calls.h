// SPDX-License-Identifier: Apache-2.0
//
// What setmycert(), ipsec_set_algorithms() and their siblings mean for a socket
// whose facts the kernel told us (docs/semantics.md, "Advanced calls"). The
// twin of SocketLevels: no I/O.
//
// Who is refused, with which errno: as SocketLevels says, and
//
//     EOPNOTSUPP    raw and ICMP sockets: what they receive is judged by their
//                   levels alone
//     EINVAL        a text that is no identity of its type, or no list of
//                   algorithms; sharing with itself
//     EOPNOTSUPP    algorithms or a strength that no SA can have here
//     EACCES        what the administrator forbids users (UserAlgorithms)
//     ENOENT        no such identity: none was set, or nobody proved one
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_WISH_CALLS_H_
#define POSTERN_DAEMON_WISH_CALLS_H_

#include <optional>

#include "control/wish_protocol.h"
#include "daemon/api_rules.h"
#include "daemon/socket_levels.h"
#include "policy/socket_table.h"
#include "policy/socket_wishes.h"
#include "policy/system_policy.h"
#include "tun/socket_facts.h"

namespace postern {

class WishCalls {
 public:
  struct Parts {
    NamespaceCookie host{};
    SocketTable& sockets;
    const SystemPolicy& system;
    CgroupPaths* cgroups = nullptr;  // null: no cgroup's path can be told
    UserAlgorithms rule = UserAlgorithms::kFree;
  };

  using Visible = SocketLevels::Visible;
  using IsPrivileged = SocketLevels::IsPrivileged;

  struct Outcome {
    WishReply reply;
    Visible visible = Visible::kNow;
  };

  // The socket and, with Share, the one that it shares with.
  struct Sockets {
    SocketFacts socket;
    std::optional<SocketFacts> other = std::nullopt;
  };

  explicit WishCalls(const Parts& parts) : parts_(parts) {}

  // REQUIRES: sockets.other, if SocketsOf(request) is 2.
  Outcome Obey(const WishRequest& request, const Sockets& sockets,
               const IsPrivileged& is_privileged);

 private:
  // What a change comes to: the new wishes, or an errno value.
  using Change = Expected<SocketWishes, int>;

  Change ChangeOf(const WishRequest& request, const Sockets& sockets,
                  SocketWishes wishes, const IsPrivileged& is_privileged) const;
  Change WithAlgorithms(const WishRequest& request, SocketWishes wishes,
                        const IsPrivileged& is_privileged) const;
  Change WithStrength(const WishRequest& request, SocketWishes wishes,
                      const IsPrivileged& is_privileged) const;
  Change WithShare(const Sockets& sockets, SocketWishes wishes) const;

  void Tell(const WishRequest& request, const SocketFacts& facts,
            SocketPolicy& policy, WishReply& reply) const;
  void TellIdentity(WishEnd end, const SocketPolicy& policy,
                    WishReply& reply) const;
  void TellStatus(const SocketFacts& facts, const SocketPolicy& policy,
                  WishReply& reply) const;

  const Parts parts_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_WISH_CALLS_H_
