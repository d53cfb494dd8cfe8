// SPDX-License-Identifier: Apache-2.0

#include "core/log/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>

#include "core/mutex.h"

namespace postern {
namespace {

constexpr std::array<std::string_view, 5> kLevelNames = {
    "debug", "info", "warning", "error", "off"};

std::atomic<LogLevel> current_level = LogLevel::kInfo;

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::err;
}

// Not in spdlog's registry: whoever embeds us keeps that for themselves.
spdlog::logger& StandardError() {
  static spdlog::logger logger = [] {
    spdlog::logger made("postern",
                        std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made.set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
    made.set_level(spdlog::level::trace);
    made.flush_on(spdlog::level::trace);
    return made;
  }();
  return logger;
}

struct SinkSlot {
  Mutex mutex;
  std::shared_ptr<const LogSink> sink POSTERN_GUARDED_BY(mutex);
};

SinkSlot& Slot() {
  static SinkSlot slot;
  return slot;
}

std::shared_ptr<const LogSink> CurrentSink() {
  SinkSlot& slot = Slot();
  const MutexLock lock(slot.mutex);
  return slot.sink;
}

bool IsPlain(char c) {
  return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

void AppendEscaped(std::string& line, char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto octet = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    line += '\\';
    line += c;
  } else if (octet < ' ' || octet >= 0x7f) {
    line += "\\x";
    line += kDigits[octet >> 4];
    line += kDigits[octet & 0xf];
  } else {
    line += c;
  }
}

void AppendField(std::string& line, const LogField& field) {
  line += ' ';
  line += field.key;
  line += '=';
  const std::string& value = field.value;
  if (!value.empty() && std::all_of(value.begin(), value.end(), IsPlain)) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    AppendEscaped(line, c);
  }
  line += '"';
}

bool IsWritten(LogLevel level) {
  return level >= current_level.load(std::memory_order_relaxed) &&
         level != LogLevel::kOff;
}

void Write(LogLevel level, std::string_view line) {
  if (const std::shared_ptr<const LogSink> sink = CurrentSink();
      sink != nullptr) {
    (*sink)(level, line);
    return;
  }
  StandardError().log(SpdlogLevel(level),
                      spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

std::string_view NameOf(LogLevel level) {
  return kLevelNames[static_cast<std::size_t>(level)];
}

Result<LogLevel> ParseLogLevel(std::string_view name) {
  const auto* const found =
      std::find(kLevelNames.begin(), kLevelNames.end(), name);
  if (found == kLevelNames.end()) {
    return Invalid("\"" + std::string(name) +
                   "\" is not a log level; use debug, info, warning, error or "
                   "off");
  }
  return static_cast<LogLevel>(found - kLevelNames.begin());
}

void SetLogLevel(LogLevel level) {
  current_level.store(level, std::memory_order_relaxed);
}

LogLevel CurrentLogLevel() {
  return current_level.load(std::memory_order_relaxed);
}

void SetLogSink(LogSink sink) {
  SinkSlot& slot = Slot();
  const MutexLock lock(slot.mutex);
  slot.sink = sink ? std::make_shared<const LogSink>(std::move(sink)) : nullptr;
}

void Log(LogLevel level, std::string_view event, LogFields fields) {
  if (IsWritten(level)) {
    Write(level, FormatLogLine(event, fields));
  }
}

std::string FormatLogLine(std::string_view event, LogFields fields) {
  std::string line(event);
  for (const LogField& field : fields) {
    AppendField(line, field);
  }
  return line;
}

LogLimiter::LogLimiter(std::size_t kinds, const Rate& rate) {
  if (rate.burst == 0 || rate.refill <= Duration::zero()) {
    std::abort();
  }
  const TokenBucket full({.burst = rate.burst, .refill = rate.refill});
  limits_.assign(kinds, Limit{full});
}

std::optional<std::uint64_t> LogLimiter::Admit(std::size_t kind, Instant now) {
  Limit& limit = limits_[kind];
  if (!limit.bucket.Take(now)) {
    ++limit.suppressed;
    return std::nullopt;
  }
  return std::exchange(limit.suppressed, 0);
}

void LogLimited(LogLimiter& limiter, LimitedKind kind, LogLevel level,
                std::string_view event, LogFields fields) {
  if (!IsWritten(level)) {
    return;
  }
  const std::optional<std::uint64_t> suppressed =
      limiter.Admit(kind.kind, kind.now);
  if (!suppressed.has_value()) {
    return;
  }
  std::string line = FormatLogLine(event, fields);
  if (*suppressed > 0) {
    AppendField(line, {"suppressed", *suppressed});
  }
  Write(level, line);
}

}  // namespace postern
