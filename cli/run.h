// SPDX-License-Identifier: Apache-2.0
//
// What `postern` does, from words to exit status.
//
// Thread safety: call from the process's only thread.

#ifndef POSTERN_CLI_RUN_H_
#define POSTERN_CLI_RUN_H_

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/invocation.h"

namespace postern {

// `words` without the program's name. `exec` replaces the process.
ExitStatus RunPostern(const std::vector<std::string>& words, std::ostream& out,
                      std::ostream& err);

}  // namespace postern

#endif  // POSTERN_CLI_RUN_H_
