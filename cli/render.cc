// SPDX-License-Identifier: Apache-2.0

#include "cli/render.h"

#include <utility>
#include <vector>

#include "cli/table.h"
#include <nlohmann/json.hpp>

namespace postern {
namespace {

using Json = nlohmann::ordered_json;

// A scalar without quotes; anything else as JSON.
std::string Plain(const Json& value) {
  return value.is_string()
             ? value.get<std::string>()
             : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string Cell(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? "-" : Plain(*found);
}

// Nested names with a dot between: "tun.mtu  1314".
void AddPairs(const Json& value, const std::string& name,
              std::vector<Row>& rows) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, member] : value.items()) {
      AddPairs(member, name.empty() ? key : name + "." + key, rows);
    }
    return;
  }
  const bool nothing = value.is_structured() && value.empty();
  rows.push_back({name, nothing ? "-" : Plain(value)});
}

std::string Pairs(const Json& answer) {
  std::vector<Row> rows;
  AddPairs(answer, "", rows);
  return InColumns(rows);
}

std::string LevelCell(const Json& object, const char* category) {
  return Cell(object.value("levels", Json::object()), category);
}

std::string Algorithms(const Json& association) {
  std::string names = association.value("encryption", "");
  const std::string integrity = association.value("integrity", "");
  names += names.empty() || integrity.empty() ? "" : "+";
  return names + integrity;
}

std::string Associations(const Json& answer) {
  std::vector<Row> rows = {{"PROTOCOL", "MODE", "SPI", "SOURCE", "DESTINATION",
                            "DIRECTION", "ALGORITHMS", "STATE", "PACKETS",
                            "SEQUENCE", "OWNER"}};
  for (const Json& sa : answer.at("associations")) {
    rows.push_back({Cell(sa, "protocol"), Cell(sa, "mode"), Cell(sa, "spi"),
                    Cell(sa, "source"), Cell(sa, "destination"),
                    Cell(sa, "direction"), Algorithms(sa), Cell(sa, "state"),
                    Cell(sa, "packets"), Cell(sa, "sequence"),
                    Cell(sa, "owner")});
  }
  return InColumns(rows);
}

std::string Routes(const Json& answer) {
  std::vector<Row> rows = {
      {"PREFIX", "VERDICT", "ESP-TRANSPORT", "AH", "ESP-NETWORK", "GATEWAY"}};
  for (const Json& route : answer.at("routes")) {
    rows.push_back({Cell(route, "prefix"), Cell(route, "verdict"),
                    LevelCell(route, "esp_transport"), LevelCell(route, "ah"),
                    LevelCell(route, "esp_network"), Cell(route, "gateway")});
  }
  return InColumns(rows);
}

// What a rule asks for besides its name, verdict and direction.
std::string Conditions(const Json& rule) {
  std::string text;
  for (const auto& [name, value] : rule.items()) {
    if (name == "name" || name == "verdict" || name == "direction") {
      continue;
    }
    text += text.empty() ? "" : " ";
    text += name + "=";
    if (!value.is_array()) {
      text += Plain(value);
      continue;
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
      text += (i == 0 ? "" : ",") + Plain(value[i]);
    }
  }
  return text.empty() ? "any" : text;
}

std::string Rules(const Json& answer) {
  std::vector<Row> rows = {{"NAME", "VERDICT", "DIRECTION", "WHAT"}};
  for (const Json& rule : answer.at("rules")) {
    rows.push_back({Cell(rule, "name"), Cell(rule, "verdict"),
                    Cell(rule, "direction"), Conditions(rule)});
  }
  const bool discards = answer.at("default") == "discard";
  rows.push_back({"-", discards ? "discard" : "levels", "both",
                  discards ? "what no rule and no route names" : "the rest"});
  return InColumns(rows);
}

std::string Cgroups(const Json& answer) {
  std::vector<Row> rows = {
      {"CGROUP", "ESP-TRANSPORT", "AH", "ESP-NETWORK", "PRESENT"}};
  for (const Json& rule : answer.at("cgroups")) {
    rows.push_back({Cell(rule, "path"), LevelCell(rule, "esp_transport"),
                    LevelCell(rule, "ah"), LevelCell(rule, "esp_network"),
                    rule.value("present", false) ? "yes" : "no"});
  }
  return InColumns(rows);
}

std::string Levels(const Json& answer) {
  std::vector<Row> rows = {{"FAMILY", "ESP-TRANSPORT", "AH", "ESP-NETWORK"}};
  for (const auto& [family, levels] : answer.items()) {
    rows.push_back({family, Cell(levels, "esp_transport"), Cell(levels, "ah"),
                    Cell(levels, "esp_network")});
  }
  return InColumns(rows);
}

std::string Sockets(const Json& answer) {
  std::vector<Row> rows = {{"COOKIE", "ESP-TRANSPORT", "AH", "ESP-NETWORK"}};
  for (const Json& socket : answer.at("sockets")) {
    rows.push_back({Cell(socket, "cookie"), LevelCell(socket, "esp_transport"),
                    LevelCell(socket, "ah"), LevelCell(socket, "esp_network")});
  }
  return InColumns(rows);
}

std::string Acquires(const Json& answer) {
  std::vector<Row> rows = {{"ID", "STATE", "CATEGORY", "SOURCE", "DESTINATION",
                            "OWNER", "FLOW", "AGE"}};
  for (const Json& acquire : answer.at("acquires")) {
    const Json& flow = acquire.at("flow");
    rows.push_back({Cell(acquire, "id"), Cell(acquire, "state"),
                    Cell(acquire, "category"), Cell(acquire, "source"),
                    Cell(acquire, "destination"), Cell(acquire, "owner"),
                    Cell(flow, "protocol") + " " + Cell(flow, "source_port") +
                        " > " + Cell(flow, "destination_port"),
                    Cell(acquire, "age_seconds")});
  }
  return InColumns(rows);
}

// Reasons for which nothing was dropped are left out.
std::string Stats(const Json& answer) {
  std::string text = Pairs(answer.at("counts"));
  std::vector<Row> rows = {{"DROPPED", "REASON", "WHICH MEANS"}};
  for (const auto& [name, packets] : answer.at("drops").items()) {
    if (packets != 0) {
      const Json& meaning = answer.at("meanings").at(name);
      rows.push_back(
          {Plain(packets), name,
           Cell(meaning, "sentence") + " [" + Cell(meaning, "source") + "]"});
    }
  }
  return text + (rows.size() == 1 ? "\nNothing was dropped.\n"
                                  : "\n" + InColumns(rows));
}

std::string Outcome(const Json& answer) {
  std::string text;
  for (const auto& [name, value] : answer.items()) {
    text += name + ": " + Plain(value) + "\n";
  }
  return text;
}

std::string RenderJson(View view, const Json& answer) {
  switch (view) {
    case View::kAssociations:
      return Associations(answer);
    case View::kRoutes:
      return Routes(answer);
    case View::kRules:
      return Rules(answer);
    case View::kCgroups:
      return Cgroups(answer);
    case View::kLevels:
      return Levels(answer);
    case View::kSockets:
      return Sockets(answer);
    case View::kAcquires:
      return Acquires(answer);
    case View::kStats:
      return Stats(answer);
    case View::kOutcome:
      return Outcome(answer);
    case View::kStatus:
    case View::kAssociation:
      break;
  }
  return Pairs(answer);
}

}  // namespace

std::string Render(View view, std::string_view answer) {
  try {
    return RenderJson(view, Json::parse(answer));
  } catch (const Json::exception&) {
    return std::string(answer) + "\n";
  }
}

std::string RenderEvent(std::string_view event) {
  const Json members = Json::parse(event, nullptr, false);
  if (!members.is_object() || !members.contains("event")) {
    return std::string(event) + "\n";
  }
  std::vector<Row> rows;
  AddPairs(members, "", rows);
  std::string line = Plain(members["event"]);
  for (const Row& row : rows) {
    if (row[0] != "event") {
      // In quotes where a reader could not tell its end.
      const bool odd = row[1].find_first_of(" \"") != std::string::npos;
      line += " " + row[0] + "=" + (odd ? Json(row[1]).dump() : row[1]);
    }
  }
  return line + "\n";
}

std::string RenderRefusal(std::string_view answer) {
  const Json refusal = Json::parse(answer, nullptr, false);
  return refusal.is_object() && refusal.contains("message")
             ? Plain(refusal["message"])
             : std::string(answer);
}

}  // namespace postern
