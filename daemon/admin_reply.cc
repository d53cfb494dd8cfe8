// SPDX-License-Identifier: Apache-2.0

#include "daemon/admin_reply.h"

#include <cstdint>
#include <utility>

#include "daemon/json_text.h"

namespace postern {

AdminReply Whole(const Value& value) {
  std::optional<std::string> text = ToJson(value);
  return {.pieces = [text = std::move(text)]() mutable {
    return std::exchange(text, std::nullopt);
  }};
}

Value OneMember(std::string name, Value value) {
  return MakeObject({{std::move(name), std::move(value), {}}});
}

Error Refusal(const Defects& defects) {
  return Invalid(InOneLine(defects));
}

AdminReply List(const char* name, std::function<std::optional<Value>()> next) {
  enum class At : std::uint8_t { kStart, kFirst, kLater, kEnd };
  return {.pieces = [name, next = std::move(next),
                     at = At::kStart]() mutable -> std::optional<std::string> {
    if (at == At::kEnd) {
      return std::nullopt;
    }
    if (at == At::kStart) {
      at = At::kFirst;
      return "{\"" + std::string(name) + "\":[";
    }
    const std::optional<Value> value = next();
    if (!value) {
      at = At::kEnd;
      return "]}";
    }
    const char* comma = std::exchange(at, At::kLater) == At::kFirst ? "" : ",";
    return comma + ToJson(*value);
  }};
}

}  // namespace postern
