// SPDX-License-Identifier: Apache-2.0
//
// A CgroupMemory is the file in the run directory that keeps the cgroups' rules
// of run time over the daemon's death: their programs live on, and must not send
// in clear what they were told to protect.
//
//     postern cgroups 1 <checksum>
//     {"life":"<boot id> <namespace>","rules":[{"path":"/a","ah":"require",...}]}
//
// It is replaced in one step (rename), so that a kill leaves the old rules or
// the new ones. Nothing is flushed to a disk: it need not outlive the machine.
// A file of another boot or namespace says nothing about the cgroups of today.
// A damaged one is refused, since it may hide what must not be forgotten.
//
// Thread safety: Control-confined.
// Cost: Write() O(rules), two system calls and a few.

#ifndef POSTERN_DAEMON_CGROUP_MEMORY_H_
#define POSTERN_DAEMON_CGROUP_MEMORY_H_

#include <string>
#include <vector>

#include "core/error.h"
#include "policy/cgroup_table.h"
#include "state/record_file.h"

namespace postern {

class CgroupMemory {
 public:
  CgroupMemory(std::string path, const RecordFile::Life& life);

  // None when there is no file, or one of another life.
  // Errors: kForbidden (not a plain file of our own that nobody else may touch),
  // kInvalid (damaged), kSystem. Nothing is changed.
  Result<std::vector<CgroupRule>> Read() const;

  // From now on Read() gives these. Errors: kSystem; then it gives the old ones.
  Status Write(const std::vector<CgroupRule>& rules) const;

 private:
  std::string path_;
  std::string life_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_CGROUP_MEMORY_H_
