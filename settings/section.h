// SPDX-License-Identifier: Apache-2.0
//
// A Section reads one table of settings key by key. What is missing, of the
// wrong kind or out of range becomes a Defect at its place, and so does, when
// Finish() is called, every key that nobody asked for.
//
//     Section tun(table, "tun", defects);
//     config.name = tun.Text("name").value_or("tun0");
//     config.mtu = tun.Whole("mtu", {1280, 65535});
//     tun.Finish();
//
// An accessor returns nothing both for an absent key and for a defective one;
// RequireText() also refuses absence.
//
// Thread safety: Control-confined.

#ifndef POSTERN_SETTINGS_SECTION_H_
#define POSTERN_SETTINGS_SECTION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "settings/defect.h"
#include "settings/value.h"

namespace postern {

class Section {
 public:
  struct Range {
    std::int64_t least = 0;
    std::int64_t most = 0;
  };

  // `path` names the table in messages: "sa[2]"; empty for the whole file.
  // Both referenced objects outlive the section. A value that is no table is a
  // defect and then reads as an empty one.
  Section(const Value& table, std::string path, Defects& defects);

  std::optional<std::string> Text(std::string_view key);
  std::optional<std::string> RequireText(std::string_view key);
  std::optional<bool> Flag(std::string_view key);
  std::optional<std::int64_t> Whole(std::string_view key, Range range);

  // A list of texts; empty when absent.
  std::vector<std::string> Texts(std::string_view key);

  // A table, and a list of tables.
  std::optional<Section> Table(std::string_view key);
  std::vector<Section> Tables(std::string_view key);

  // The text of `key` as `parse` understands it: Result<T>(std::string_view).
  // Its error becomes the defect.
  template <typename Parse>
  auto Parsed(std::string_view key, Parse&& parse)
      -> std::optional<std::decay_t<decltype(*parse(std::string_view()))>> {
    const std::optional<std::string> text = Text(key);
    if (!text) {
      return std::nullopt;
    }
    auto parsed = parse(std::string_view(*text));
    if (!parsed.ok()) {
      Refuse(key, parsed.error().message);
      return std::nullopt;
    }
    return std::move(*parsed);
  }

  // The value as it is; null when absent.
  const Value* Take(std::string_view key);

  bool Has(std::string_view key) const;

  // A defect of this key, or (with an empty key) of the table.
  void Refuse(std::string_view key, std::string message);

  // Refuses every key that was never asked for.
  void Finish();

  // How many defects there were when the section began to be read, so that
  // whoever reads it knows whether it went well.
  bool clean() const { return defects_->size() == defects_before_; }

  const std::string& path() const { return path_; }

 private:
  std::string PathOf(std::string_view key) const;
  const Value* TakeKind(std::string_view key, std::string_view kind);

  const Value* table_;
  std::string path_;
  Defects* defects_;
  std::size_t defects_before_;
  std::vector<std::string_view> known_;
};

}  // namespace postern

#endif  // POSTERN_SETTINGS_SECTION_H_
