// SPDX-License-Identifier: Apache-2.0

#include "settings/value.h"

#include <array>
#include <limits>
#include <utility>

namespace postern {

Value::Value() = default;

Value::Value(std::string text) : content_(std::move(text)) {}

Value::Value(std::string_view text) : content_(std::string(text)) {}

Value::Value(const char* text) : content_(std::string(text)) {}

Value::Value(Array array) : content_(std::move(array)) {}

Value::Value(Object object) : content_(std::move(object)) {}

Value::Value(const Value& other) = default;

Value::Value(Value&& other) noexcept = default;

Value& Value::operator=(const Value& other) = default;

Value& Value::operator=(Value&& other) noexcept = default;

Value::~Value() = default;

Value::Value(Content content) : content_(std::move(content)) {}

Value Value::Flag(bool value) {
  return Value(Content(value));
}

Value Value::Whole(std::int64_t value) {
  return Value(Content(value));
}

Value Value::Real(double value) {
  return Value(Content(value));
}

Value Value::Count(std::uint64_t value) {
  constexpr auto kMost =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return Whole(static_cast<std::int64_t>(value < kMost ? value : kMost));
}

std::string_view Value::Kind() const {
  // In the order of Content.
  constexpr std::array<std::string_view, 7> kKinds = {
      "nothing", "true or false", "a whole number", "a number",
      "a text",  "a list",        "a table"};
  return kKinds[content_.index()];
}

const Value* Value::Find(std::string_view name) const {
  if (const Object* members = object()) {
    for (const Member& member : *members) {
      if (member.name == name) {
        return &member.value;
      }
    }
  }
  return nullptr;
}

Value MakeObject(Object members) {
  return Value(std::move(members));
}

}  // namespace postern
