// SPDX-License-Identifier: Apache-2.0
//
// JSON (RFC 8259) to Values and back, for the CLI's requests and our answers.
//
// Thread safety: Thread-safe.

#ifndef POSTERN_DAEMON_JSON_TEXT_H_
#define POSTERN_DAEMON_JSON_TEXT_H_

#include <string>
#include <string_view>

#include "core/error.h"
#include "settings/value.h"

namespace postern {

// Errors: kInvalid: not JSON, nested deeper than kMaxJsonDepth, or with whole
// numbers beyond 64 bits.
inline constexpr int kMaxJsonDepth = 16;
Result<Value> ParseJson(std::string_view text);

// On one line. Octets that are not UTF-8 are replaced.
std::string ToJson(const Value& value);

}  // namespace postern

#endif  // POSTERN_DAEMON_JSON_TEXT_H_
