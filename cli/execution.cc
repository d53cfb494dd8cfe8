// SPDX-License-Identifier: Apache-2.0

#include "cli/execution.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <vector>

#include "cli/cgroup.h"

namespace postern {
namespace {

constexpr const char* kLibraryFile = "libpostern.so.0";

std::string DirectoryOfThisProgram() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size =
      ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  const std::string text(path.data(),
                         size > 0 ? static_cast<std::size_t>(size) : 0);
  return text.substr(0, text.rfind('/'));
}

// ld.so takes blanks and colons for separators.
Result<std::string> ForPreload(const std::string& path) {
  if (path.find_first_of(" :\t") != std::string::npos) {
    return Invalid("the path " + path +
                   " has a blank or a colon, which LD_PRELOAD cannot take: "
                   "move the library or set POSTERN_LIBRARY.");
  }
  return path;
}

Status SetEnvironment(const std::string& library, const std::string& levels) {
  const char* others = ::getenv("LD_PRELOAD");
  const std::string preload =
      others == nullptr || *others == '\0' ? library : library + ":" + others;
  const bool set =
      ::setenv("LD_PRELOAD", preload.c_str(), 1) == 0 &&
      (levels.empty() || ::setenv("POSTERN_LEVELS", levels.c_str(), 1) == 0);
  return set ? Ok() : Status(SystemError("setenv", errno));
}

Status PreloadLibrary(const Execution& execution) {
  const Result<std::string> library = FindLibrary();
  return library.ok() ? SetEnvironment(*library, execution.levels)
                      : Status(library.error());
}

}  // namespace

Result<std::string> FindLibrary() {
  if (const char* chosen = ::secure_getenv("POSTERN_LIBRARY");
      chosen != nullptr && *chosen != '\0') {
    if (::access(chosen, R_OK) != 0) {
      return SystemError("POSTERN_LIBRARY=" + std::string(chosen), errno);
    }
    return ForPreload(chosen);
  }
  const std::string here = DirectoryOfThisProgram();
  for (const char* place : {POSTERN_LIBDIR_FROM_BINDIR, "../sockapi"}) {
    const std::string path = here + "/" + place + "/" + kLibraryFile;
    if (::access(path.c_str(), R_OK) == 0) {
      return ForPreload(path);
    }
  }
  return Error{ErrorCode::kNotFound,
               std::string(kLibraryFile) + " is neither at " + here + "/" +
                   POSTERN_LIBDIR_FROM_BINDIR +
                   " nor in the build tree: install it, or set "
                   "POSTERN_LIBRARY to its path."};
}

Error Execute(const Execution& execution, int network_namespace) {
  if (const Status prepared = execution.cgroup.empty()
                                  ? PreloadLibrary(execution)
                                  : EnterCgroup(execution.cgroup);
      !prepared.ok()) {
    return prepared.error();
  }
  if (::setns(network_namespace, CLONE_NEWNET) != 0) {
    return SystemError(
        "entering the host's network namespace (this needs root)", errno);
  }
  std::vector<char*> words;
  for (const std::string& word : execution.words) {
    words.push_back(const_cast<char*>(word.c_str()));  // execvp() writes none
  }
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  return SystemError("running " + execution.words[0], errno);
}

}  // namespace postern
