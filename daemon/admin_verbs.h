// SPDX-License-Identifier: Apache-2.0
//
// What an administrator can ask of a host, free of sockets: a JSON request in,
// an answer out. Requests look like
//
//     {"verb":"sa.get","arguments":{"protocol":"esp","spi":4097,...}}
//
//     status                            what the host is and how full it is
//     sa.add, sa.update                 keys as in the configuration's [[sa]];
//                                       sa.add also owner, and acquire: the id
//                                       of one that this answers
//     sa.get, sa.delete                 protocol, spi, destination
//     sa.dump, sa.flush
//     acquire.list                      SAs that are asked for
//     acquire.refuse                    acquire: its id
//     route.list, route.set             keys as in [[route]]
//     route.delete                      prefix
//     policy.list                       rules in their order, and the default
//     policy.set                        keys as in [[policy]]; before: a name
//     policy.delete                     name
//     cgroup.list, cgroup.set           keys as in [[cgroup]]
//     cgroup.delete                     path
//     level.get, level.set              keys as in [levels]; 0.0.0.0/0 and ::/0
//     socket.list                       sockets that have set a level
//     stats                             counters, and drops by reason
//     namespace                         answers with the namespace's descriptor
//     monitor                           answers with events, without an end
//
// A change binds every later packet when the answer is there. Keys are never
// told.
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_ADMIN_VERBS_H_
#define POSTERN_DAEMON_ADMIN_VERBS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/stats.h"
#include "daemon/acquire_events.h"
#include "daemon/admin_reply.h"
#include "daemon/associations.h"
#include "daemon/cgroup_rules.h"
#include "daemon/event_feed.h"
#include "daemon/host_config.h"
#include "daemon/wire_limits.h"
#include "policy/socket_table.h"
#include "policy/system_policy.h"
#include "settings/section.h"
#include "settings/value.h"

namespace postern {

class AdminVerbs {
 public:
  struct Parts {
    const HostConfig& config;
    Associations& associations;
    SystemPolicy& system;
    CgroupRules& cgroups;
    SocketTable& sockets;
    std::vector<const WorkerStats*> stats;
    int network_namespace = kNoFd;
    AcquireEvents& acquires;
    EventFeed& feed;
    // More about the host for `status`.
    std::function<Object()> status;
    // What binds or protects packets has changed, and no worker uses the old
    // any more.
    std::function<void()> on_change = [] {};
  };

  explicit AdminVerbs(Parts parts);

  // Errors: those of the verb; kInvalid for what is no request.
  Result<AdminReply> Obey(std::string_view request);

 private:
  using Verb = Result<AdminReply> (AdminVerbs::*)(Section& arguments);
  struct Entry;

  static const Entry* FindVerb(std::string_view name);

  Result<AdminReply> ShowStatus(Section& arguments);
  Result<AdminReply> AddSa(Section& arguments);
  Result<AdminReply> UpdateSa(Section& arguments);
  Result<AdminReply> GetSa(Section& arguments);
  Result<AdminReply> DeleteSa(Section& arguments);
  Result<AdminReply> DumpSas(Section& arguments);
  Result<AdminReply> FlushSas(Section& arguments);
  Result<AdminReply> ListAcquires(Section& arguments);
  Result<AdminReply> RefuseAcquire(Section& arguments);
  Result<AdminReply> ListRoutes(Section& arguments);
  Result<AdminReply> SetRoute(Section& arguments);
  Result<AdminReply> DeleteRoute(Section& arguments);
  Result<AdminReply> ListRules(Section& arguments);
  Result<AdminReply> SetRule(Section& arguments);
  Result<AdminReply> DeleteRule(Section& arguments);
  Result<AdminReply> ListCgroups(Section& arguments);
  Result<AdminReply> SetCgroup(Section& arguments);
  Result<AdminReply> DeleteCgroup(Section& arguments);
  Result<AdminReply> GetLevels(Section& arguments);
  Result<AdminReply> SetLevels(Section& arguments);
  Result<AdminReply> ListSockets(Section& arguments);
  Result<AdminReply> ShowStats(Section& arguments);
  Result<AdminReply> PassNamespace(Section& arguments);
  Result<AdminReply> Monitor(Section& arguments);

  void ReplaceRoutes(RouteTable routes, const Value& event);

  Parts parts_;
  const WireLimits limits_;
  Defects defects_;  // of the request that is being read
};

}  // namespace postern

#endif  // POSTERN_DAEMON_ADMIN_VERBS_H_
