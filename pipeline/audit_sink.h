// SPDX-License-Identifier: Apache-2.0
//
// Where the pipelines report auditable events (RFC 4301 5.2, 4302 4, 4303 4): who
// sent what, and why it was refused; and what pipeline/notices.h tells of. The
// daemon writes them as rate-limited log lines; the counters are complete in any
// case.
//
// Thread safety: Thread-safe; never blocks.

#ifndef POSTERN_PIPELINE_AUDIT_SINK_H_
#define POSTERN_PIPELINE_AUDIT_SINK_H_

#include <cstdint>
#include <optional>

#include "core/clock.h"
#include "core/drop_reason.h"
#include "core/flow/traffic.h"
#include "core/ipsec.h"
#include "sadb/sa_parameters.h"

namespace postern {

struct AuditEvent {
  enum class Kind : std::uint8_t {
    kRefused,
    kUnusedEcn,  // passed, with marks that are unused (RFC 6040 4.2)
  };

  // As the packet came in a tunnel: 0 to 3.
  struct EcnMarks {
    std::uint8_t outer = 0;
    std::uint8_t inner = 0;
  };

  Kind kind = Kind::kRefused;
  DropReason reason{};  // of what was refused
  std::optional<EcnMarks> ecn;
  Direction direction = Direction::kInbound;
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  // Of the outermost AH or ESP header that could be read.
  std::optional<Spi> spi;
  std::optional<std::uint32_t> sequence;
  std::optional<std::uint32_t> flow_label;  // of the IPv6 header that came
  // What policy judged: the packet without what was removed from it, if it could
  // be read. With it come what selectors may ask for.
  std::optional<Traffic> judged;
  // The SA that it came by, the innermost, or was to leave by.
  std::optional<SaIdentity> association;
  Instant when;
};

class AuditSink {
 public:
  virtual ~AuditSink() = default;

  virtual void Audit(const AuditEvent& event) = 0;
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_AUDIT_SINK_H_
