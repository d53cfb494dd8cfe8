// SPDX-License-Identifier: Apache-2.0
//
// `postern exec`: runs a program inside a host's network namespace with
// libpostern.so preloaded. The program is as it ever was, but for its network.
// Or in a cgroup whose levels the daemon knows, and nothing is preloaded: for
// programs that ld.so does not start (static) or does not obey (set-user-ID).
//
// Thread safety: changes this process; call from its only thread.

#ifndef POSTERN_CLI_EXECUTION_H_
#define POSTERN_CLI_EXECUTION_H_

#include <string>

#include "cli/invocation.h"
#include "core/error.h"

namespace postern {

// The library to preload: $POSTERN_LIBRARY, or where it lies beside this
// executable when that is installed or in its build tree.
// Errors: kNotFound; kInvalid for a path that LD_PRELOAD cannot take.
Result<std::string> FindLibrary();

// Returns only if it fails.
// Errors: those of FindLibrary(), those of EnterCgroup(); kSystem: the namespace cannot be entered, the
// program cannot be run.
Error Execute(const Execution& execution, int network_namespace);

}  // namespace postern

#endif  // POSTERN_CLI_EXECUTION_H_
