// SPDX-License-Identifier: Apache-2.0
//
// What the daemon remembers in its run directory it believes only if nobody else
// can have written it.
//
// Thread safety: Thread-safe.

#ifndef POSTERN_STATE_OWN_FILE_H_
#define POSTERN_STATE_OWN_FILE_H_

#include <filesystem>

#include "core/error.h"

namespace postern {

// Whether the open file is a plain one of our own that nobody else may touch.
// `path` is for the message. Errors: kForbidden (it is not), kSystem.
Status CheckOwn(const std::filesystem::path& path, int fd);

}  // namespace postern

#endif  // POSTERN_STATE_OWN_FILE_H_
