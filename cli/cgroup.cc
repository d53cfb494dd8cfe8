// SPDX-License-Identifier: Apache-2.0

#include "cli/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "control/cgroup_mount.h"
#include "core/unique_fd.h"
#include <nlohmann/json.hpp>

namespace postern {
namespace {

constexpr mode_t kDirectoryMode = 0755;

Error Refused(const std::string& what, int errno_value) {
  if (errno_value == EACCES || errno_value == EPERM || errno_value == EROFS) {
    return {ErrorCode::kForbidden,
            what +
                " is not allowed: this needs root, and a cgroup2 hierarchy "
                "that is mounted for writing."};
  }
  return SystemError(what, errno_value);
}

}  // namespace

bool IsCgroupName(std::string_view name) {
  constexpr std::size_t kMost = 255;
  return !name.empty() && name.size() <= kMost && name.front() != '.' &&
         name.find('/') == std::string_view::npos &&
         name.find('\n') == std::string_view::npos &&
         !name.starts_with("cgroup.");
}

Status MakeCgroup(const std::string& name) {
  const Result<std::string> mount = FindWholeCgroupMount();
  if (!mount.ok()) {
    return mount.error();
  }
  const std::string directory = *mount + "/" + name;
  if (::mkdir(directory.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
    return Refused("making the cgroup " + directory, errno);
  }
  return Ok();
}

Status CheckIsDaemons(const std::string& name, std::string_view rules) {
  const Result<std::string> mount = FindWholeCgroupMount();
  if (!mount.ok()) {
    return mount.error();
  }
  const std::string directory = *mount + "/" + name;

  struct stat here {};

  if (::stat(directory.c_str(), &here) != 0) {
    return Refused("looking at the cgroup " + directory, errno);
  }
  const auto answer = nlohmann::json::parse(rules, nullptr, false);
  for (const auto& rule : answer.value("cgroups", nlohmann::json::array())) {
    if (rule.value("path", "") == "/" + name &&
        rule.value("id", std::uint64_t{0}) != here.st_ino) {
      return Error{ErrorCode::kForbidden,
                   "what posternd calls the cgroup /" + name + " is not " +
                       directory +
                       ": run postern in the mount and cgroup namespaces of "
                       "posternd. The rule stays until `postern cgroup "
                       "delete`."};
    }
  }
  return Ok();
}

Status EnterCgroup(const std::string& name) {
  const Result<std::string> mount = FindWholeCgroupMount();
  if (!mount.ok()) {
    return mount.error();
  }
  const std::string directory = *mount + "/" + name;
  const std::string file = directory + "/cgroup.procs";
  const UniqueFd processes(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  // "0" is the writer.
  if (!processes.valid() || ::write(processes.get(), "0", 1) != 1) {
    return Refused("entering the cgroup " + directory, errno);
  }
  return Ok();
}

}  // namespace postern
