// SPDX-License-Identifier: Apache-2.0
//
// What a verb answers (daemon/admin_verbs.h).
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_ADMIN_REPLY_H_
#define POSTERN_DAEMON_ADMIN_REPLY_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "control/seqpacket.h"
#include "core/error.h"
#include "daemon/event_feed.h"
#include "settings/defect.h"
#include "settings/value.h"

namespace postern {

// A JSON text, handed out piece by piece, so that a dump of a million SAs is
// never one string; nothing at its end. Valid as long as the AdminVerbs.
using Pieces = std::function<std::optional<std::string>()>;

struct AdminReply {
  Pieces pieces;
  int fd = kNoFd;  // goes along; stays the host's
  // Instead of pieces: events, as long as the client stays.
  std::unique_ptr<EventFeed::Subscription> events = nullptr;
};

// A reply of one piece.
AdminReply Whole(const Value& value);

// {"<name>":[...]} with the members that `next` makes, until it makes none.
AdminReply List(const char* name, std::function<std::optional<Value>()> next);

Value OneMember(std::string name, Value value);

Error Refusal(const Defects& defects);

}  // namespace postern

#endif  // POSTERN_DAEMON_ADMIN_REPLY_H_
