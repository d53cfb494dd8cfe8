// SPDX-License-Identifier: Apache-2.0
//
// What a command line of `postern` asks for, free of the parser that read it:
// a verb for the daemon and how to show its answer, a program to run, events to
// show, or what needs no daemon: a capture to work on, a table to print.
//
// Thread safety: plain values.

#ifndef POSTERN_CLI_INVOCATION_H_
#define POSTERN_CLI_INVOCATION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "offline/capture_job.h"

namespace postern {

// docs: `postern --help` tells them.
enum class ExitStatus : int {
  kFine = 0,
  kRefused = 1,   // the daemon, or this machine, says no
  kMisused = 2,   // the command line is wrong, or a file that it names
  kNoDaemon = 3,  // nobody answers for this host
};

// How an answer becomes text for a person.
enum class View : std::uint8_t {
  kStatus,
  kAssociations,
  kAssociation,
  kRoutes,
  kRules,
  kCgroups,
  kLevels,
  kSockets,
  kAcquires,
  kStats,
  kOutcome,  // "added: esp 0x00001001 to 10.9.0.2"
};

enum class Output : std::uint8_t { kText, kJson };

// An argument of a verb; a dot in the name is a table in a table
// ("selector.source").
struct Argument {
  std::string name;
  std::variant<std::string, std::int64_t, bool> value;

  friend bool operator==(const Argument&, const Argument&) = default;
};

struct Question {
  std::string verb;  // as the daemon calls it: "sa.add"
  std::vector<Argument> arguments;
  View view = View::kOutcome;
};

// A program to run inside the host.
struct Execution {
  std::vector<std::string> words;
  std::string levels;  // for POSTERN_LEVELS; empty: none are set
  // The cgroup to run it in, instead of preloading the library; empty: none.
  std::string cgroup;
  std::vector<Argument> cgroup_levels;  // of its rule; none: it has one
};

// Events, as they come.
struct Following {
  std::optional<std::uint64_t> count;  // how many; else without an end
};

// The table that Wireshark reads, of a file's SAs.
struct SaExport {
  std::string associations;
};

struct Invocation {
  std::string host;
  Output output = Output::kText;
  std::variant<Question, Execution, Following, CaptureJob, SaExport> what;
};

// A command line that ends here: help, version, or a mistake.
struct Ending {
  ExitStatus status = ExitStatus::kMisused;
  std::string text;
};

}  // namespace postern

#endif  // POSTERN_CLI_INVOCATION_H_
