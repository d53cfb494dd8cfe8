// SPDX-License-Identifier: Apache-2.0
//
// Decide() says what happens to an outbound packet; Admit() says whether an
// inbound one may be delivered. These two functions are the policy of
// draft-mcdonald-simple-ipsec-api-01 1.2.2 and RFC 4301 5.1, 5.2; everything
// else in this folder serves them.
//
//   effective   outbound, SA    outbound, no SA   inbound without   with it
//   BYPASS      not applied     clear             accept            accept
//   NONE        not applied     clear             accept            accept
//   AVAIL       applied         clear             accept            accept
//   USE         applied         NeedSa            accept            accept
//   REQUIRE     applied         NeedSa            drop              accept
//
// Thread safety: Worker-confined.
// Cost: a warm flow: its table look-up and four loads.

#ifndef POSTERN_POLICY_DECIDE_H_
#define POSTERN_POLICY_DECIDE_H_

#include <variant>

#include "core/clock.h"
#include "core/drop_reason.h"
#include "core/net/ip_view.h"
#include "policy/bundle.h"
#include "policy/flow_resolver.h"
#include "sadb/sadb.h"

namespace postern {

// The packet may leave as it is.
struct Bypass {};

// The packet must not leave.
struct Discard {
  DropReason reason = DropReason::kDiscardRoute;
};

// The packet must leave with these transforms applied, inner first.
struct Protect {
  const Bundle* bundle = nullptr;  // valid until the next Decide()
};

// The packet must wait or be dropped: its level demands an SA of this category
// and there is none.
struct NeedSa {
  Category category = Category::kEspTransport;
  FlowKey flow;
};

// The default is Discard.
using Decision = std::variant<Discard, Bypass, Protect, NeedSa>;

class OutboundPolicy {
 public:
  OutboundPolicy(const Sadb& sadb, FlowResolver& flows)
      : sadb_(sadb), flows_(flows) {}

  Decision Decide(const IpView& packet, Instant now);

 private:
  void BuildBundle(Flow& flow);

  const Sadb& sadb_;
  FlowResolver& flows_;
};

class InboundPolicy {
 public:
  InboundPolicy(const SystemPolicy& system, FlowResolver& flows)
      : system_(system), flows_(flows) {}

  // `packet` is what remained after the transforms of `path` were removed.
  // Errors: kSelectorMismatch, kDiscardRoute, kPolicyRequires*, kOwnerUnknown,
  //   kTableFull, kBadTransportHeader.
  Passage Admit(const IpView& packet, const TransformPath& path, Instant now);

 private:
  const SystemPolicy& system_;
  FlowResolver& flows_;
};

}  // namespace postern

#endif  // POSTERN_POLICY_DECIDE_H_
