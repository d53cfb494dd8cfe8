// SPDX-License-Identifier: Apache-2.0
//
// The verbs of admin_verbs.h that are about SAs and acquires.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/log/log.h"
#include "core/rcu.h"
#include "daemon/admin_verbs.h"
#include "settings/sa_settings.h"

namespace postern {
namespace {

constexpr Section::Range kAcquireIds = {1, 0xffffffff};

Value DescribeListed(const Acquire& acquire, Instant now) {
  const bool waits = acquire.state == Acquire::State::kWaiting;
  const auto age =
      std::chrono::duration_cast<std::chrono::seconds>(now - acquire.asked);
  Object members = DescribeAcquire(acquire);
  members.push_back({"state", waits ? "waiting" : "refused", {}});
  members.push_back({"age_seconds", Value::Whole(age.count()), {}});
  return MakeObject(std::move(members));
}

// RFC 4301 4.2: to ask for an SA without encryption and integrity is an auditable
// event. What is wrong with a key is not told: it may tell the key.
void LogRefusal(const Defects& defects) {
  const bool of_key =
      defects.empty() || defects.front().key.find("key") != std::string::npos;
  Log(LogLevel::kWarning, "sa_refused",
      {{"why", of_key ? std::string("a key") : defects.front().message}});
}

}  // namespace

Result<AdminReply> AdminVerbs::AddSa(Section& arguments) {
  std::optional<Acquire> acquire;
  if (const auto id = arguments.Whole("acquire", kAcquireIds)) {
    Result<Acquire> found =
        parts_.acquires.FindWaiting(AcquireId{static_cast<std::uint32_t>(*id)});
    if (!found.ok()) {
      return found.error();
    }
    acquire = std::move(*found);
  }
  std::optional<SaParameters> parameters = ReadAssociation(
      arguments,
      {.own_addresses = parts_.config.OwnAddresses(),
       .read_key = ReadHexKey,
       .owners = SaSettingsContext::Owners::kTold,
       .answers = acquire ? &acquire->need : nullptr,
       .check_carried =
           [this](const SaParameters& sa) { return limits_.Check(sa); },
       .window = DefaultReplayWindow(parts_.config.network.pairs)});
  if (!parameters) {
    LogRefusal(defects_);
    return Refusal(defects_);
  }
  const SaIdentity identity = parameters->identity();
  const std::optional<SocketCookie> owner = parameters->owner;
  if (const Status added =
          parts_.associations.Add(std::move(*parameters), MonotonicNow());
      !added.ok()) {
    return added.error();
  }
  if (owner && acquire) {
    parts_.associations.owners().KnowFlow(*owner, acquire->need.flow);
  }
  return Whole(OneMember("added", ToString(identity)));
}

Result<AdminReply> AdminVerbs::UpdateSa(Section& arguments) {
  const std::optional<SaIdentity> identity = ReadIdentity(arguments);
  const Lifetimes lifetimes = ReadLifetimes(arguments);
  arguments.Finish();
  if (!defects_.empty() || !identity) {
    return Refusal(defects_);
  }
  if (const Status updated = parts_.associations.Update(
          *identity, lifetimes.soft, lifetimes.hard, MonotonicNow());
      !updated.ok()) {
    return updated.error();
  }
  return Whole(OneMember("updated", ToString(*identity)));
}

Result<AdminReply> AdminVerbs::GetSa(Section& arguments) {
  const std::optional<SaIdentity> identity = ReadIdentity(arguments);
  arguments.Finish();
  if (!defects_.empty() || !identity) {
    return Refusal(defects_);
  }
  const SecurityAssociation* found = parts_.associations.sadb().Get(*identity);
  if (found == nullptr) {
    return Error{ErrorCode::kNotFound, "there is no SA " + ToString(*identity) +
                                           ": see `postern sa list`."};
  }
  return Whole(Describe(*found, MonotonicNow()));
}

Result<AdminReply> AdminVerbs::DeleteSa(Section& arguments) {
  const std::optional<SaIdentity> identity = ReadIdentity(arguments);
  arguments.Finish();
  if (!defects_.empty() || !identity) {
    return Refusal(defects_);
  }
  if (const Status deleted = parts_.associations.Delete(*identity);
      !deleted.ok()) {
    return deleted.error();
  }
  RcuSynchronize();
  return Whole(OneMember("deleted", ToString(*identity)));
}

Result<AdminReply> AdminVerbs::DumpSas(Section& /*none*/) {
  // Names now, descriptions when their turn comes: what is deleted in between
  // is left out, what is added is not in this dump.
  std::vector<SaIdentity> identities;
  Sadb& sadb = parts_.associations.sadb();
  identities.reserve(sadb.size());
  sadb.Dump([&identities](const SecurityAssociation& association) {
    identities.push_back(association.parameters().identity());
  });
  std::sort(identities.begin(), identities.end());
  return List("associations",
              [&sadb, identities = std::move(identities),
               next = std::size_t{0}]() mutable -> std::optional<Value> {
                while (next < identities.size()) {
                  if (const auto* found = sadb.Get(identities[next++])) {
                    return Describe(*found, MonotonicNow());
                  }
                }
                return std::nullopt;
              });
}

Result<AdminReply> AdminVerbs::FlushSas(Section& /*none*/) {
  const std::size_t deleted = parts_.associations.Flush();
  RcuSynchronize();
  return Whole(OneMember("deleted", Value::Count(deleted)));
}

Result<AdminReply> AdminVerbs::ListAcquires(Section& /*none*/) {
  return List(
      "acquires",
      [acquires = parts_.acquires.acquires().List(), now = MonotonicNow(),
       next = std::size_t{0}]() mutable -> std::optional<Value> {
        if (next == acquires.size()) {
          return std::nullopt;
        }
        return DescribeListed(acquires[next++], now);
      });
}

Result<AdminReply> AdminVerbs::RefuseAcquire(Section& arguments) {
  const auto id = arguments.Whole("acquire", kAcquireIds);
  if (!id && defects_.empty()) {
    arguments.Refuse("acquire", "the acquire's number is missing.");
  }
  arguments.Finish();
  if (!defects_.empty()) {
    return Refusal(defects_);
  }
  if (const Status refused = parts_.acquires.Refuse(
          AcquireId{static_cast<std::uint32_t>(*id)}, MonotonicNow());
      !refused.ok()) {
    return refused.error();
  }
  return Whole(OneMember("refused", Value::Whole(*id)));
}

}  // namespace postern
