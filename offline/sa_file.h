// SPDX-License-Identifier: Apache-2.0
//
// The SAs of a file: TOML with the [[sa]] tables of a host's configuration
// (postern.toml(5)). Such a configuration itself will do: of everything else only
// [crypto] legacy counts.
//
// Thread safety: sets the process's choice of legacy algorithms; one thread's.

#ifndef POSTERN_OFFLINE_SA_FILE_H_
#define POSTERN_OFFLINE_SA_FILE_H_

#include <string>
#include <vector>

#include "core/error.h"
#include "sadb/sa_parameters.h"

namespace postern {

// In the file's order, each with this direction, whatever the file says of it.
// Errors: kSystem (it cannot be read); kInvalid, with a line for each defect and
// its place; there is no SA.
Result<std::vector<SaParameters>> LoadSaFile(const std::string& path,
                                             Direction direction);

}  // namespace postern

#endif  // POSTERN_OFFLINE_SA_FILE_H_
