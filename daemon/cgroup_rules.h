// SPDX-License-Identifier: Apache-2.0
//
// The cgroups' rules as administrators write and change them: the same keys in
// the configuration's [[cgroup]], in the CLI's requests and its answers. Paths
// begin at the root of the hierarchy; those of directories below its mount are
// understood, too.
//
// A rule may be there before its cgroup is, and stays when that is removed. Those
// that are set while the host runs outlive the daemon (CgroupMemory).
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_CGROUP_RULES_H_
#define POSTERN_DAEMON_CGROUP_RULES_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "daemon/cgroup_memory.h"
#include "policy/cgroup_table.h"
#include "policy/system_policy.h"
#include "settings/section.h"
#include "settings/value.h"

namespace postern {

// path and levels, bypass among them. Reads all keys and calls Finish().
// Nothing when there was a defect, which the section then has.
std::optional<CgroupRule> ReadCgroupRule(Section& section);

class CgroupRules {
 public:
  // `usable`: why no cgroup can be told from another, if so; then every rule is
  // refused with that.
  CgroupRules(SystemPolicy& system, std::string mount, Status usable);

  // Those of the configuration. Errors: of `usable`, kExists (one twice).
  Status Load(const std::vector<CgroupRule>& rules);

  // After Load(): what Set() made in an earlier life of the daemon, which beats
  // the configuration. From now on `memory` has it before it binds.
  // Errors: of `usable`, if there is such a rule; of CgroupMemory::Read().
  Status Resume(CgroupMemory memory);

  // Called before a rule is set; its error is that of Set(). Whoever tells of
  // sockets that are gone begins to listen: their ports may pass to others' cgroups.
  void BeforeSet(std::function<Status()> prepare) {
    before_set_ = std::move(prepare);
  }

  // Each binds every later packet when it returns; returns the path as it is
  // kept. Errors: of `usable`; of BeforeSet(); kNotFound; kSystem (the memory).
  Result<std::string> Set(CgroupRule rule);
  Result<std::string> Delete(const std::string& path);

  // path, levels, and whether there is such a cgroup at present; then its number.
  std::vector<Value> Describe() const;

 private:
  using Rules = std::map<std::string, LevelSet>;

  std::string InHierarchy(const std::string& path) const;
  Status Remember(Rules rules);

  SystemPolicy& system_;
  const std::string mount_;
  const Status usable_;
  std::function<Status()> before_set_;
  std::optional<CgroupMemory> memory_;
  Rules remembered_;  // those of run time
};

}  // namespace postern

#endif  // POSTERN_DAEMON_CGROUP_RULES_H_
