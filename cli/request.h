// SPDX-License-Identifier: Apache-2.0
//
// A question as the daemon reads it (daemon/admin_verbs.h has the verbs).
//
// Thread safety: Thread-safe.

#ifndef POSTERN_CLI_REQUEST_H_
#define POSTERN_CLI_REQUEST_H_

#include <string>

#include "cli/invocation.h"

namespace postern {

// {"verb":"sa.add","arguments":{...}}
std::string RequestOf(const Question& question);

}  // namespace postern

#endif  // POSTERN_CLI_REQUEST_H_
