// SPDX-License-Identifier: Apache-2.0
//
// The cgroup of `postern exec --cgroup`: a child of the root of the machine's
// cgroup2 hierarchy.
//
//     MakeCgroup("static")          <mount>/static
//     ... the daemon gets a rule for "/static" ...
//     CheckIsDaemons("static", ...)
//     EnterCgroup("static")         every socket made from now on is its
//
// A cgroup that was made stays: rules outlive it, other programs may share it,
// and `rmdir` removes it once its programs have ended.
//
// Thread safety: EnterCgroup() moves this process; call from its only thread.

#ifndef POSTERN_CLI_CGROUP_H_
#define POSTERN_CLI_CGROUP_H_

#include <string>
#include <string_view>

#include "core/error.h"

namespace postern {

// One directory's name that is none of the kernel's own files ("cgroup.procs").
bool IsCgroupName(std::string_view name);

// No effect when it is there. Errors: kUnsupported (no cgroup2 hierarchy, or only
// a part of it), kForbidden (no right to make it), kSystem.
Status MakeCgroup(const std::string& name);

// Whether the daemon's rule for it, if `rules` (an answer to cgroup.list) has one,
// is about the same cgroup: in other namespaces its path may be another's.
// Errors: as MakeCgroup(); kForbidden when it is not. REQUIRES: `rules` is JSON.
Status CheckIsDaemons(const std::string& name, std::string_view rules);

// Errors: as MakeCgroup().
Status EnterCgroup(const std::string& name);

}  // namespace postern

#endif  // POSTERN_CLI_CGROUP_H_
