// SPDX-License-Identifier: Apache-2.0
//
// The CLI's side of admin.sock: one question, its whole answer.
//
//     auto answer = AskAdmin(AdminSocketPath("a"), R"({"show":"sa"})");
//     if (!answer.ok()) { ... no daemon, no permission, no answer ... }
//     if (answer->type == AdminType::kError) { ... the daemon refused ... }
//
// Thread safety: Thread-safe. Cost: a connection per question.

#ifndef POSTERN_CONTROL_ADMIN_CLIENT_H_
#define POSTERN_CONTROL_ADMIN_CLIENT_H_

#include <chrono>
#include <string>
#include <string_view>

#include "control/admin_protocol.h"
#include "control/paths.h"
#include "core/error.h"
#include "core/unique_fd.h"

namespace postern {

struct AdminAnswer {
  AdminType type = AdminType::kReply;  // kReply or kError
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

}  // namespace postern

#endif  // POSTERN_CONTROL_ADMIN_CLIENT_H_
