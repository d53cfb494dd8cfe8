// SPDX-License-Identifier: Apache-2.0
//
// Where the cgroup hierarchy (version 2) is mounted: daemon and CLI name its
// cgroups by their paths below that directory.
//
//     /sys/fs/cgroup            where version 2 is alone
//     /sys/fs/cgroup/unified    where version 1 is there as well
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_CONTROL_CGROUP_MOUNT_H_
#define POSTERN_CONTROL_CGROUP_MOUNT_H_

#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace postern {

// From a text like /proc/self/mountinfo (proc_pid_mountinfo(5)): where the whole
// hierarchy is mounted, or else the first part of it. Nothing when it is not.
std::optional<std::string> CgroupMountIn(std::string_view mountinfo);

// The mount that this process sees. Errors: kUnsupported.
Result<std::string> FindCgroupMount();

// Only where the whole hierarchy is. Errors: kUnsupported.
Result<std::string> WholeCgroupMountIn(std::string_view mountinfo);
Result<std::string> FindWholeCgroupMount();

}  // namespace postern

#endif  // POSTERN_CONTROL_CGROUP_MOUNT_H_
