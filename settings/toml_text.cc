// SPDX-License-Identifier: Apache-2.0

#include "settings/toml_text.h"

#include <toml++/toml.h>

#include <sstream>
#include <string>
#include <utility>

namespace postern {
namespace {

Place PlaceOf(const toml::source_region& region) {
  return {.line = region.begin.line, .column = region.begin.column};
}

Value FromNode(const toml::node& node);

Value FromTable(const toml::table& table) {
  Object members;
  for (const auto& [key, node] : table) {
    members.push_back({.name = std::string(key.str()),
                       .value = FromNode(node),
                       .name_place = PlaceOf(key.source())});
  }
  return MakeObject(std::move(members));
}

Value FromArray(const toml::array& array) {
  Array items;
  for (const toml::node& node : array) {
    items.push_back(FromNode(node));
  }
  return {std::move(items)};
}

Value FromScalar(const toml::node& node) {
  if (const auto* text = node.as_string()) {
    return {text->get()};
  }
  if (const auto* whole = node.as_integer()) {
    return Value::Whole(whole->get());
  }
  if (const auto* real = node.as_floating_point()) {
    return Value::Real(real->get());
  }
  if (const auto* flag = node.as_boolean()) {
    return Value::Flag(flag->get());
  }
  std::ostringstream text;
  node.visit([&text](const auto& date) {
    if constexpr (toml::is_value<decltype(date)>) {
      text << date.get();
    }
  });
  return {text.str()};
}

Value FromNode(const toml::node& node) {
  Value value;
  if (const toml::table* table = node.as_table()) {
    value = FromTable(*table);
  } else if (const toml::array* array = node.as_array()) {
    value = FromArray(*array);
  } else {
    value = FromScalar(node);
  }
  value.At(PlaceOf(node.source()));
  return value;
}

}  // namespace

Expected<Value, Defect> ParseToml(std::string_view text) {
  try {
    const toml::table table = toml::parse(text);
    return FromNode(table);
  } catch (const toml::parse_error& error) {
    return Defect{.place = PlaceOf(error.source()),
                  .key = {},
                  .message = "this is not TOML: " +
                             std::string(error.description()) + "."};
  }
}

}  // namespace postern
