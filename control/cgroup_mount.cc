// SPDX-License-Identifier: Apache-2.0

#include "control/cgroup_mount.h"

#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace postern {
namespace {

std::vector<std::string_view> WordsOf(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = line.find(' ');
    words.push_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return words;
}

// Blanks, tabs, newlines and backslashes are "\040" and the like.
std::string Unescaped(std::string_view word) {
  constexpr std::size_t kDigits = 3;
  std::string text;
  while (!word.empty()) {
    if (word.front() == '\\' && word.size() > kDigits) {
      unsigned value = 0;
      for (const char digit : word.substr(1, kDigits)) {
        value = value * 8 + static_cast<unsigned>(digit - '0');
      }
      text += static_cast<char>(value);
      word.remove_prefix(1 + kDigits);
    } else {
      text += word.front();
      word.remove_prefix(1);
    }
  }
  return text;
}

struct Mounts {
  std::optional<std::string> whole;
  std::optional<std::string> part;
};

Mounts MountsIn(std::string_view mountinfo) {
  // id parent major:minor root mount-point options [optional ...] - type ...
  constexpr std::size_t kRoot = 3;
  constexpr std::size_t kMountPoint = 4;
  constexpr std::size_t kLeastWords = 8;
  Mounts found;
  while (!mountinfo.empty()) {
    const std::size_t end = mountinfo.find('\n');
    const std::vector<std::string_view> words =
        WordsOf(mountinfo.substr(0, end));
    mountinfo.remove_prefix(end == std::string_view::npos ? mountinfo.size()
                                                          : end + 1);
    std::size_t mark = kMountPoint;
    while (mark < words.size() && words[mark] != "-") {
      ++mark;
    }
    if (words.size() < kLeastWords || mark + 1 >= words.size() ||
        words[mark + 1] != "cgroup2") {
      continue;
    }
    std::optional<std::string>& kind =
        words[kRoot] == "/" ? found.whole : found.part;
    if (!kind) {
      kind = Unescaped(words[kMountPoint]);
    }
  }
  return found;
}

std::string OwnMountinfo() {
  std::ifstream stream("/proc/self/mountinfo");
  return {std::istreambuf_iterator<char>(stream),
          std::istreambuf_iterator<char>()};
}

}  // namespace

std::optional<std::string> CgroupMountIn(std::string_view mountinfo) {
  Mounts found = MountsIn(mountinfo);
  return found.whole ? std::move(found.whole) : std::move(found.part);
}

Result<std::string> WholeCgroupMountIn(std::string_view mountinfo) {
  Mounts found = MountsIn(mountinfo);
  if (!found.whole) {
    return Error{ErrorCode::kUnsupported,
                 "no cgroup2 hierarchy, or only a part of one, is mounted "
                 "here, so posternd may know a cgroup by another path: mount "
                 "-t cgroup2 none /sys/fs/cgroup."};
  }
  return std::move(*found.whole);
}

Result<std::string> FindWholeCgroupMount() {
  return WholeCgroupMountIn(OwnMountinfo());
}

Result<std::string> FindCgroupMount() {
  std::optional<std::string> mount = CgroupMountIn(OwnMountinfo());
  if (!mount) {
    return Error{
        ErrorCode::kUnsupported,
        "no cgroup2 hierarchy is mounted here, so sockets' cgroups "
        "have no names: mount -t cgroup2 none /sys/fs/cgroup, and start "
        "posternd again."};
  }
  return std::move(*mount);
}

}  // namespace postern
