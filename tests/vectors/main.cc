// SPDX-License-Identifier: Apache-2.0
//
// postern_vectors [--backend NAME] DIR...: runs every *.json vector file in the
// directories and prints a line for each, what failed, what IPsec has no use for,
// what was skipped and why, and
//
//     N passed, N failed, N skipped
//
// Without --backend the crypto backend is the best one of this machine.
//
// Exit status: 0 when nothing failed, 1 when something did, 2 when there was
// nothing to run, 77 when the backend is not there.

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "core/crypto/backend.h"
#include "core/crypto/legacy.h"
#include "tests/vectors/vector_file.h"

namespace postern::vectors {
namespace {

namespace fs = std::filesystem;

using Runner = void (*)(const Json&, Tally&);

const std::map<std::string, Runner>& RunnersByFormat() {
  static const std::map<std::string, Runner> runners = {
      {"ipsec-vec/alg/1", RunAlgorithmVectors},
      {"ipsec-vec/packet/1", RunPacketVectors},
      {"ipsec-vec/inbound/1", RunInboundVectors},
      {"ipsec-vec/replay/1", RunReplayVectors},
      {"ipsec-vec/table/1", RunTableVectors},
      {"postern-vec/sweep/1", RunSweepVectors},
  };
  return runners;
}

void RunJson(const Json& file, Tally& tally) {
  if (file.contains("testGroups")) {
    RunWycheproofVectors(file, tally);
    return;
  }
  const std::string format = file.value("format", "");
  const auto found = RunnersByFormat().find(format);
  if (found == RunnersByFormat().end()) {
    throw VectorError("unknown format: \"" + format + "\"");
  }
  found->second(file, tally);
}

Tally RunFile(const fs::path& path) {
  Tally tally;
  try {
    std::ifstream in(path);
    RunJson(Json::parse(in), tally);
  } catch (const std::exception& error) {
    const std::string why = error.what();
    tally.Run("file", [&why] { return Failed(why); });
  }
  return tally;
}

std::vector<fs::path> FilesIn(const std::vector<std::string>& directories) {
  std::vector<fs::path> files;
  for (const std::string& directory : directories) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(directory)) {
      if (entry.path().extension() == ".json") {
        found.push_back(entry.path());
      }
    }
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

std::string Counts(const Tally& tally) {
  return std::to_string(tally.passed()) + " passed, " +
         std::to_string(tally.failed().size()) + " failed, " +
         std::to_string(tally.skipped_count()) + " skipped";
}

int RunAll(const std::vector<std::string>& directories) {
  Tally total;
  const std::vector<fs::path> files = FilesIn(directories);
  for (const fs::path& path : files) {
    const Tally tally = RunFile(path);
    std::cout << path.filename().string() << ": " << Counts(tally) << "\n";
    for (const std::string& failure : tally.failed()) {
      std::cout << "  failed: " << failure << "\n";
    }
    total.Add(tally);
  }
  for (const auto& [reason, count] : total.not_applicable()) {
    std::cout << "not applicable " << count << ": " << reason << "\n";
  }
  for (const auto& [reason, count] : total.skipped()) {
    std::cout << "skipped " << count << ": " << reason << "\n";
  }
  std::cout << Counts(total) << "\n";
  if (files.empty()) {
    std::cerr << "there is no *.json in the directories\n";
    return 2;
  }
  return total.failed().empty() ? 0 : 1;
}

}  // namespace
}  // namespace postern::vectors

int main(int argc, char** argv) {
  std::vector<std::string> directories(argv + 1, argv + argc);
  if (directories.size() > 2 && directories[0] == "--backend") {
    const auto backend = postern::FindBackend(directories[1]);
    if (!backend.ok()) {
      std::cerr << backend.error().message << "\n";
      return 2;
    }
    if (const auto chosen = postern::ChooseBackend(*backend); !chosen.ok()) {
      std::cout << "skipped: " << chosen.error().message << "\n";
      return 77;
    }
    directories.erase(directories.begin(), directories.begin() + 2);
  }
  if (directories.empty() || directories[0].starts_with("--")) {
    std::cerr << "usage: postern_vectors [--backend NAME] DIR...\n";
    return 2;
  }
  postern::ChooseLegacy(postern::LegacyChoice::kAllow);
  try {
    return postern::vectors::RunAll(directories);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
