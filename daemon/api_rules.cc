// SPDX-License-Identifier: Apache-2.0

#include "daemon/api_rules.h"

#include <grp.h>

#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace postern {
namespace {

// What the kernel shows for every group that a user namespace does not map:
// strangers would be members.
constexpr gid_t kOverflowGid = 65534;

std::optional<gid_t> GidOf(const std::string& name) {
  constexpr std::size_t kMostRoom = std::size_t{1} << 20;
  group entry{};
  group* found = nullptr;
  std::vector<char> room(1024);
  while (::getgrnam_r(name.c_str(), &entry, room.data(), room.size(), &found) ==
             ERANGE &&
         room.size() < kMostRoom) {
    room.resize(room.size() * 2);
  }
  return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

Result<gid_t> ParseGroup(std::string_view text) {
  gid_t number = 0;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), number);
  std::optional<gid_t> gid = number;
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    gid = GidOf(std::string(text));
  }
  if (!gid) {
    return Invalid("there is no group \"" + std::string(text) +
                   "\": make it with groupadd, or write another one's name or "
                   "number.");
  }
  if (*gid == kOverflowGid) {
    return Invalid("group " + std::to_string(kOverflowGid) +
                   " stands for every group that the kernel cannot name: write "
                   "another one.");
  }
  return *gid;
}

Result<UserLevels> ParseUserLevels(std::string_view text) {
  if (text == "free") {
    return UserLevels::kFree;
  }
  if (text == "strengthen") {
    return UserLevels::kStrengthen;
  }
  if (text == "locked") {
    return UserLevels::kLocked;
  }
  return Invalid("write free, strengthen or locked here.");
}

Result<UserAlgorithms> ParseUserAlgorithms(std::string_view text) {
  if (text == "free") {
    return UserAlgorithms::kFree;
  }
  if (text == "strengthen") {
    return UserAlgorithms::kStrengthen;
  }
  if (text == "forbid") {
    return UserAlgorithms::kForbid;
  }
  return Invalid("write free, strengthen or forbid here.");
}

}  // namespace

ApiRules ReadApiRules(Section& section) {
  ApiRules rules;
  rules.bypass_group = section.Parsed("bypass_group", ParseGroup);
  rules.user_levels = section.Parsed("user_levels", ParseUserLevels)
                          .value_or(UserLevels::kFree);
  rules.user_algorithms = section.Parsed("user_algorithms", ParseUserAlgorithms)
                              .value_or(UserAlgorithms::kFree);
  section.Finish();
  return rules;
}

}  // namespace postern
