// SPDX-License-Identifier: Apache-2.0
//
// The machine's cgroups (version 2) as files: it turns the number that the
// kernel tells of a socket into the path that rules name. The number is that of
// the cgroup's directory, which open_by_handle_at() opens; the link in
// /proc/self/fd tells its path then. No race is in this: numbers are not used
// again, and a cgroup's path never changes. So an answer is kept for good,
// also for when the cgroup is removed while a socket of it lives.
//
// A machine may have no such hierarchy, or not let this process open by handle
// (CAP_DAC_READ_SEARCH outside of user namespaces): usable() says so, and no
// path is told.
//
// Thread safety: Thread-safe.
// Cost: a look-up under a lock; for a new number three system calls.

#ifndef POSTERN_DAEMON_CGROUP_HIERARCHY_H_
#define POSTERN_DAEMON_CGROUP_HIERARCHY_H_

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/error.h"
#include "core/flow/cgroup.h"
#include "core/mutex.h"
#include "core/unique_fd.h"

namespace postern {

class CgroupHierarchy : public CgroupPaths {
 public:
  // More are not kept; then all are asked for again.
  static constexpr std::size_t kMostKept = 65536;

  // The hierarchy that is mounted at FindCgroupMount().
  CgroupHierarchy();

  // The one below this directory.
  explicit CgroupHierarchy(Result<std::string> mount);

  // Errors: kUnsupported (there is none), kForbidden, kSystem.
  const Status& usable() const { return usable_; }

  // Without a slash at its end; empty when there is none.
  const std::string& mount() const { return mount_; }

  std::optional<std::string> PathOf(CgroupId id) override;

 private:
  Status Open();
  Result<std::string> Ask(CgroupId id) const;

  std::string mount_;
  UniqueFd root_;
  int handle_type_ = 0;
  Status usable_;
  Mutex mutex_;
  std::unordered_map<CgroupId, std::string> kept_ POSTERN_GUARDED_BY(mutex_);
};

}  // namespace postern

#endif  // POSTERN_DAEMON_CGROUP_HIERARCHY_H_
