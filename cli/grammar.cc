// SPDX-License-Identifier: Apache-2.0

#include "cli/grammar.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include "cli/cgroup.h"
#include "cli/offline_grammar.h"
#include "cli/sa_grammar.h"
#include "cli/verb.h"
#include <CLI/CLI.hpp>

namespace postern {
namespace {

constexpr const char* kFooter =
    R"(HOST is the name in the host's configuration. Examples:
  postern status a
  postern sa add a esp transport 0x1001 --from 10.9.0.1 --to 10.9.0.2 \
      --encryption aes-gcm-16 --encryption-key file:a-to-b.key
  postern sa list a
  postern sa add a 0x1002 --acquire 7 --integrity hmac-sha2-256-128 \
      --integrity-key file:answer.key
  postern route set a 10.91.25.0/24 --auth require
  postern level set a --esp-transport use
  postern stats a --json
  postern monitor a --json
  postern exec a --auth require -- python3 -m http.server
  postern cgroup set a /system.slice/nginx.service --auth require
  postern exec --cgroup static --auth require a -- ./static-program
  postern pcap open --sa a.toml wire.pcap clear.pcap
  postern sa export --sa a.toml --wireshark

Exit status: 0 done, 1 refused, 2 wrong command line or file, 3 no daemon;
`postern exec` ends as its program does, `postern monitor` with the daemon.)";

std::string CheckCgroup(const std::string& name) {
  return IsCgroupName(name)
             ? ""
             : "\"" + name + "\" is no cgroup's name: write it without slashes";
}

const std::vector<std::string> kSystemLevels = {"none", "default", "avail",
                                                "use",  "require", "unique"};

// What a socket may have, and what a cgroup gives to its sockets.
std::vector<std::string> SocketLevelNames() {
  std::vector<std::string> names = kSystemLevels;
  names.emplace_back("bypass");
  return names;
}

void AddRules(Verbs& verbs, CLI::App& root) {
  CLI::App& policy = *root.add_subcommand("policy", "rules, in their order");
  policy.require_subcommand(1);
  Add(verbs, policy, "list", "show all",
      {.verb = "policy.list", .arguments = {}, .view = View::kRules});
  Add(verbs, policy, "set", "add or replace one",
      {.verb = "policy.set", .arguments = {}})
      .Positional("NAME", "name", "how it is called")
      .Positional("VERDICT", "verdict", "protect, bypass or discard")
      .Option("--before", "before", "put it in front of this one")
      .Option("--direction", "direction", "both, outbound or inbound")
      .Option("--local", "local",
              "prefixes, and ranges like 192.0.2.3-192.0.2.10")
      .Option("--remote", "remote", "likewise")
      .Option("--protocol", "protocol", "tcp, udp, icmp, icmpv6, ...")
      .Option("--local-port", "local_port",
              "ports and ranges, like 80,1000-2000, or opaque")
      .Option("--remote-port", "remote_port", "likewise")
      .Option("--icmp", "icmp", "types and codes, like 8,3/0-15")
      .Option("--mobility", "mobility", "Mobility Header types, like 5-6")
      .Levels({"none", "require", "unique"})
      .Option("--gateway", "gateway", "the ESP network tunnel's far end");
  Add(verbs, policy, "delete", "delete one",
      {.verb = "policy.delete", .arguments = {}})
      .Positional("NAME", "name", "how it is called");
}

void AddPolicy(Verbs& verbs, CLI::App& root) {
  CLI::App& route = *root.add_subcommand("route", "levels by remote address");
  route.require_subcommand(1);
  Add(verbs, route, "list", "show all",
      {.verb = "route.list", .arguments = {}, .view = View::kRoutes});
  Add(verbs, route, "set", "add or replace one",
      {.verb = "route.set", .arguments = {}})
      .Positional("PREFIX", "prefix", "like 10.91.25.0/24")
      .Levels(kSystemLevels)
      .Option("--gateway", "gateway", "the ESP network tunnel's far end")
      .Option("--gateway-source", "gateway_source", "and its near one")
      .Flag("--discard", {.name = "verdict", .value = std::string("discard")},
            "drop every packet from and to there");
  Add(verbs, route, "delete", "delete one",
      {.verb = "route.delete", .arguments = {}})
      .Positional("PREFIX", "prefix", "like 10.91.25.0/24");
  AddRules(verbs, root);
  CLI::App& cgroup = *root.add_subcommand("cgroup", "levels by cgroup");
  cgroup.require_subcommand(1);
  Add(verbs, cgroup, "list", "show all",
      {.verb = "cgroup.list", .arguments = {}, .view = View::kCgroups});
  Add(verbs, cgroup, "set", "add or replace one's rule",
      {.verb = "cgroup.set", .arguments = {}})
      .Positional("PATH", "path", "like /system.slice/nginx.service")
      .Levels(SocketLevelNames());
  Add(verbs, cgroup, "delete", "delete one's rule",
      {.verb = "cgroup.delete", .arguments = {}})
      .Positional("PATH", "path", "like /system.slice/nginx.service");
  CLI::App& level = *root.add_subcommand("level", "the systemwide levels");
  level.require_subcommand(1);
  Add(verbs, level, "show", "show them",
      {.verb = "level.get", .arguments = {}, .view = View::kLevels});
  Add(verbs, level, "set", "change those that are named",
      {.verb = "level.set", .arguments = {}, .view = View::kLevels})
      .Levels(kSystemLevels);
}

void AddRest(Verbs& verbs, CLI::App& root) {
  Add(verbs, root, "status", "what the host is and how full",
      {.verb = "status", .arguments = {}, .view = View::kStatus});
  CLI::App& socket = *root.add_subcommand("socket", "sockets with levels");
  socket.require_subcommand(1);
  Add(verbs, socket, "list", "show all",
      {.verb = "socket.list", .arguments = {}, .view = View::kSockets});
  Add(verbs, root, "stats", "packets counted, and dropped by reason",
      {.verb = "stats", .arguments = {}, .view = View::kStats});
}

void AddVerbs(Verbs& verbs, CLI::App& root) {
  AddSa(verbs, root);
  AddAcquire(verbs, root);
  AddPolicy(verbs, root);
  AddRest(verbs, root);
}

// "esp_transport=use,ah=require", as the library reads it.
std::string LevelsText(const Question& question) {
  std::string text;
  for (const Argument& argument : question.arguments) {
    text += text.empty() ? "" : ",";
    text += argument.name + "=" + std::get<std::string>(argument.value);
  }
  return text;
}

Ending EndingOf(const CLI::App& root, const CLI::Error& error) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = root.exit(error, out, err);
  return {.status = code == 0 ? ExitStatus::kFine : ExitStatus::kMisused,
          .text = code == 0 ? out.str() : err.str()};
}

std::optional<Ending> Parse(CLI::App& root, std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());
  try {
    root.parse(std::move(words));
  } catch (const CLI::Error& error) {
    return EndingOf(root, error);
  }
  return std::nullopt;
}

Ending Misuse(const std::string& sentence) {
  return {.status = ExitStatus::kMisused,
          .text = sentence + "\nRun with --help for more information.\n"};
}

Expected<Invocation, Ending> Chosen(const OfflineVerbs& offline,
                                    Output output) {
  Expected<Invocation, std::string> chosen = offline.Chosen(output);
  return chosen.ok() ? Expected<Invocation, Ending>(*std::move(chosen))
                     : Misuse(chosen.error());
}

Execution ExecutionOf(const Verb& exec, const std::string& cgroup,
                      std::vector<std::string> program) {
  return {.words = std::move(program),
          .levels = LevelsText(exec.question()),
          .cgroup = cgroup,
          .cgroup_levels = exec.question().arguments};
}

}  // namespace

Expected<Invocation, Ending> ParseInvocation(
    const std::vector<std::string>& words) {
  // What follows "--" is a program's command line and none of ours.
  const auto mark = std::find(words.begin(), words.end(), "--");
  CLI::App root("postern: ask and tell the daemons of virtual IPsec hosts",
                "postern");
  root.footer(kFooter);
  root.require_subcommand(1);
  root.fallthrough();
  root.set_version_flag("--version", "postern " POSTERN_VERSION);
  bool json = false;
  root.add_flag("--json", json, "answer with the daemon's JSON");
  Verbs verbs;
  AddVerbs(verbs, root);
  const OfflineVerbs offline(root);
  Verb exec(root, "exec",
            "run a program in the host: postern exec HOST [levels] -- PROGRAM",
            {});
  exec.Levels(SocketLevelNames());
  std::string cgroup;
  exec.app()
      .add_option("--cgroup", cgroup,
                  "run it in this cgroup with these levels, and preload "
                  "nothing: for static and set-user-ID programs")
      ->check(CLI::Validator(CheckCgroup, ""));
  Verb monitor(root, "monitor", "show what happens, as it happens", {});
  Following following;
  monitor.app().add_option("--count", following.count, "end after so many");
  if (std::optional<Ending> ending = Parse(root, {words.begin(), mark})) {
    return std::move(*ending);
  }

  const Output output = json ? Output::kJson : Output::kText;
  if (offline.chosen() && mark == words.end()) {
    return Chosen(offline, output);
  }
  Invocation invocation{.host = {}, .output = output, .what = {}};
  if (exec.chosen()) {
    if (words.end() - mark < 2) {
      return Misuse("exec needs a program: postern exec HOST -- PROGRAM ...");
    }
    invocation.host = exec.host();
    invocation.what = ExecutionOf(exec, cgroup, {mark + 1, words.end()});
    return invocation;
  }
  if (mark != words.end()) {
    return Misuse("only exec takes a program after --.");
  }
  if (monitor.chosen()) {
    invocation.host = monitor.host();
    invocation.what = following;
  }
  for (const auto& verb : verbs) {
    if (verb->chosen()) {
      invocation.host = verb->host();
      invocation.what = verb->question();
    }
  }
  return invocation;
}

}  // namespace postern
