// SPDX-License-Identifier: Apache-2.0
//
// The audit log: a line `packet_refused` for each auditable event (RFC 4301 5.2,
// RFC 4302 4, RFC 4303 4), a few a second for each reason; what is left out is
// counted (suppressed=N) and is in the counters of `postern stats` anyway. A line
// has what the RFCs ask for; "none" where the packet did not have it:
//
//     reason direction spi sequence source destination protocol flow_label
//     judged     what policy saw: addresses and ports behind AH and ESP
//     message    ICMP's type and code, a Mobility Header's type
//     sa         the SA, and
//     selector   the packets that it is for
//
// Packets that pass have lines of the same kind: `unused_ecn` (RFC 6040 4.2), with
// the marks `outer` and `inner`.
//
// Never keys, and never what packets carry.
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_AUDIT_LOG_H_
#define POSTERN_DAEMON_AUDIT_LOG_H_

#include <string>

#include "core/log/log.h"
#include "pipeline/audit_sink.h"
#include "sadb/sadb.h"

namespace postern {

class AuditLog {
 public:
  // RFC 4303 4: the administrator may switch it off.
  enum class Switch : std::uint8_t { kOn, kOff };

  AuditLog(Sadb& sadb, Switch position);

  void Write(const AuditEvent& event, Instant now);

 private:
  void WriteRefusal(const AuditEvent& event, Instant now);
  void WriteUnusedEcn(const AuditEvent& event, Instant now);
  std::string SelectorOf(const AuditEvent& event) const;

  Sadb& sadb_;
  const Switch switch_;
  LogLimiter limiter_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_AUDIT_LOG_H_
