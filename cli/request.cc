// SPDX-License-Identifier: Apache-2.0

#include "cli/request.h"

#include <nlohmann/json.hpp>

namespace postern {
namespace {

using Json = nlohmann::ordered_json;

// The place of "selector.source" in `arguments`.
Json& PlaceOf(Json& arguments, const std::string& name) {
  const std::size_t dot = name.find('.');
  return dot == std::string::npos
             ? arguments[name]
             : arguments[name.substr(0, dot)][name.substr(dot + 1)];
}

}  // namespace

std::string RequestOf(const Question& question) {
  Json arguments = Json::object();
  for (const Argument& argument : question.arguments) {
    std::visit(
        [&](const auto& value) { PlaceOf(arguments, argument.name) = value; },
        argument.value);
  }
  const Json request = {{"verb", question.verb}, {"arguments", arguments}};
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace postern
