// SPDX-License-Identifier: Apache-2.0
//
// Which cgroup (version 2) a socket belongs to: that of the process that made
// it, at that moment, for as long as the socket lives. Accepted sockets have
// their listener's. The kernel tells a number, which it never uses again while
// it runs; administrators write paths. A cgroup cannot be renamed, so a number
// means one path for ever, and what was found out once may be kept.
//
// Thread safety: a plain value; CgroupPaths is Thread-safe.

#ifndef POSTERN_CORE_FLOW_CGROUP_H_
#define POSTERN_CORE_FLOW_CGROUP_H_

#include <cstdint>
#include <optional>
#include <string>

namespace postern {

// The number of the cgroup's directory (its inode). 0: the kernel did not tell.
enum class CgroupId : std::uint64_t {};

inline constexpr CgroupId kNoCgroup{0};

class CgroupPaths {
 public:
  virtual ~CgroupPaths() = default;

  // "/system.slice/nginx.service", from the root of the hierarchy; "/" is the
  // root itself. Nothing when it cannot be told: a cgroup that was removed
  // before anybody asked.
  virtual std::optional<std::string> PathOf(CgroupId id) = 0;
};

}  // namespace postern

#endif  // POSTERN_CORE_FLOW_CGROUP_H_
