// SPDX-License-Identifier: Apache-2.0
//
// The log: one line an event, the event's name first, then key=value pairs.
//
//     Log(LogLevel::kInfo, "sa_added", {{"spi", ToString(spi)},
//                                       {"mode", "transport"}});
//
//     2026-01-31 12:00:00.123 info  sa_added spi=0x00001011 mode=transport
//
// A value is quoted when it holds spaces, and what could end or forge a line is
// escaped: values may come from the network. Keys and secrets are never logged.
//
// What a peer can cause at will goes through a LogLimiter, so that a million
// forged packets cost a handful of lines and a count of what was left out.
//
// Thread safety: Log() and the setters are Thread-safe; a LogLimiter is
// thread-compatible: give each worker its own.
// Cost: a line that is not written costs a comparison. One that is costs a
// system call: not for the packet path, except behind a LogLimiter.

#ifndef POSTERN_CORE_LOG_LOG_H_
#define POSTERN_CORE_LOG_LOG_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/error.h"
#include "core/token_bucket.h"

namespace postern {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError, kOff };

// "debug", "info", "warning", "error", "off".
std::string_view NameOf(LogLevel level);

// Errors: kInvalid; the message lists the levels.
Result<LogLevel> ParseLogLevel(std::string_view name);

struct LogField {
  LogField(std::string_view field_key, std::string field_value)
      : key(field_key), value(std::move(field_value)) {}

  LogField(std::string_view field_key, std::string_view field_value)
      : key(field_key), value(field_value) {}

  LogField(std::string_view field_key, const char* field_value)
      : key(field_key), value(field_value) {}

  template <std::integral T>
  LogField(std::string_view field_key, T field_value)
      : key(field_key), value(std::to_string(field_value)) {}

  std::string_view key;
  std::string value;
};

using LogFields = std::initializer_list<LogField>;

// Lines below `level` are not written. kInfo at the start.
void SetLogLevel(LogLevel level);
LogLevel CurrentLogLevel();

// Where lines go: standard error at the start. An empty function restores that.
// The sink may be called by several threads at once.
using LogSink = std::function<void(LogLevel level, std::string_view line)>;
void SetLogSink(LogSink sink);

void Log(LogLevel level, std::string_view event, LogFields fields = {});

// The line as a sink gets it: without time and level.
std::string FormatLogLine(std::string_view event, LogFields fields);

// A token bucket for each of a fixed number of message kinds (RFC 4301 2.1.2
// wants audit events to be controllable; a flood must not fill the disk).
class LogLimiter {
 public:
  struct Rate {
    std::uint32_t burst = 5;                    // lines at once
    Duration refill = std::chrono::seconds(1);  // one more line each
  };

  // `kinds` is usually the size of an enum, for example kDropReasonCount.
  LogLimiter(std::size_t kinds, const Rate& rate);

  // Whether a line of this kind may be written now: if so, how many lines were
  // suppressed since the last one; else nothing, and the line is counted.
  // REQUIRES: kind < kinds; `now` never goes back.
  std::optional<std::uint64_t> Admit(std::size_t kind, Instant now);

 private:
  struct Limit {
    TokenBucket bucket;
    std::uint64_t suppressed = 0;
  };

  std::vector<Limit> limits_;
};

// Log(), if the limiter admits it; then with suppressed=N when N > 0.
struct LimitedKind {
  std::size_t kind = 0;
  Instant now;
};

void LogLimited(LogLimiter& limiter, LimitedKind kind, LogLevel level,
                std::string_view event, LogFields fields = {});

}  // namespace postern

#endif  // POSTERN_CORE_LOG_LOG_H_
