// SPDX-License-Identifier: Apache-2.0
//
// The events that the EventFeed carries, as docs/monitor.md describes them.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_DAEMON_HOST_EVENTS_H_
#define POSTERN_DAEMON_HOST_EVENTS_H_

#include "daemon/associations.h"
#include "settings/value.h"

namespace postern {

// "sa_added", "sa_updated", "sa_deleted", "sa_soft_expired", "sa_hard_expired"
// with the SA's identity; "sa_mapping_changed" also with the peer's place; "sas_flushed" with a count.
Value DescribeChange(const AssociationChange& change);

}  // namespace postern

#endif  // POSTERN_DAEMON_HOST_EVENTS_H_
