// SPDX-License-Identifier: Apache-2.0

#include "daemon/audit_log.h"

#include <string>

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

}  // namespace

AuditLog::AuditLog(Sadb& sadb, Switch position)
    : sadb_(sadb),
      switch_(position),
      limiter_(kDropReasonCount, LogLimiter::Rate()) {}

void AuditLog::Write(const AuditEvent& event, Instant now) {
  if (switch_ == Switch::kOff) {
    return;
  }
  const bool out = event.direction == Direction::kOutbound;
  // It may be gone by now.
  const SecurityAssociation* const association =
      event.association ? sadb_.Get(*event.association) : nullptr;
  LogLimited(limiter_, {static_cast<std::size_t>(event.reason), now},
             LogLevel::kWarning, "packet_refused",
             {{"reason", NameOf(event.reason)},
              {"direction", out ? "outbound" : "inbound"},
              {"spi", event.spi ? ToString(*event.spi) : "none"},
              {"sequence", NumberOr(event.sequence)},
              {"source", event.source.ToString()},
              {"destination", event.destination.ToString()},
              {"protocol", event.protocol},
              {"flow_label", NumberOr(event.flow_label)},
              {"judged", event.judged ? ToString(event.judged->key) : "none"},
              {"message", MessageOf(event.judged)},
              {"sa", event.association ? ToString(*event.association) : "none"},
              {"selector", association != nullptr
                               ? ToString(association->parameters().selector)
                               : "none"}});
}

}  // namespace postern
