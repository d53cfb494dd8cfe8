// SPDX-License-Identifier: Apache-2.0

#include "pipeline/arrival.h"

#include "ah/verifier.h"
#include "core/net/protocols.h"
#include "esp/opener.h"

namespace postern {

Opinion<std::optional<IpsecHeader>> PeekIpsecHeader(const IpView& view) {
  if (view.protocol() == Number(IpProtocol::kEsp)) {
    const Opinion<esp::EspHeader> esp = esp::PeekEspHeader(view);
    if (!esp.ok()) {
      return esp.error();
    }
    return std::optional<IpsecHeader>(
        {esp->spi, esp->seq, IpsecProtocol::kEsp});
  }
  if (view.protocol() == Number(IpProtocol::kAh)) {
    const Opinion<ah::AhHeader> ah = ah::PeekAhHeader(view);
    if (!ah.ok()) {
      return ah.error();
    }
    return std::optional<IpsecHeader>({ah->spi, ah->seq, IpsecProtocol::kAh});
  }
  return std::optional<IpsecHeader>();
}

AuditEvent Describe(const Arrival& arrival, DropReason reason, Instant now) {
  AuditEvent event;
  event.reason = reason;
  event.source = arrival.source;
  event.destination = arrival.destination;
  event.protocol = arrival.protocol;
  event.when = now;
  if (arrival.outermost) {
    event.spi = arrival.outermost->spi;
    event.sequence = arrival.outermost->sequence;
  }
  return event;
}

}  // namespace postern
