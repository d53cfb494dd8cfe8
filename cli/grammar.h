// SPDX-License-Identifier: Apache-2.0
//
// The grammar of `postern`: VERB, then HOST, then what the verb is about.
//
// Thread safety: Thread-safe.

#ifndef POSTERN_CLI_GRAMMAR_H_
#define POSTERN_CLI_GRAMMAR_H_

#include <string>
#include <vector>

#include "cli/invocation.h"
#include "core/expected.h"

namespace postern {

// `words` are the command line without the program's name. A key given as
// "file:PATH" is read here, so that it need not stand in the process list.
Expected<Invocation, Ending> ParseInvocation(
    const std::vector<std::string>& words);

}  // namespace postern

#endif  // POSTERN_CLI_GRAMMAR_H_
