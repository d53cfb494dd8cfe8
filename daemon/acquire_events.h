// SPDX-License-Identifier: Apache-2.0
//
// AcquireEvents tells whoever watches what becomes of acquires: key management,
// which answers them with SAs or refuses them.
//
//     acquire            the first packet that needs this SA came
//     acquire_answered   an SA that fits was added
//     acquire_refused    somebody refused it
//     acquire_expired    nobody answered in time
//
// Each acquire that is told of has exactly one end. One that ends before it is
// told of is not told of at all.
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_ACQUIRE_EVENTS_H_
#define POSTERN_DAEMON_ACQUIRE_EVENTS_H_

#include <vector>

#include "core/clock.h"
#include "core/error.h"
#include "core/log/log.h"
#include "daemon/event_feed.h"
#include "policy/acquires.h"
#include "sadb/sadb.h"
#include "settings/value.h"

namespace postern {

class AcquireEvents {
 public:
  AcquireEvents(Acquires& acquires, const Sadb& sadb, EventFeed& feed);

  // What was asked since the last time. What has an SA by now, because it was
  // added while the packet was decided, need not be told.
  void TellNew(Instant now);

  // An SA was added or changed.
  void Settle();

  // What has waited too long.
  void Age(Instant now);

  // Errors: kNotFound, also for one that was refused.
  Result<Acquire> FindWaiting(AcquireId id) const;

  // Errors: kNotFound.
  Status Refuse(AcquireId id, Instant now);

  // The waiting ones as events, for who begins to watch now.
  std::vector<Value> Waiting(Instant now);

  const Acquires& acquires() const { return acquires_; }

 private:
  void Tell(const std::vector<AcquireEnd>& ends);

  Acquires& acquires_;
  const Sadb& sadb_;
  EventFeed& feed_;
  AcquireId told_{};  // the last one
  LogLimiter log_;
};

// id, category, protocol, mode, source, destination, flow; of UNIQUE the owner;
// of the socket's wishes those that it has.
Object DescribeAcquire(const Acquire& acquire);

}  // namespace postern

#endif  // POSTERN_DAEMON_ACQUIRE_EVENTS_H_
