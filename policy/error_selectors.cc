// SPDX-License-Identifier: Apache-2.0
//
// The part of the inbound policy that asks whether an SA may carry an ICMP error
// (RFC 4301 6.2).

#include "core/net/icmp_error.h"
#include "policy/decide.h"

namespace postern {
namespace {

// As if it were the packet that the error tells of, which does not say which
// message it was.
Traffic QuotedTraffic(const FlowKey& flow) {
  return {flow, HasMessages(flow.protocol)
                    ? Aspect(Direction::kInbound, Aspect::Shows::kHidden)
                    : Aspect(Direction::kInbound)};
}

}  // namespace

// RFC 4301 6.2: an error comes from whoever is on the way, and is of another
// protocol than what it tells of; so what it tells of is judged, unless the SA
// says that it carries ICMP. What a transport-mode SA carries is its peer's.
Passage InboundPolicy::MatchSelectorsOfError(const IpView& packet,
                                             const Traffic& traffic,
                                             const TransformPath& path) const {
  const Quotation quotation = QuotationOf(packet, Direction::kInbound);
  if (path.empty() || quotation.kind == Quotation::Kind::kUnclear) {
    return MatchSelectors(traffic, path);
  }
  const Traffic told_of = QuotedTraffic(quotation.flow);
  for (const SecurityAssociation* association : path.associations()) {
    const SaParameters& sa = association->parameters();
    const ProtocolSelector& protocol = sa.selector.protocol;
    const bool names_icmp =
        !protocol.any() && protocol.Judge(traffic.protocol()) == Fit::kYes;
    const Traffic& judged = names_icmp ? traffic : told_of;
    const bool is_peers =
        HasOuterHeader(sa.mode) || sa.source == traffic.key.remote;
    if (!sa.selector.Matches(judged, Direction::kInbound) ||
        !SpeaksFor(sa, judged) || !is_peers) {
      return DropReason::kSelectorMismatch;
    }
  }
  return Pass();
}

}  // namespace postern
