// SPDX-License-Identifier: Apache-2.0

#include "core/error.h"

#include <system_error>

namespace postern {

std::string_view NameOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kExists:
      return "exists";
    case ErrorCode::kForbidden:
      return "forbidden";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kExhausted:
      return "exhausted";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kSystem:
      return "system";
  }
  return "invalid";
}

Error SystemError(std::string_view what, int errno_value) {
  std::string message(what);
  message += ": ";
  message += std::generic_category().message(errno_value);
  return {ErrorCode::kSystem, std::move(message)};
}

}  // namespace postern
