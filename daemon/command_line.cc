// SPDX-License-Identifier: Apache-2.0

#include "daemon/command_line.h"

#include <getopt.h>

#include <array>

namespace postern {
namespace {

enum Option : int {
  kConfig = 'c',
  kHelp = 'h',
  kCheck = 256,
  kLevel,
  kVersion
};

constexpr std::array<option, 6> kOptions = {{
    {"config", required_argument, nullptr, kConfig},
    {"check", no_argument, nullptr, kCheck},
    {"log-level", required_argument, nullptr, kLevel},
    {"version", no_argument, nullptr, kVersion},
    {"help", no_argument, nullptr, kHelp},
    {nullptr, 0, nullptr, 0},
}};

UsageDefect Misuse(std::string sentence) {
  return {std::move(sentence)};
}

}  // namespace

Expected<CommandLine, UsageDefect> ParseCommandLine(int count,
                                                    char* const* words) {
  CommandLine line;
  optind = 0;  // GNU: starts anew
  opterr = 0;
  for (;;) {
    const int found =
        ::getopt_long(count, words, ":c:h", kOptions.data(), nullptr);
    if (found == -1) {
      break;
    }
    switch (found) {
      case kConfig:
        line.config = optarg;
        break;
      case kCheck:
        line.action = CommandLine::Action::kCheck;
        break;
      case kLevel: {
        const Result<LogLevel> level = ParseLogLevel(optarg);
        if (!level.ok()) {
          return Misuse("--log-level: " + level.error().message);
        }
        line.log_level = *level;
        break;
      }
      case kVersion:
        line.action = CommandLine::Action::kShowVersion;
        return line;
      case kHelp:
        line.action = CommandLine::Action::kShowHelp;
        return line;
      case ':':
        return Misuse(std::string(words[optind - 1]) + " needs a value.");
      default:
        return Misuse(std::string(words[optind - 1]) +
                      " is no option of posternd.");
    }
  }
  if (optind < count) {
    return Misuse("posternd takes no \"" + std::string(words[optind]) +
                  "\": give the configuration with --config.");
  }
  if (line.config.empty()) {
    return Misuse("give the configuration with --config FILE.");
  }
  return line;
}

std::string_view UsageText() {
  return R"(posternd: the daemon of one virtual IPsec host

    posternd --config host.toml              serve in the foreground
    posternd --config host.toml --check      only read the configuration

  -c, --config FILE      the host's configuration (docs/configuration.md)
      --check            exit after reading it: 0 when it is fine
      --log-level LEVEL  instead of the configuration's: debug, info, warning,
                         error, off
      --version
  -h, --help

It ends at SIGINT and SIGTERM and ignores SIGHUP. Exit status:
  0  ended as asked, or the configuration is fine
  1  the host could not be set up, or failed
  2  the command line is wrong
  3  the configuration has errors (each is told with file, line and column)
)";
}

std::string_view VersionText() {
  return "posternd " POSTERN_VERSION "\n";
}

}  // namespace postern
