// SPDX-License-Identifier: Apache-2.0

#include "tests/sockapi/program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "core/unique_fd.h"

namespace postern {
namespace {

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Pipe MakePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    std::abort();
  }
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) {
    pointers.push_back(text.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> With(std::vector<std::string> additions) {
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string text = *each;
    const std::string name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& addition : additions) {
      replaced = replaced || addition.rfind(name, 0) == 0;
    }
    if (!replaced) {
      additions.push_back(text);
    }
  }
  return additions;
}

// Both to their ends: a program may write much to either.
void Drain(int first, std::string& first_text, int second,
           std::string& second_text) {
  std::array<pollfd, 2> ends{{{.fd = first, .events = POLLIN, .revents = 0},
                              {.fd = second, .events = POLLIN, .revents = 0}}};
  const std::array<std::string*, 2> texts{&first_text, &second_text};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    ::poll(ends.data(), ends.size(), -1);
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) {
        continue;
      }
      std::array<char, 4096> room{};
      const ssize_t got = ::read(ends[i].fd, room.data(), room.size());
      if (got <= 0) {
        ends[i].fd = -1;
      } else {
        texts[i]->append(room.data(), static_cast<std::size_t>(got));
      }
    }
  }
}

}  // namespace

Outcome RunProgram(std::vector<std::string> command,
                   std::vector<std::string> environment) {
  std::vector<std::string> variables = With(std::move(environment));
  Pipe output = MakePipe();
  Pipe errors = MakePipe();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output.write_end.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, errors.write_end.get(), 2);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, command[0].c_str(), &actions, nullptr,
                    Pointers(command).data(), Pointers(variables).data());
  ::posix_spawn_file_actions_destroy(&actions);
  Outcome outcome;
  if (error != 0) {
    outcome.error_text = "cannot run " + command[0];
    return outcome;
  }
  output.write_end.reset();
  errors.write_end.reset();
  Drain(output.read_end.get(), outcome.output, errors.read_end.get(),
        outcome.error_text);
  int status = 0;
  ::waitpid(pid, &status, 0);
  outcome.status =
      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

Outcome RunSocketProgram(std::vector<std::string> arguments,
                         std::vector<std::string> environment) {
  arguments.insert(arguments.begin(), POSTERN_LINKED_PROGRAM);
  return RunProgram(std::move(arguments), std::move(environment));
}

}  // namespace postern
