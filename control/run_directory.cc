// SPDX-License-Identifier: Apache-2.0

#include "control/run_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "control/paths.h"

namespace postern {
namespace {

Status EnsureDirectory(const std::string& path) {
  constexpr mode_t kMode = 0755;
  if (::mkdir(path.c_str(), kMode) == 0) {
    // The umask took its share.
    return ::chmod(path.c_str(), kMode) == 0
               ? Ok()
               : Status(SystemError("chmod " + path, errno));
  }
  if (errno != EEXIST) {
    return SystemError("mkdir " + path, errno);
  }

  struct stat there {};

  if (::stat(path.c_str(), &there) != 0 || !S_ISDIR(there.st_mode)) {
    return Invalid(path + " must be a directory: remove what is there.");
  }
  return Ok();
}

Status CheckHost(std::string_view host) {
  if (!IsHostName(host)) {
    return Invalid(
        "a host's name is 1 to 32 letters, digits, dots, dashes and "
        "underscores, beginning with a letter or a digit, and not "
        "\"by-netns\": choose another than \"" +
        std::string(host) + "\".");
  }
  if (!AdminSocketPath(host).ok()) {
    return Invalid(
        "POSTERN_RUN_DIR must be an absolute path short enough for a socket's "
        "address (107 octets with the host's name): choose another.");
  }
  return Ok();
}

// Relative, so that the run directory may be moved or bind-mounted.
std::string LinkTarget(std::string_view host) {
  return "../" + std::string(host) + "/api.sock";
}

}  // namespace

Status EnsureHostDirectory(std::string_view host) {
  if (Status checked = CheckHost(host); !checked.ok()) {
    return checked;
  }
  const std::string base(RunDirectory().view());
  for (const std::string& path :
       {base, base + "/" + std::string(kByNetnsDirectory),
        base + "/" + std::string(host)}) {
    if (Status made = EnsureDirectory(path); !made.ok()) {
      return made;
    }
  }
  return Ok();
}

Status PublishNetns(std::uint64_t netns_cookie, std::string_view host) {
  if (Status checked = CheckHost(host); !checked.ok()) {
    return checked;
  }
  const UnixPath link = NetnsSocketPath(netns_cookie);
  if (!link.ok()) {
    return Invalid(
        "POSTERN_RUN_DIR is too long for the by-netns links: choose a shorter "
        "one.");
  }
  const std::string path(link.view());
  const std::string fresh = path + ".new." + std::to_string(::getpid());
  ::unlink(fresh.c_str());
  if (::symlink(LinkTarget(host).c_str(), fresh.c_str()) != 0) {
    return SystemError("symlink " + fresh, errno);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(fresh.c_str());
    return SystemError("rename to " + path, error);
  }
  return Ok();
}

void WithdrawNetns(std::uint64_t netns_cookie, std::string_view host) {
  const UnixPath link = NetnsSocketPath(netns_cookie);
  std::array<char, 128> target{};
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  if (size > 0 &&
      std::string_view(target.data(), static_cast<std::size_t>(size)) ==
          LinkTarget(host)) {
    ::unlink(link.c_str());
  }
}

}  // namespace postern
