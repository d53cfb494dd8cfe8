// SPDX-License-Identifier: Apache-2.0
//
// What the control thread does between requests: it takes the workers' events,
// hears which sockets are gone, and lets time pass for SAs and sockets.
//
// Audit records and missing SAs become log lines, rate-limited for each reason
// (RFC 4301 2.1.2: auditing is a local matter, the counters are complete).
// Selectors that did not match are events, too.
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_HOUSEKEEPING_H_
#define POSTERN_DAEMON_HOUSEKEEPING_H_

#include "core/log/log.h"
#include "daemon/acquire_events.h"
#include "daemon/associations.h"
#include "daemon/audit_log.h"
#include "daemon/event_loop.h"
#include "daemon/raw_levels.h"
#include "daemon/roll_call.h"
#include "daemon/selector_news.h"
#include "daemon/worker_events.h"
#include "policy/socket_table.h"
#include "policy/system_policy.h"
#include "tun/socket_watch.h"

namespace postern {

class Housekeeping {
 public:
  struct Parts {
    EventLoop& loop;
    WorkerEvents& events;
    Associations& associations;
    AcquireEvents& acquires;
    SocketTable& sockets;
    const SystemPolicy& system;
    SocketWatch& watch;
    RollCall& roll_call;
    RawLevels& raw;
    EventFeed& feed;
    AuditLog::Switch audit = AuditLog::Switch::kOn;
    std::uint32_t selector_mismatches = SelectorNews::kUsualRate;
  };

  explicit Housekeeping(const Parts& parts);

 private:
  void TakeEvents();
  void TakeSocketEvents();
  void AgeSockets();
  void CallRoll();
  void AgeAssociations();

  Parts parts_;
  AuditLog audit_log_;
  SelectorNews selector_news_;
  LogLimiter other_log_;
  DescriptorWatch events_ready_;
  DescriptorWatch sockets_ready_;
  TimerWatch age_associations_;
  TimerWatch age_sockets_;
  TimerWatch sweep_raw_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_HOUSEKEEPING_H_
