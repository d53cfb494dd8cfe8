// SPDX-License-Identifier: Apache-2.0
//
// POSTERN_LEVELS: the levels that every IP socket of this process begins with
// (level_words.h has the variable's grammar). The variable is read once, when
// it is first needed; set-user-ID programs ignore it, as their caller must not
// choose BYPASS for them.
//
// A wish that cannot be fulfilled makes socket() fail, and one line on standard
// error says why, once per process.
//
// Thread-safe.

#ifndef POSTERN_SOCKAPI_DEFAULT_LEVELS_H_
#define POSTERN_SOCKAPI_DEFAULT_LEVELS_H_

#include <cstdint>

#include "sockapi/level_words.h"

namespace postern {

enum class DefaultLevels : std::uint8_t {
  kNone,       // the variable is not set, or empty
  kMalformed,  // it is set and says nothing that we understand
  kSet,
};

struct Defaults {
  DefaultLevels kind = DefaultLevels::kNone;
  LevelWishes wishes{};
};

Defaults DefaultsOfThisProcess();

// Sets the wished levels on a new AF_INET or AF_INET6 socket. 0, or the errno
// value with which socket() is to fail: EINVAL for a malformed variable, else
// what setsockopt() would say. The reason is on standard error then.
int ApplyDefaults(int socket, const Defaults& defaults);

}  // namespace postern

#endif  // POSTERN_SOCKAPI_DEFAULT_LEVELS_H_
