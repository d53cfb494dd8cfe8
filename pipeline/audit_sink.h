// SPDX-License-Identifier: Apache-2.0
//
// Where the inbound pipeline reports auditable events (RFC 4301 5.2, 4302 4,
// 4303 4): who sent what, and why it was refused. The daemon writes them as
// rate-limited log lines; the counters are complete in any case.
//
// Thread safety: Thread-safe; never blocks.

#ifndef POSTERN_PIPELINE_AUDIT_SINK_H_
#define POSTERN_PIPELINE_AUDIT_SINK_H_

#include <cstdint>
#include <optional>

#include "core/clock.h"
#include "core/drop_reason.h"
#include "core/ipsec.h"

namespace postern {

struct AuditEvent {
  DropReason reason{};
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  // Of the outermost AH or ESP header that could be read.
  std::optional<Spi> spi;
  std::optional<std::uint32_t> sequence;
  Instant when;
};

class AuditSink {
 public:
  virtual ~AuditSink() = default;

  virtual void Audit(const AuditEvent& event) = 0;
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_AUDIT_SINK_H_
