// SPDX-License-Identifier: Apache-2.0

#include "daemon/cgroup_rules.h"

#include <sys/stat.h>

#include <utility>

#include "daemon/route_settings.h"

namespace postern {

std::optional<CgroupRule> ReadCgroupRule(Section& section) {
  CgroupRule rule;
  if (section.RequireText("path")) {
    rule.path = section.Parsed("path", NormalCgroupPath).value_or("");
  }
  rule.levels = ReadLevelsOrBypass(section);
  section.Finish();
  return section.clean() ? std::optional(std::move(rule)) : std::nullopt;
}

CgroupRules::CgroupRules(SystemPolicy& system, std::string mount, Status usable)
    : system_(system), mount_(std::move(mount)), usable_(std::move(usable)) {}

std::string CgroupRules::InHierarchy(const std::string& path) const {
  if (mount_.empty() || path == mount_) {
    return path == mount_ ? "/" : path;
  }
  return path.starts_with(mount_ + "/") ? path.substr(mount_.size()) : path;
}

Status CgroupRules::Load(const std::vector<CgroupRule>& rules) {
  if (rules.empty()) {
    return Ok();
  }
  if (!usable_.ok()) {
    return usable_;
  }
  std::vector<CgroupRule> kept;
  for (const CgroupRule& rule : rules) {
    kept.push_back({InHierarchy(rule.path), rule.levels});
  }
  Result<CgroupTable> table = CgroupTable::Create(kept);
  if (!table.ok()) {
    return table.error();
  }
  system_.ReplaceCgroups(std::move(*table));
  return Ok();
}

Status CgroupRules::Resume(CgroupMemory memory) {
  const Result<std::vector<CgroupRule>> rules = memory.Read();
  if (!rules.ok()) {
    return rules.error();
  }
  if (!rules->empty() && !usable_.ok()) {
    return usable_;
  }
  CgroupTable table = system_.cgroups();
  for (const CgroupRule& rule : *rules) {
    table = table.With(rule);
    remembered_[rule.path] = rule.levels;
  }
  system_.ReplaceCgroups(std::move(table));
  memory_.emplace(std::move(memory));
  return Ok();
}

Status CgroupRules::Remember(Rules rules) {
  std::vector<CgroupRule> all;
  for (const auto& [path, levels] : rules) {
    all.push_back({path, levels});
  }
  Status written = memory_ ? memory_->Write(all) : Ok();
  if (written.ok()) {
    remembered_ = std::move(rules);
  }
  return written;
}

Result<std::string> CgroupRules::Set(CgroupRule rule) {
  if (!usable_.ok()) {
    return usable_.error();
  }
  if (const Status ready = before_set_ ? before_set_() : Ok(); !ready.ok()) {
    return ready.error();
  }
  rule.path = InHierarchy(rule.path);
  Rules rules = remembered_;
  rules[rule.path] = rule.levels;
  if (Status written = Remember(std::move(rules)); !written.ok()) {
    return written.error();
  }
  system_.ReplaceCgroups(system_.cgroups().With(rule));
  return std::move(rule.path);
}

Result<std::string> CgroupRules::Delete(const std::string& path) {
  std::string kept = InHierarchy(path);
  Result<CgroupTable> table = system_.cgroups().Without(kept);
  if (!table.ok()) {
    return table.error();
  }
  Rules rules = remembered_;
  if (rules.erase(kept) != 0) {
    if (Status written = Remember(std::move(rules)); !written.ok()) {
      return written.error();
    }
  }
  system_.ReplaceCgroups(std::move(*table));
  return kept;
}

std::vector<Value> CgroupRules::Describe() const {
  std::vector<Value> all;
  for (const CgroupRule& rule : system_.cgroups().rules()) {
    const std::string directory = mount_ + rule.path;

    struct stat found {};

    const bool present =
        !mount_.empty() && ::stat(directory.c_str(), &found) == 0;
    Object members = {{"path", rule.path, {}},
                      {"levels", postern::Describe(rule.levels), {}},
                      {"present", Value::Flag(present), {}}};
    if (present) {
      members.push_back({"id", Value::Count(found.st_ino), {}});
    }
    all.push_back(MakeObject(std::move(members)));
  }
  return all;
}

}  // namespace postern
