// SPDX-License-Identifier: Apache-2.0
//
// posternd's command line.
//
// Thread safety: plain values.

#ifndef POSTERN_DAEMON_COMMAND_LINE_H_
#define POSTERN_DAEMON_COMMAND_LINE_H_

#include <optional>
#include <string>
#include <string_view>

#include "core/expected.h"
#include "core/log/log.h"

namespace postern {

struct CommandLine {
  enum class Action { kServe, kCheck, kShowHelp, kShowVersion };

  Action action = Action::kServe;
  std::string config;                 // with kServe and kCheck
  std::optional<LogLevel> log_level;  // instead of the configuration's
};

// What is wrong, in one sentence.
struct UsageDefect {
  std::string sentence;
};

// Uses getopt_long()'s global state: call it once, before there are threads.
Expected<CommandLine, UsageDefect> ParseCommandLine(int count,
                                                    char* const* words);

std::string_view UsageText();

std::string_view VersionText();

}  // namespace postern

#endif  // POSTERN_DAEMON_COMMAND_LINE_H_
