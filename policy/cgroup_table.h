// SPDX-License-Identifier: Apache-2.0
//
// The cgroup table gives each socket the levels of the cgroup that it was made
// in, for programs that libpostern cannot be preloaded into (static ones, those
// with the set-user-ID bit). The closest cgroup upwards with a rule decides
// alone, as the longest prefix does among routes: a rule of NONE frees its
// cgroup from the one above it.
//
//     /system.slice                 ah=require
//     /system.slice/ntp.service     ah=none
//
//     a socket of /system.slice/nginx.service/worker     ah=require
//     a socket of /system.slice/ntp.service              ah=none
//
// Rules are kept by path, not by number: a cgroup that is removed and made anew
// has the same path and another number, and a rule may be there before its
// cgroup is. The number that the kernel tells of a socket becomes a path at the
// socket's first packet (core/flow/cgroup.h). One that cannot is bound by the
// strictest of all rules: Strictest().
//
// Thread safety: Immutable.
// Cost: Find() O(depth of the path); it is asked once a flow, not once a packet.

#ifndef POSTERN_POLICY_CGROUP_TABLE_H_
#define POSTERN_POLICY_CGROUP_TABLE_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/flow/cgroup.h"
#include "policy/level.h"

namespace postern {

struct CgroupRule {
  std::string path;  // as core/flow/cgroup.h writes it
  LevelSet levels;   // kBypass, too
};

// "/a/b" without a slash at the end, "//", "." and "..".
// Errors: kInvalid (not absolute, with ".." in it, or of PATH_MAX octets or
// more).
Result<std::string> NormalCgroupPath(std::string_view text);

// The levels that bind a socket besides the routes': its cgroup's raise the
// system's, and the socket's own come on top. A cgroup's BYPASS holds where the
// socket itself has set nothing: what it demands is not weakened. REQUIRES:
// `system` has no kBypass.
LevelSet Effective(const LevelSet& system, const LevelSet& cgroup,
                   const LevelSet& socket);

class CgroupTable {
 public:
  // No rules.
  CgroupTable() = default;

  // REQUIRES: the paths are normal. Errors: kExists (a path twice).
  static Result<CgroupTable> Create(const std::vector<CgroupRule>& rules);

  // Of the rule that counts for this cgroup; NONE everywhere without one.
  LevelSet Find(std::string_view path) const;

  // Per category the strongest level of any rule; kBypass demands nothing.
  const LevelSet& Strictest() const { return strictest_; }

  // A copy with this rule added or replaced / removed. Errors: kNotFound.
  CgroupTable With(const CgroupRule& rule) const;
  Result<CgroupTable> Without(const std::string& path) const;

  bool empty() const { return rules_.empty(); }

  // In the order of their paths.
  std::vector<CgroupRule> rules() const;

 private:
  void Put(const CgroupRule& rule);

  std::map<std::string, LevelSet, std::less<>> rules_;
  LevelSet strictest_;
};

// What binds the sockets of the cgroup with this number: Strictest() where its
// path cannot be told. `paths` is null where none can.
LevelSet LevelsOf(const CgroupTable& rules, CgroupPaths* paths,
                  CgroupId cgroup);

}  // namespace postern

#endif  // POSTERN_POLICY_CGROUP_TABLE_H_
