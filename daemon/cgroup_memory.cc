// SPDX-License-Identifier: Apache-2.0

#include "daemon/cgroup_memory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

#include "core/unique_fd.h"
#include "daemon/cgroup_rules.h"
#include "daemon/json_text.h"
#include "settings/section.h"
#include "state/own_file.h"

namespace postern {
namespace {

constexpr std::string_view kFirst = "postern cgroups 1 ";
constexpr std::size_t kSumDigits = 16;
constexpr mode_t kMode = 0600;

// FNV-1a. A changed octet never goes unnoticed.
std::string SumOf(std::string_view text) {
  constexpr std::uint64_t kBasis = 0xcbf29ce484222325;
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t sum = kBasis;
  for (const char octet : text) {
    sum = (sum ^ static_cast<unsigned char>(octet)) * kPrime;
  }
  std::array<char, kSumDigits> digits{};
  const char* const end =
      std::to_chars(digits.begin(), digits.end(), sum, 16).ptr;
  const std::string written(digits.cbegin(), end);
  return std::string(kSumDigits - written.size(), '0') + written;
}

Error Damaged(const std::string& path) {
  return Invalid(path +
                 " is damaged. It remembers the rules of cgroups that were set "
                 "while the host ran. End the programs of this host and delete "
                 "the file, then start posternd again; cgroups lose these "
                 "rules without it.");
}

Value ToValue(const CgroupRule& rule) {
  Object members = {{"path", rule.path, {}}};
  for (const Category category : kCategories) {
    members.push_back(
        {std::string(NameOf(category)), NameOf(rule.levels.of(category)), {}});
  }
  return MakeObject(std::move(members));
}

// What is behind the first line, if that fits it.
std::optional<std::string_view> BodyOf(std::string_view text) {
  constexpr std::size_t kLine = kFirst.size() + kSumDigits + 1;
  if (text.size() < kLine || !text.starts_with(kFirst)) {
    return std::nullopt;
  }
  const std::string_view body = text.substr(kLine);
  return text.substr(kFirst.size(), kSumDigits + 1) == SumOf(body) + "\n"
             ? std::optional(body)
             : std::nullopt;
}

Result<std::string> ReadAll(const std::string& path, int fd) {
  std::string text;
  std::array<char, 4096> room{};
  for (;;) {
    const ssize_t size = ::read(fd, room.data(), room.size());
    if (size < 0 && errno != EINTR) {
      return SystemError("reading " + path, errno);
    }
    if (size == 0) {
      return text;
    }
    text.append(room.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  }
}

Status WriteAll(const std::string& path, std::string_view text) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open is what it is
  const UniqueFd fd(::open(path.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           kMode));
  if (!fd.valid()) {
    return SystemError("making " + path, errno);
  }
  while (!text.empty()) {
    const ssize_t size = ::write(fd.get(), text.data(), text.size());
    if (size < 0 && errno != EINTR) {
      return SystemError("writing " + path, errno);
    }
    text.remove_prefix(size < 0 ? 0 : static_cast<std::size_t>(size));
  }
  return Ok();
}

}  // namespace

CgroupMemory::CgroupMemory(std::string path, const RecordFile::Life& life)
    : path_(std::move(path)),
      life_(life.boot + " " + std::to_string(life.network_namespace)) {}

Result<std::vector<CgroupRule>> CgroupMemory::Read() const {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open is what it is
  const UniqueFd fd(
      ::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    return errno == ENOENT
               ? Result<std::vector<CgroupRule>>(std::vector<CgroupRule>())
               : SystemError("opening " + path_, errno);
  }
  if (Status own = CheckOwn(path_, fd.get()); !own.ok()) {
    return own.error();
  }
  const Result<std::string> text = ReadAll(path_, fd.get());
  if (!text.ok()) {
    return text.error();
  }
  const std::optional<std::string_view> body = BodyOf(*text);
  const Result<Value> parsed =
      body ? ParseJson(*body) : Result<Value>(Damaged(path_));
  if (!parsed.ok()) {
    return Damaged(path_);
  }
  Defects defects;
  Section root(*parsed, "", defects);
  const std::optional<std::string> life = root.RequireText("life");
  std::vector<CgroupRule> rules;
  for (Section& section : root.Tables("rules")) {
    rules.push_back(ReadCgroupRule(section).value_or(CgroupRule()));
  }
  root.Finish();
  if (!defects.empty()) {
    return Damaged(path_);
  }
  return life == life_ ? std::move(rules) : std::vector<CgroupRule>();
}

Status CgroupMemory::Write(const std::vector<CgroupRule>& rules) const {
  Array all;
  for (const CgroupRule& rule : rules) {
    all.push_back(ToValue(rule));
  }
  const std::string body =
      ToJson(MakeObject({{"life", life_, {}}, {"rules", std::move(all), {}}}));
  const std::string fresh = path_ + ".new";
  ::unlink(fresh.c_str());  // of one who was killed here
  Status written =
      WriteAll(fresh, std::string(kFirst) + SumOf(body) + "\n" + body);
  if (written.ok() && ::rename(fresh.c_str(), path_.c_str()) != 0) {
    written = SystemError("rename to " + path_, errno);
  }
  if (!written.ok()) {
    ::unlink(fresh.c_str());
  }
  return written;
}

}  // namespace postern
