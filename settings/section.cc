// SPDX-License-Identifier: Apache-2.0

#include "settings/section.h"

#include <algorithm>
#include <utility>

namespace postern {
namespace {

const Value kNoTable{Object()};

}  // namespace

Section::Section(const Value& table, std::string path, Defects& defects)
    : table_(&table),
      path_(std::move(path)),
      defects_(&defects),
      defects_before_(defects.size()) {
  if (table.object() == nullptr) {
    Refuse("", "this must be a table of keys and values, not " +
                   std::string(table.Kind()) + ".");
    table_ = &kNoTable;
  }
}

std::string Section::PathOf(std::string_view key) const {
  if (path_.empty() || key.empty()) {
    return path_.empty() ? std::string(key) : path_;
  }
  return path_ + "." + std::string(key);
}

const Value* Section::Take(std::string_view key) {
  known_.push_back(key);
  const Value* value = table_->Find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool Section::Has(std::string_view key) const {
  const Value* value = table_->Find(key);
  return value != nullptr && !value->is_null();
}

const Value* Section::TakeKind(std::string_view key, std::string_view kind) {
  const Value* value = Take(key);
  if (value != nullptr && value->Kind() != kind) {
    Refuse(key, "write " + std::string(kind) + " here, not " +
                    std::string(value->Kind()) + ".");
    return nullptr;
  }
  return value;
}

std::optional<std::string> Section::Text(std::string_view key) {
  const Value* value = TakeKind(key, "a text");
  return value == nullptr ? std::nullopt : std::optional(*value->text());
}

std::optional<std::string> Section::RequireText(std::string_view key) {
  if (!Has(key)) {
    known_.push_back(key);
    Refuse("", "\"" + std::string(key) + "\" is missing: it must be set.");
    return std::nullopt;
  }
  return Text(key);
}

std::optional<bool> Section::Flag(std::string_view key) {
  const Value* value = TakeKind(key, "true or false");
  return value == nullptr ? std::nullopt : std::optional(*value->flag());
}

std::optional<std::int64_t> Section::Whole(std::string_view key, Range range) {
  const Value* value = TakeKind(key, "a whole number");
  if (value == nullptr) {
    return std::nullopt;
  }
  const std::int64_t number = *value->whole();
  if (number < range.least || number > range.most) {
    Refuse(key, std::to_string(number) + " is out of range: write a number " +
                    "from " + std::to_string(range.least) + " to " +
                    std::to_string(range.most) + ".");
    return std::nullopt;
  }
  return number;
}

std::vector<std::string> Section::Texts(std::string_view key) {
  std::vector<std::string> texts;
  const Value* list = TakeKind(key, "a list");
  if (list == nullptr) {
    return texts;
  }
  for (const Value& item : *list->array()) {
    if (item.text() == nullptr) {
      Refuse(key, "write a list of texts here, each in quotes.");
      return {};
    }
    texts.push_back(*item.text());
  }
  return texts;
}

std::optional<Section> Section::Table(std::string_view key) {
  const Value* value = Take(key);
  return value == nullptr
             ? std::nullopt
             : std::optional(Section(*value, PathOf(key), *defects_));
}

std::vector<Section> Section::Tables(std::string_view key) {
  std::vector<Section> tables;
  const Value* list = Take(key);
  if (list == nullptr) {
    return tables;
  }
  if (list->array() == nullptr) {
    Refuse(key, "write each of these as a table of its own, under [[" +
                    PathOf(key) + "]].");
    return tables;
  }
  for (const Value& item : *list->array()) {
    tables.emplace_back(
        item, PathOf(key) + "[" + std::to_string(tables.size() + 1) + "]",
        *defects_);
  }
  return tables;
}

void Section::Refuse(std::string_view key, std::string message) {
  const Value* value = key.empty() ? table_ : table_->Find(key);
  defects_->push_back({.place = (value == nullptr ? table_ : value)->place(),
                       .key = PathOf(key),
                       .message = std::move(message)});
}

void Section::Finish() {
  for (const Member& member : *table_->object()) {
    if (std::find(known_.begin(), known_.end(), member.name) != known_.end()) {
      continue;
    }
    const std::string_view meant = ClosestOf(member.name, known_);
    std::string advice = meant.empty()
                             ? "remove it, or see docs/configuration.md."
                             : "did you mean \"" + std::string(meant) + "\"?";
    defects_->push_back({.place = member.name_place,
                         .key = PathOf(member.name),
                         .message = "there is no such key: " + advice});
  }
}

}  // namespace postern
