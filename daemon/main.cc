// SPDX-License-Identifier: Apache-2.0

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "control/paths.h"
#include "core/crypto/backend.h"
#include "core/log/log.h"
#include "daemon/command_line.h"
#include "daemon/host.h"
#include "daemon/host_config.h"

namespace {

using postern::CommandLine;
using postern::HostConfig;

// UsageText() tells them.
enum ExitStatus : int {
  kFine = 0,
  kFailed = 1,
  kMisused = 2,
  kMisconfigured = 3
};

void Print(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
}

int Complain(const CommandLine& line, const postern::Defects& defects) {
  for (const postern::Defect& defect : defects) {
    Print(stderr, postern::InFile(line.config, defect) + "\n");
  }
  return kMisconfigured;
}

// Each connection is a descriptor, and the usual soft limit is 1024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

int Serve(const CommandLine& line, const HostConfig& config) {
  postern::SetLogLevel(line.log_level.value_or(config.log_level));
  if (config.run_directory) {
    ::setenv(postern::kRunDirectoryVariable, config.run_directory->c_str(), 1);
  }
  RaiseDescriptorLimit();
  if (const auto chosen = postern::ChooseBackend(config.crypto); !chosen.ok()) {
    Print(stderr, "posternd: " + chosen.error().message + "\n");
    return kFailed;
  }
  postern::Log(postern::LogLevel::kInfo, "crypto",
               {{"backend", postern::NameOf(config.crypto)},
                {"library", postern::Describe(config.crypto)}});
  const auto host = postern::Host::Create(config);
  if (!host.ok()) {
    Print(stderr, "posternd: " + host.error().message + "\n");
    return kFailed;
  }
  if (const postern::Status served = (*host)->Run(); !served.ok()) {
    Print(stderr, "posternd: " + served.error().message + "\n");
    return kFailed;
  }
  return kFine;
}

int Main(int count, char** words) {
  const auto line = postern::ParseCommandLine(count, words);
  if (!line.ok()) {
    Print(stderr,
          "posternd: " + line.error().sentence + " See posternd --help.\n");
    return kMisused;
  }
  switch (line->action) {
    case CommandLine::Action::kShowHelp:
      Print(stdout, postern::UsageText());
      return kFine;
    case CommandLine::Action::kShowVersion:
      Print(stdout, postern::VersionText());
      return kFine;
    case CommandLine::Action::kCheck:
    case CommandLine::Action::kServe:
      break;
  }
  const auto config = postern::LoadHostConfig(line->config);
  if (!config.ok()) {
    return Complain(*line, config.error());
  }
  return line->action == CommandLine::Action::kServe ? Serve(*line, *config)
                                                     : kFine;
}

}  // namespace

int main(int count, char** words) {
  try {
    return Main(count, words);
  } catch (const std::exception& error) {
    Print(stderr, "posternd: " + std::string(error.what()) + "\n");
    return kFailed;
  }
}
