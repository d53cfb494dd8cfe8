// SPDX-License-Identifier: Apache-2.0
//
// A PrivilegeRule says whether the process at the other end of a connection may
// set BYPASS and is free of the administrator's restrictions on users (draft
// 1.2.3, API-23). Only the kernel is asked; any of these is enough:
//
//   user id 0              SO_PEERCRED, as it was at connect()
//   member of the group    SO_PEERCRED and SO_PEERGROUPS, as they were then
//   CAP_NET_ADMIN          effective now, in the daemon's user namespace or in
//                          the one that owns the host's network namespace
//
// Capabilities are no part of a connection's credentials, so they are read from
// /proc, and three things are proven first. The process is still the one that
// connected (SO_PEERPIDFD: a pid alone could have been given to another). Its
// capabilities count where the host lives (a user namespace of one's own gives
// everybody all of them). And it did not get them by executing a privileged
// program after it had connected and left the connection to somebody else: the
// kernel makes such a process undumpable, and its /proc entry root's. Programs
// with file capabilities are therefore refused unless they make themselves
// dumpable (prctl(2)); the group is for them. Kernels before 6.5, which have no
// SO_PEERPIDFD, know privilege by user and group only.
//
// Thread safety: Immutable.
// Cost: nothing for root; else one system call for the group, and about ten for
// the capability.

#ifndef POSTERN_DAEMON_PRIVILEGE_RULE_H_
#define POSTERN_DAEMON_PRIVILEGE_RULE_H_

#include <sys/types.h>

#include <optional>
#include <utility>
#include <vector>

#include "control/seqpacket.h"

namespace postern {

class PrivilegeRule {
 public:
  // `network_namespace` is the host's, or kNoFd.
  explicit PrivilegeRule(std::optional<gid_t> group,
                         int network_namespace = kNoFd);

  // REQUIRES: `peer` is PeerCredentialsOf(connection).
  bool Grants(const PeerCredentials& peer, int connection) const;

 private:
  // Device and inode of a namespace's file.
  using NamespaceId = std::pair<dev_t, ino_t>;

  static std::optional<NamespaceId> IdOf(int directory, const char* path);
  bool HasMember(const PeerCredentials& peer, int connection) const;
  bool HoldsNetAdmin(const PeerCredentials& peer, int connection) const;
  bool IsTrusted(const std::optional<NamespaceId>& user_namespace) const;

  const std::optional<gid_t> group_;
  std::vector<NamespaceId> trusted_;  // user namespaces
};

}  // namespace postern

#endif  // POSTERN_DAEMON_PRIVILEGE_RULE_H_
