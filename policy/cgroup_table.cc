// SPDX-License-Identifier: Apache-2.0

#include "policy/cgroup_table.h"

#include <limits.h>

#include <optional>
#include <string>

namespace postern {

Result<std::string> NormalCgroupPath(std::string_view text) {
  if (text.size() >= PATH_MAX) {
    return Invalid("a cgroup's path has fewer than " +
                   std::to_string(PATH_MAX) + " octets: write a shorter one.");
  }
  if (!text.starts_with('/')) {
    return Invalid("\"" + std::string(text) +
                   "\" is no cgroup's path: write one that begins with a "
                   "slash, like /system.slice/nginx.service.");
  }
  std::string path;
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::string_view name = text.substr(0, text.find('/'));
    text.remove_prefix(name.size());
    if (name == "..") {
      return Invalid("a cgroup's path has no \"..\": write it without.");
    }
    if (!name.empty() && name != ".") {
      path += '/';
      path += name;
    }
  }
  return path.empty() ? "/" : path;
}

LevelSet Effective(const LevelSet& system, const LevelSet& cgroup,
                   const LevelSet& socket) {
  LevelSet levels;
  for (const Category category : kCategories) {
    const Level own = socket.of(category);
    const Level given = cgroup.of(category);
    const bool bypasses = given == Level::kBypass;
    const Level floor =
        bypasses ? system.of(category) : Effective(system.of(category), given);
    levels.Set(category, bypasses && own == Level::kNone
                             ? Level::kBypass
                             : Effective(floor, own));
  }
  return levels;
}

Result<CgroupTable> CgroupTable::Create(const std::vector<CgroupRule>& rules) {
  CgroupTable table;
  for (const CgroupRule& rule : rules) {
    if (table.rules_.contains(rule.path)) {
      return Error{ErrorCode::kExists, "The cgroup " + rule.path +
                                           " has two rules: keep one of "
                                           "them."};
    }
    table.Put(rule);
  }
  return table;
}

void CgroupTable::Put(const CgroupRule& rule) {
  rules_[rule.path] = rule.levels;
  strictest_ = LevelSet();
  for (const auto& [path, levels] : rules_) {
    strictest_ = Stricter(strictest_, levels);
  }
}

LevelSet CgroupTable::Find(std::string_view path) const {
  for (;;) {
    if (const auto rule = rules_.find(path); rule != rules_.end()) {
      return rule->second;
    }
    if (path.size() <= 1) {
      return {};
    }
    const std::size_t slash = path.rfind('/');
    path = slash == 0 || slash == std::string_view::npos
               ? std::string_view("/")
               : path.substr(0, slash);
  }
}

CgroupTable CgroupTable::With(const CgroupRule& rule) const {
  CgroupTable table = *this;
  table.Put(rule);
  return table;
}

Result<CgroupTable> CgroupTable::Without(const std::string& path) const {
  if (!rules_.contains(path)) {
    return Error{ErrorCode::kNotFound,
                 "The cgroup " + path +
                     " has no rule: ask for the list of cgroups to see which "
                     "have."};
  }
  CgroupTable table;
  for (const auto& [other, levels] : rules_) {
    if (other != path) {
      table.Put({other, levels});
    }
  }
  return table;
}

std::vector<CgroupRule> CgroupTable::rules() const {
  std::vector<CgroupRule> all;
  all.reserve(rules_.size());
  for (const auto& [path, levels] : rules_) {
    all.push_back({path, levels});
  }
  return all;
}

LevelSet LevelsOf(const CgroupTable& rules, CgroupPaths* paths,
                  CgroupId cgroup) {
  if (rules.empty()) {
    return {};
  }
  const std::optional<std::string> path =
      cgroup == kNoCgroup || paths == nullptr ? std::nullopt
                                              : paths->PathOf(cgroup);
  return path ? rules.Find(*path) : rules.Strictest();
}

}  // namespace postern
