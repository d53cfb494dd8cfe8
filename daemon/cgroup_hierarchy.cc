// SPDX-License-Identifier: Apache-2.0

#include "daemon/cgroup_hierarchy.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "control/cgroup_mount.h"

namespace postern {
namespace {

// A file_handle with room for a cgroup's number behind it, as the kernel lays
// it out; file_handle itself ends in an array of no size.
struct Handle {
  unsigned octets = sizeof(CgroupId);
  int type = 0;
  std::array<unsigned char, sizeof(CgroupId)> id{};
};

static_assert(offsetof(Handle, id) == sizeof(file_handle));

file_handle* AsKernel(Handle& handle) {
  void* opaque = &handle;
  return static_cast<file_handle*>(opaque);
}

Error Refused(int errno_value) {
  if (errno_value == EPERM || errno_value == EACCES) {
    return {ErrorCode::kForbidden,
            "the kernel does not let this process open cgroups by their "
            "numbers: it needs CAP_DAC_READ_SEARCH outside of user "
            "namespaces."};
  }
  return SystemError("opening a cgroup by its number", errno_value);
}

}  // namespace

CgroupHierarchy::CgroupHierarchy() : CgroupHierarchy(FindCgroupMount()) {}

CgroupHierarchy::CgroupHierarchy(Result<std::string> mount)
    : mount_(mount.ok() ? *mount : ""),
      usable_(mount.ok() ? Open() : Status(mount.error())) {}

// Tries with the root what PathOf() does with any other.
Status CgroupHierarchy::Open() {
  root_.reset(
      ::open(mount_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
  if (!root_.valid()) {
    return SystemError("opening " + mount_, errno);
  }
  Handle handle;
  int mount_number = 0;
  if (::name_to_handle_at(root_.get(), "", AsKernel(handle), &mount_number,
                          AT_EMPTY_PATH) != 0 ||
      handle.octets != sizeof(CgroupId)) {
    return Error{ErrorCode::kUnsupported,
                 "the cgroups at " + mount_ +
                     " have no numbers: this needs Linux 5.5 or later."};
  }
  handle_type_ = handle.type;
  CgroupId root{};
  std::memcpy(&root, handle.id.data(), sizeof(root));
  const Result<std::string> told = Ask(root);
  return told.ok() ? Ok() : Status(told.error());
}

Result<std::string> CgroupHierarchy::Ask(CgroupId id) const {
  Handle handle;
  handle.type = handle_type_;
  std::memcpy(handle.id.data(), &id, sizeof(id));
  const UniqueFd opened(::open_by_handle_at(root_.get(), AsKernel(handle),
                                            O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid()) {
    return Refused(errno);
  }
  const std::string link = "/proc/self/fd/" + std::to_string(opened.get());
  std::array<char, PATH_MAX> room{};
  const ssize_t size = ::readlink(link.c_str(), room.data(), room.size());
  if (size < 0) {
    return SystemError("reading " + link, errno);
  }
  std::string path(room.data(), static_cast<std::size_t>(size));
  // It was removed meanwhile, or else this is its very name.
  constexpr std::string_view kRemoved = " (deleted)";

  struct stat unused {};

  if (path.ends_with(kRemoved) && ::stat(path.c_str(), &unused) != 0) {
    path.resize(path.size() - kRemoved.size());
  }
  if (path == mount_) {
    return std::string("/");
  }
  if (!path.starts_with(mount_ + "/")) {
    return Error{ErrorCode::kNotFound, path + " is not below " + mount_ + "."};
  }
  return path.substr(mount_.size());
}

std::optional<std::string> CgroupHierarchy::PathOf(CgroupId id) {
  if (!usable_.ok()) {
    return std::nullopt;
  }
  {
    const MutexLock lock(mutex_);
    if (const auto kept = kept_.find(id); kept != kept_.end()) {
      return kept->second;
    }
  }
  Result<std::string> path = Ask(id);
  if (!path.ok()) {
    return std::nullopt;
  }
  const MutexLock lock(mutex_);
  if (kept_.size() >= kMostKept) {
    kept_.clear();
  }
  return kept_.emplace(id, std::move(*path)).first->second;
}

}  // namespace postern
