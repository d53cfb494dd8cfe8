// SPDX-License-Identifier: Apache-2.0
//
// The CLI's side of admin.sock: one question, its whole answer; or events, for
// as long as somebody wants them.
//
//     auto answer = AskAdmin(AdminSocketPath("a"), R"({"show":"sa"})");
//     if (!answer.ok()) { ... no daemon, no permission, no answer ... }
//     if (answer->type == AdminType::kError) { ... the daemon refused ... }
//
//     FollowAdmin(AdminSocketPath("a"), R"({"verb":"monitor"})",
//                 [](std::string_view event) { ...; return Appetite::kMore; });
//
// Thread safety: Thread-safe. Cost: a connection per question.

#ifndef POSTERN_CONTROL_ADMIN_CLIENT_H_
#define POSTERN_CONTROL_ADMIN_CLIENT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "control/admin_protocol.h"
#include "control/paths.h"
#include "core/error.h"
#include "core/unique_fd.h"

namespace postern {

struct AdminAnswer {
  AdminType type = AdminType::kReply;  // kReply or kError; kEvent: see below
  std::string text;
  UniqueFd fd;  // only with kReply, and only if the question asks for one
};

inline constexpr std::chrono::milliseconds kAdminPatience{30'000};

// `patience` bounds each silence of the daemon, not the whole answer, which is
// bounded by kAdminMaxAnswer octets.
// Errors: kUnavailable when no daemon answers (or not in time), kForbidden when
// the socket is not for this user, kInvalid for a request that is empty or
// longer than kAdminMaxText or a path that is not ok(), kSystem for an answer
// that breaks the protocol.
Result<AdminAnswer> AskAdmin(
    const UnixPath& path, std::string_view request,
    std::chrono::milliseconds patience = kAdminPatience);

// Whether whoever took an event wants another one.
enum class Appetite : std::uint8_t { kMore, kSated };

using OnAdminEvent = std::function<Appetite(std::string_view event)>;

// Calls `on_event` for each event, as it comes. Returns when that is sated (the
// answer is an empty one of type kEvent), or with the daemon's refusal (kError).
// `patience` bounds the silence before the first event only.
// Errors: as above; kUnavailable, too, when the daemon ends or closes the
// connection.
Result<AdminAnswer> FollowAdmin(
    const UnixPath& path, std::string_view request,
    const OnAdminEvent& on_event,
    std::chrono::milliseconds patience = kAdminPatience);

}  // namespace postern

#endif  // POSTERN_CONTROL_ADMIN_CLIENT_H_
