// SPDX-License-Identifier: Apache-2.0

#include "daemon/json_text.h"

#include <cstdint>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

namespace postern {
namespace {

using Json = nlohmann::ordered_json;

bool IsTooBig(const Json& json) {
  return json.is_number_unsigned() &&
         json.get<std::uint64_t>() >
             static_cast<std::uint64_t>(
                 std::numeric_limits<std::int64_t>::max());
}

Value FromJson(const Json& json) {
  if (json.is_string()) {
    return {json.get<std::string>()};
  }
  if (json.is_boolean()) {
    return Value::Flag(json.get<bool>());
  }
  if (json.is_number_integer()) {
    // As a real number it is of the wrong kind for every key that counts.
    return IsTooBig(json) ? Value::Real(json.get<double>())
                          : Value::Whole(json.get<std::int64_t>());
  }
  if (json.is_number()) {
    return Value::Real(json.get<double>());
  }
  if (json.is_array()) {
    Array items;
    for (const Json& item : json) {
      items.push_back(FromJson(item));
    }
    return {std::move(items)};
  }
  if (json.is_object()) {
    Object members;
    for (const auto& [name, member] : json.items()) {
      members.push_back(
          {.name = name, .value = FromJson(member), .name_place = {}});
    }
    return MakeObject(std::move(members));
  }
  return {};
}

Json ToTree(const Value& value) {
  if (const std::string* text = value.text()) {
    return *text;
  }
  if (const bool* flag = value.flag()) {
    return *flag;
  }
  if (const std::int64_t* whole = value.whole()) {
    return *whole;
  }
  if (const double* real = value.real()) {
    return *real;
  }
  if (const Array* items = value.array()) {
    Json json = Json::array();
    for (const Value& item : *items) {
      json.push_back(ToTree(item));
    }
    return json;
  }
  if (const Object* members = value.object()) {
    Json json = Json::object();
    for (const Member& member : *members) {
      json[member.name] = ToTree(member.value);
    }
    return json;
  }
  return nullptr;
}

}  // namespace

Result<Value> ParseJson(std::string_view text) {
  bool too_deep = false;
  const auto watch_depth = [&too_deep](int depth, Json::parse_event_t event,
                                       const Json& /*parsed*/) {
    const bool opens = event == Json::parse_event_t::object_start ||
                       event == Json::parse_event_t::array_start;
    too_deep = too_deep || (opens && depth >= kMaxJsonDepth);
    return !too_deep;
  };
  const Json json = Json::parse(text, watch_depth, /*allow_exceptions=*/false);
  if (too_deep) {
    return Invalid("the request is nested too deeply.");
  }
  if (json.is_discarded()) {
    return Invalid("the request is not JSON.");
  }
  return FromJson(json);
}

std::string ToJson(const Value& value) {
  constexpr int kOnOneLine = -1;
  return ToTree(value).dump(kOnOneLine, ' ', false,
                            Json::error_handler_t::replace);
}

}  // namespace postern
