// SPDX-License-Identifier: Apache-2.0

#include "daemon/host_events.h"

#include "daemon/event_feed.h"
#include "settings/sa_settings.h"

namespace postern {
namespace {

std::string_view NameOf(AssociationChange::Kind kind) {
  switch (kind) {
    case AssociationChange::Kind::kAdded:
      return "sa_added";
    case AssociationChange::Kind::kUpdated:
      return "sa_updated";
    case AssociationChange::Kind::kDeleted:
    case AssociationChange::Kind::kOrphaned:
      return "sa_deleted";
    case AssociationChange::Kind::kSoftExpired:
      return "sa_soft_expired";
    case AssociationChange::Kind::kHardExpired:
      return "sa_hard_expired";
    case AssociationChange::Kind::kMappingChanged:
      return "sa_mapping_changed";
    case AssociationChange::Kind::kFlushed:
      break;
  }
  return "sas_flushed";
}

}  // namespace

Value DescribeChange(const AssociationChange& change) {
  using Kind = AssociationChange::Kind;
  const std::string_view name = NameOf(change.kind);
  if (change.kind == Kind::kFlushed) {
    return MakeEvent(name, {{"count", Value::Count(change.count), {}}});
  }
  if (change.parameters != nullptr) {
    return MakeEvent(name, DescribeParameters(*change.parameters));
  }
  Object members = DescribeIdentity(change.identity);
  if (change.kind == Kind::kDeleted || change.kind == Kind::kOrphaned) {
    const bool asked = change.kind == Kind::kDeleted;
    members.push_back({"why", asked ? "asked" : "owner_gone", {}});
  }
  if (change.kind == Kind::kMappingChanged) {
    members.push_back({"peer_address", change.origin.address.ToString(), {}});
    members.push_back({"peer_port", Value::Whole(change.origin.port), {}});
  }
  return MakeEvent(name, std::move(members));
}

}  // namespace postern
