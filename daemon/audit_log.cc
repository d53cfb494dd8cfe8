// SPDX-License-Identifier: Apache-2.0

#include "daemon/audit_log.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace postern {
namespace {

template <typename T>
std::string NumberOr(const std::optional<T>& number) {
  return number ? std::to_string(*number) : "none";
}

// RFC 4301 4.4.1.1: type and code are one number.
std::string MessageOf(const std::optional<Traffic>& judged) {
  const auto message = judged ? judged->message() : std::nullopt;
  return message ? std::to_string(*message / 256) + "/" +
                       std::to_string(*message % 256)
                 : "none";
}

std::string SaOf(const AuditEvent& event) {
  return event.association ? ToString(*event.association) : "none";
}

std::string JudgedOf(const AuditEvent& event) {
  return event.judged ? ToString(event.judged->key) : "none";
}

std::string_view WayOf(const AuditEvent& event) {
  return event.direction == Direction::kOutbound ? "outbound" : "inbound";
}

// RFC 3168 5.
std::string_view NameOfMark(std::uint8_t mark) {
  constexpr std::array<std::string_view, 4> kNames = {"not-ect", "ect1", "ect0",
                                                      "ce"};
  return kNames[mark % kNames.size()];
}

// Of messages: each DropReason, and each kind of what passes.
constexpr std::size_t kUnusedEcnLines = kDropReasonCount;
constexpr std::size_t kLineKinds = kUnusedEcnLines + 1;

}  // namespace

AuditLog::AuditLog(Sadb& sadb, Switch position)
    : sadb_(sadb),
      switch_(position),
      limiter_(kLineKinds, LogLimiter::Rate()) {}

void AuditLog::Write(const AuditEvent& event, Instant now) {
  if (switch_ == Switch::kOff) {
    return;
  }
  switch (event.kind) {
    case AuditEvent::Kind::kRefused:
      WriteRefusal(event, now);
      break;
    case AuditEvent::Kind::kUnusedEcn:
      WriteUnusedEcn(event, now);
      break;
  }
}

void AuditLog::WriteRefusal(const AuditEvent& event, Instant now) {
  LogLimited(limiter_, {static_cast<std::size_t>(event.reason), now},
             LogLevel::kWarning, "packet_refused",
             {{"reason", NameOf(event.reason)},
              {"direction", WayOf(event)},
              {"spi", event.spi ? ToString(*event.spi) : "none"},
              {"sequence", NumberOr(event.sequence)},
              {"source", event.source.ToString()},
              {"destination", event.destination.ToString()},
              {"protocol", event.protocol},
              {"flow_label", NumberOr(event.flow_label)},
              {"judged", JudgedOf(event)},
              {"message", MessageOf(event.judged)},
              {"sa", SaOf(event)},
              {"selector", SelectorOf(event)}});
}

void AuditLog::WriteUnusedEcn(const AuditEvent& event, Instant now) {
  const auto marks = event.ecn.value_or(AuditEvent::EcnMarks());
  LogLimited(limiter_, {kUnusedEcnLines, now}, LogLevel::kWarning, "unused_ecn",
             {{"outer", NameOfMark(marks.outer)},
              {"inner", NameOfMark(marks.inner)},
              {"sequence", NumberOr(event.sequence)},
              {"source", event.source.ToString()},
              {"destination", event.destination.ToString()},
              {"judged", JudgedOf(event)},
              {"sa", SaOf(event)}});
}

// The SA may be gone by now.
std::string AuditLog::SelectorOf(const AuditEvent& event) const {
  const SecurityAssociation* const association =
      event.association ? sadb_.Get(*event.association) : nullptr;
  return association != nullptr ? ToString(association->parameters().selector)
                                : "none";
}

}  // namespace postern
