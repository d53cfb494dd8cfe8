// SPDX-License-Identifier: Apache-2.0

#include "daemon/privilege_rule.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/unique_fd.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // Linux 6.5, asm-generic/socket.h
#endif

namespace postern {
namespace {

constexpr unsigned kNetAdmin = 12;                         // CAP_NET_ADMIN
constexpr unsigned long kGetUserNamespace = _IO(0xb7, 1);  // NS_GET_USERNS

UniqueFd ProcessAt(int connection) {
  int pidfd = -1;
  socklen_t size = sizeof(pidfd);
  const int got =
      ::getsockopt(connection, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size);
  return UniqueFd(got == 0 ? pidfd : -1);
}

bool IsAlive(int pidfd) {
  pollfd ended{.fd = pidfd, .events = POLLIN, .revents = 0};
  return ::poll(&ended, 1, 0) == 0;
}

// An undumpable process's files in /proc are root's.
bool IsDumpableOf(int process, uid_t user) {
  struct stat status {};

  return ::fstatat(process, "status", &status, 0) == 0 && status.st_uid == user;
}

std::string ReadStatus(int process) {
  const UniqueFd file(::openat(process, "status", O_RDONLY | O_CLOEXEC));
  std::array<char, 8192> room{};
  const ssize_t got =
      file.valid() ? ::read(file.get(), room.data(), room.size()) : ssize_t{-1};
  return got > 0 ? std::string(room.data(), static_cast<std::size_t>(got))
                 : std::string();
}

// "CapEff:\t00000000a80425fb".
std::uint64_t EffectiveCapabilities(std::string_view status) {
  constexpr std::string_view kName = "\nCapEff:\t";
  const std::size_t at = status.find(kName);
  if (at == std::string_view::npos) {
    return 0;
  }
  const std::string_view digits = status.substr(at + kName.size());
  std::uint64_t set = 0;
  const auto read =
      std::from_chars(digits.data(), digits.data() + digits.size(), set, 16);
  return read.ec == std::errc() ? set : 0;
}

bool HasNetAdmin(std::string_view status) {
  return (EffectiveCapabilities(status) >> kNetAdmin & 1U) != 0;
}

}  // namespace

PrivilegeRule::PrivilegeRule(std::optional<gid_t> group, int network_namespace)
    : group_(group) {
  if (const auto own = IdOf(AT_FDCWD, "/proc/self/ns/user")) {
    trusted_.push_back(*own);
  }
  const UniqueFd owner(::ioctl(network_namespace, kGetUserNamespace));
  if (const auto id = owner.valid() ? IdOf(owner.get(), "") : std::nullopt) {
    trusted_.push_back(*id);
  }
}

bool PrivilegeRule::Grants(const PeerCredentials& peer, int connection) const {
  return peer.uid == 0 || HasMember(peer, connection) ||
         HoldsNetAdmin(peer, connection);
}

bool PrivilegeRule::HasMember(const PeerCredentials& peer,
                              int connection) const {
  if (!group_) {
    return false;
  }
  if (peer.gid == *group_) {
    return true;
  }
  constexpr std::size_t kMostGroups = 65536;  // the kernel's NGROUPS_MAX
  std::vector<gid_t> groups(64);
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, groups.data(),
                     &size) == 0) {
      groups.resize(size / sizeof(gid_t));
      return std::ranges::find(groups, *group_) != groups.end();
    }
    if (errno != ERANGE || groups.size() >= kMostGroups) {
      return false;
    }
    groups.resize(kMostGroups);
  }
}

bool PrivilegeRule::HoldsNetAdmin(const PeerCredentials& peer,
                                  int connection) const {
  const UniqueFd pidfd = ProcessAt(connection);
  if (!pidfd.valid()) {
    return false;
  }
  const std::string path = "/proc/" + std::to_string(peer.pid);
  const UniqueFd process(
      ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  // Opened while it lived: from here on `process` means no other one.
  if (!process.valid() || !IsAlive(pidfd.get()) ||
      !IsDumpableOf(process.get(), peer.uid)) {
    return false;
  }
  return HasNetAdmin(ReadStatus(process.get())) &&
         IsTrusted(IdOf(process.get(), "ns/user")) &&
         IsDumpableOf(process.get(), peer.uid);
}

std::optional<PrivilegeRule::NamespaceId> PrivilegeRule::IdOf(
    int directory, const char* path) {
  struct stat file {};

  if (::fstatat(directory, path, &file, AT_EMPTY_PATH) != 0) {
    return std::nullopt;
  }
  return NamespaceId{file.st_dev, file.st_ino};
}

bool PrivilegeRule::IsTrusted(
    const std::optional<NamespaceId>& user_namespace) const {
  return user_namespace &&
         std::ranges::find(trusted_, *user_namespace) != trusted_.end();
}

}  // namespace postern
