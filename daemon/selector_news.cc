// SPDX-License-Identifier: Apache-2.0

#include "daemon/selector_news.h"

#include <algorithm>
#include <utility>

#include "settings/sa_settings.h"

namespace postern {
namespace {

constexpr Duration kPause = std::chrono::seconds(1);

Value DescribeReceived(const FlowKey& flow) {
  return MakeObject({{"protocol", Value::Whole(flow.protocol), {}},
                     {"source", flow.remote.ToString(), {}},
                     {"source_port", Value::Whole(flow.remote_port), {}},
                     {"destination", flow.local.ToString(), {}},
                     {"destination_port", Value::Whole(flow.local_port), {}}});
}

}  // namespace

SelectorNews::SelectorNews(EventFeed& feed, std::uint32_t rate)
    : feed_(feed),
      rate_(rate),
      bucket_({.burst = std::max<std::uint32_t>(rate, 1),
               .refill = kPause / std::max<std::uint32_t>(rate, 1)}) {}

void SelectorNews::Take(const AuditEvent& event, Instant now) {
  if (rate_ == 0 || event.reason != DropReason::kSelectorMismatch ||
      event.direction != Direction::kInbound || !event.association) {
    return;
  }
  if (!MayTell(*event.association, now)) {
    ++untold_;
    return;
  }
  Object members = DescribeIdentity(*event.association);
  if (event.judged) {
    members.push_back({"flow", DescribeReceived(event.judged->key), {}});
  }
  members.push_back({"untold", Value::Count(std::exchange(untold_, 0)), {}});
  feed_.Publish(MakeEvent("selector_mismatch", std::move(members)));
}

bool SelectorNews::MayTell(const SaIdentity& identity, Instant now) {
  std::erase_if(
      told_, [now](const auto& entry) { return now - entry.second >= kPause; });
  if (told_.contains(identity) || !bucket_.Take(now)) {
    return false;
  }
  told_[identity] = now;
  return true;
}

}  // namespace postern
