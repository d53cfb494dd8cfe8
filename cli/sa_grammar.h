// SPDX-License-Identifier: Apache-2.0
//
// The part of the grammar that is about security associations: `postern sa` and
// `postern acquire`.
//
// Thread safety: one thread's.

#ifndef POSTERN_CLI_SA_GRAMMAR_H_
#define POSTERN_CLI_SA_GRAMMAR_H_

#include "cli/verb.h"

namespace postern {

void AddSa(Verbs& verbs, CLI::App& root);
void AddAcquire(Verbs& verbs, CLI::App& root);

}  // namespace postern

#endif  // POSTERN_CLI_SA_GRAMMAR_H_
