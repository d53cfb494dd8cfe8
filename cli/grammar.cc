// SPDX-License-Identifier: Apache-2.0

#include "cli/grammar.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#include "cli/cgroup.h"
#include "cli/key_file.h"
#include "control/paths.h"
#include <CLI/CLI.hpp>

namespace postern {
namespace {

constexpr const char* kFooter =
    R"(HOST is the name in the host's configuration. Examples:
  postern status a
  postern sa add a esp transport 0x1001 --from 10.9.0.1 --to 10.9.0.2 \
      --encryption aes-gcm-16 --encryption-key file:a-to-b.key
  postern sa list a
  postern route set a 10.91.25.0/24 --auth require
  postern level set a --esp-transport use
  postern stats a --json
  postern monitor a --json
  postern exec a --auth require -- python3 -m http.server
  postern cgroup set a /system.slice/nginx.service --auth require
  postern exec --cgroup static --auth require a -- ./static-program

Exit status: 0 done, 1 refused, 2 wrong command line, 3 no daemon;
`postern exec` ends as its program does, `postern monitor` with the daemon.)";

constexpr std::array<const char*, 3> kCategoryNames = {"esp_transport", "ah",
                                                       "esp_network"};
constexpr std::array<const char*, 3> kCategoryOptions = {
    "--esp-transport", "--auth,--ah", "--esp-network"};

std::string CheckHost(const std::string& name) {
  return IsHostName(name) ? "" : "\"" + name + "\" is no host's name";
}

std::string CheckCgroup(const std::string& name) {
  return IsCgroupName(name)
             ? ""
             : "\"" + name + "\" is no cgroup's name: write it without slashes";
}

// Collects what one subcommand's options say; CLI11 fills the members, so the
// address must not change.
class Verb {
 public:
  Verb(CLI::App& parent, const std::string& name, const std::string& help,
       Question question)
      : app_(parent.add_subcommand(name, help)),
        question_(std::move(question)) {
    app_->add_option("HOST", host_, "the virtual host")
        ->required()
        ->check(CLI::Validator(CheckHost, ""));
  }

  Verb(const Verb&) = delete;
  Verb& operator=(const Verb&) = delete;

  Verb& Positional(const std::string& name, const std::string& argument,
                   const std::string& help) {
    Text(name, argument, help)->required();
    return *this;
  }

  Verb& Option(const std::string& name, const std::string& argument,
               const std::string& help) {
    Text(name, argument, help);
    return *this;
  }

  Verb& Required(const std::string& name, const std::string& argument,
                 const std::string& help) {
    Text(name, argument, help)->required();
    return *this;
  }

  Verb& Key(const std::string& name, const std::string& argument,
            const std::string& help) {
    app_->add_option_function<std::string>(
        name,
        [this, argument](const std::string& word) {
          const Result<std::string> key = ReadKeyWord(word);
          if (!key.ok()) {
            throw CLI::ValidationError(argument, key.error().message);
          }
          Put(argument, *key);
        },
        help);
    return *this;
  }

  Verb& Number(const std::string& name, const std::string& argument,
               const std::string& help) {
    app_->add_option_function<std::int64_t>(
        name,
        [this, argument](const std::int64_t& value) { Put(argument, value); },
        help);
    return *this;
  }

  // A flag that stands for an argument with this value.
  Verb& Flag(const std::string& name, Argument argument,
             const std::string& help) {
    app_->add_flag_callback(
        name,
        [this, argument = std::move(argument)] {
          question_.arguments.push_back(argument);
        },
        help);
    return *this;
  }

  Verb& Levels(const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < kCategoryNames.size(); ++i) {
      Text(kCategoryOptions[i], kCategoryNames[i], "a level")
          ->check(CLI::IsMember(names));
    }
    return *this;
  }

  CLI::App& app() { return *app_; }

  bool chosen() const { return app_->parsed(); }

  const std::string& host() const { return host_; }

  const Question& question() const { return question_; }

 private:
  CLI::Option* Text(const std::string& name, const std::string& argument,
                    const std::string& help) {
    return app_->add_option_function<std::string>(
        name,
        [this, argument](const std::string& word) { Put(argument, word); },
        help);
  }

  template <typename T>
  void Put(const std::string& argument, const T& value) {
    question_.arguments.push_back({.name = argument, .value = value});
  }

  CLI::App* app_;
  std::string host_;
  Question question_;
};

using Verbs = std::vector<std::unique_ptr<Verb>>;

const std::vector<std::string> kSystemLevels = {"none", "default", "avail",
                                                "use",  "require", "unique"};

// What a socket may have, and what a cgroup gives to its sockets.
std::vector<std::string> SocketLevelNames() {
  std::vector<std::string> names = kSystemLevels;
  names.emplace_back("bypass");
  return names;
}

Verb& Add(Verbs& verbs, CLI::App& parent, const std::string& name,
          const std::string& help, Question question) {
  verbs.push_back(
      std::make_unique<Verb>(parent, name, help, std::move(question)));
  return *verbs.back();
}

Verb& Identity(Verb& verb) {
  return verb.Positional("PROTOCOL", "protocol", "esp or ah")
      .Positional("SPI", "spi", "like 0x1001")
      .Positional("DESTINATION", "destination", "an address");
}

Verb& Lifetimes(Verb& verb) {
  for (const std::string bound : {"soft", "hard"}) {
    for (const std::string unit : {"octets", "packets", "seconds"}) {
      std::string argument = bound;
      argument += "_" + unit;
      verb.Number("--" + bound + "-" + unit, argument,
                  "the SA's " + bound + " lifetime");
    }
  }
  return verb;
}

void AddSaAdd(Verbs& verbs, CLI::App& sa) {
  Verb& add = Add(verbs, sa, "add", "make an SA with keys by hand",
                  {.verb = "sa.add", .arguments = {}});
  add.Positional("PROTOCOL", "protocol", "esp or ah")
      .Positional("MODE", "mode", "transport or tunnel")
      .Positional("SPI", "spi", "like 0x1001")
      .Required("--from", "source", "source address")
      .Required("--to", "destination", "destination address")
      .Option("--direction", "direction",
              "outbound or inbound; else told by the addresses")
      .Option("--encryption", "encryption", "aes-gcm-16, aes-cbc or null")
      .Key("--encryption-key", "encryption_key", "0x... or file:PATH")
      .Option("--integrity", "integrity", "hmac-sha2-256-128, hmac-sha1-96")
      .Key("--integrity-key", "integrity_key", "0x... or file:PATH")
      .Flag("--esn", {.name = "esn", .value = true}, "64-bit sequence numbers")
      .Number("--replay-window", "replay_window", "packets; 0: no check")
      .Option("--dont-fragment", "dont_fragment", "copy, set or clear")
      .Option("--dscp", "dscp", "copy or zero")
      .Option("--local-identity", "local_identity", "like fqdn:host.example")
      .Option("--peer-identity", "peer_identity", "like fqdn:host.example")
      .Option("--selector-source", "selector.source", "a prefix")
      .Option("--selector-destination", "selector.destination", "a prefix")
      .Option("--selector-protocol", "selector.protocol", "tcp, udp, ...")
      .Number("--selector-source-port", "selector.source_port", "a port")
      .Number("--selector-destination-port", "selector.destination_port",
              "a port");
  Lifetimes(add);
}

void AddSa(Verbs& verbs, CLI::App& root) {
  CLI::App& sa = *root.add_subcommand("sa", "security associations");
  sa.require_subcommand(1);
  AddSaAdd(verbs, sa);
  Add(verbs, sa, "list", "show all",
      {.verb = "sa.dump", .arguments = {}, .view = View::kAssociations});
  Identity(
      Add(verbs, sa, "get", "show one",
          {.verb = "sa.get", .arguments = {}, .view = View::kAssociation}));
  Identity(Add(verbs, sa, "delete", "delete one",
               {.verb = "sa.delete", .arguments = {}}));
  Lifetimes(Identity(Add(verbs, sa, "update", "change one's lifetimes",
                         {.verb = "sa.update", .arguments = {}})));
  Add(verbs, sa, "flush", "delete all", {.verb = "sa.flush", .arguments = {}});
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
      .Flag("--discard", {.name = "verdict", .value = std::string("discard")},
            "drop every packet from and to there");
  Add(verbs, route, "delete", "delete one",
      {.verb = "route.delete", .arguments = {}})
      .Positional("PREFIX", "prefix", "like 10.91.25.0/24");
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

Ending Misuse(const std::string& sentence) {
  return {.status = ExitStatus::kMisused,
          .text = sentence + "\nRun with --help for more information.\n"};
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
  AddSa(verbs, root);
  AddPolicy(verbs, root);
  AddRest(verbs, root);
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
  try {
    std::vector<std::string> reversed(words.begin(), mark);
    std::reverse(reversed.begin(), reversed.end());
    root.parse(std::move(reversed));
  } catch (const CLI::Error& error) {
    return EndingOf(root, error);
  }

  Invocation invocation{
      .host = {}, .output = json ? Output::kJson : Output::kText, .what = {}};
  if (exec.chosen()) {
    const auto program = mark == words.end() ? mark : mark + 1;
    if (program == words.end()) {
      return Misuse("exec needs a program: postern exec HOST -- PROGRAM ...");
    }
    invocation.host = exec.host();
    invocation.what = Execution{.words = {program, words.end()},
                                .levels = LevelsText(exec.question()),
                                .cgroup = cgroup,
                                .cgroup_levels = exec.question().arguments};
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
