// SPDX-License-Identifier: Apache-2.0

#include "daemon/value.h"

#include <array>
#include <limits>

namespace postern {

Value::Value(Object object) : content_(std::move(object)) {}

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
