// SPDX-License-Identifier: Apache-2.0
//
// An Error says why a request was refused, to a program (code) and to a person
// (message: one sentence that says what to do instead). Packets are refused
// with a DropReason, not with an Error.
//
// Thread safety: a plain value.

#ifndef POSTERN_CORE_ERROR_H_
#define POSTERN_CORE_ERROR_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/expected.h"

namespace postern {

enum class ErrorCode : std::uint8_t {
  kInvalid,      // the request itself makes no sense (EINVAL)
  kNotFound,     // it names something that is not there (ESRCH)
  kExists,       // it would make a second one of something (EEXIST)
  kForbidden,    // the caller may not do this (EACCES)
  kUnsupported,  // we do not do this, and say so (EOPNOTSUPP)
  kExhausted,    // a bound was reached (ENOBUFS)
  kUnavailable,  // a thing we need is not there now (ENETUNREACH)
  kSystem,       // the kernel or the disk refused (EIO; the message tells)
};

// "invalid", "not_found", ...: the name used in JSON output.
std::string_view NameOf(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string message;
};

template <typename T>
using Result = Expected<T, Error>;
using Status = Result<Done>;

inline Status Ok() {
  return Done{};
}

inline Error Invalid(std::string message) {
  return {ErrorCode::kInvalid, std::move(message)};
}

// A kSystem error: "<what>: <strerror(errno_value)>".
Error SystemError(std::string_view what, int errno_value);

}  // namespace postern

#endif  // POSTERN_CORE_ERROR_H_
