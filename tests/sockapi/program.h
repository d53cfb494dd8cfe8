// SPDX-License-Identifier: Apache-2.0
//
// Runs another program and waits for it.

#ifndef POSTERN_TESTS_SOCKAPI_PROGRAM_H_
#define POSTERN_TESTS_SOCKAPI_PROGRAM_H_

#include <string>
#include <vector>

namespace postern {

struct Outcome {
  int status = -1;  // exit status, or 128 + signal
  std::string output;
  std::string error_text;
};

// With this process's environment and the "NAME=value" additions.
Outcome RunProgram(std::vector<std::string> command,
                   std::vector<std::string> environment);

// socket_program.c, linked with the library.
Outcome RunSocketProgram(std::vector<std::string> arguments,
                         std::vector<std::string> environment = {});

}  // namespace postern

#endif  // POSTERN_TESTS_SOCKAPI_PROGRAM_H_
