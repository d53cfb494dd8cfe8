// SPDX-License-Identifier: Apache-2.0
//
// Tells key management of packets that came by an SA which is not for them, so that
// it may send the peer INVALID_SELECTORS (RFC 4301 5.2, step 4; RFC 7296 3.10.1).
//
// Whoever has an SA can cause them, so they are told of each SA once a second at
// most, and of all together as often as the administrator allows; `untold` says how
// many packets were left out before.
//
// Thread safety: Control-confined. Cost: O(events a second).

#ifndef POSTERN_DAEMON_SELECTOR_NEWS_H_
#define POSTERN_DAEMON_SELECTOR_NEWS_H_

#include <cstdint>
#include <map>

#include "core/clock.h"
#include "core/token_bucket.h"
#include "daemon/event_feed.h"
#include "pipeline/audit_sink.h"

namespace postern {

class SelectorNews {
 public:
  static constexpr std::uint32_t kUsualRate = 10;

  // `rate`: at most so many a second; 0: none.
  SelectorNews(EventFeed& feed, std::uint32_t rate);

  // Any audit event; those of other reasons have no effect.
  void Take(const AuditEvent& event, Instant now);

 private:
  bool MayTell(const SaIdentity& identity, Instant now);

  EventFeed& feed_;
  const std::uint32_t rate_;
  TokenBucket bucket_;
  std::map<SaIdentity, Instant> told_;  // within the last second
  std::uint64_t untold_ = 0;            // since one was
};

}  // namespace postern

#endif  // POSTERN_DAEMON_SELECTOR_NEWS_H_
