// SPDX-License-Identifier: Apache-2.0
//
// Keys on the command line.
//
// Thread safety: Thread-safe.

#ifndef POSTERN_CLI_KEY_FILE_H_
#define POSTERN_CLI_KEY_FILE_H_

#include <string>
#include <string_view>

#include "core/error.h"

namespace postern {

// "0x..." as it is; for "file:PATH" the file's hexadecimal digits.
// Errors: kSystem, kInvalid (too long for a key).
Result<std::string> ReadKeyWord(std::string_view word);

}  // namespace postern

#endif  // POSTERN_CLI_KEY_FILE_H_
