// SPDX-License-Identifier: Apache-2.0

#include "daemon/associations.h"

#include <string>
#include <utility>

#include "sadb/nat_conflict.h"
#include "sadb/peer_moves.h"
#include "sadb/sa_algorithms.h"
#include "sadb/sa_strength.h"

namespace postern {
namespace {

// Each event has a kind of its own in the limiter; a full disk comes after.
constexpr auto kLogReserveFailed =
    static_cast<std::size_t>(SaEvent::Kind::kMappingChanged) + 1;

constexpr LogLimiter::Rate kRate = {.burst = 20,
                                    .refill = std::chrono::milliseconds(100)};

}  // namespace

Associations::Associations(Sadb& sadb, SequenceReserve* reserve)
    : sadb_(sadb), reserve_(reserve), log_(kLogReserveFailed + 1, kRate) {}

bool Associations::Reserves(const SaParameters& parameters) const {
  return reserve_ != nullptr && parameters.direction == Direction::kOutbound;
}

Result<SecurityAssociation::Start> Associations::StartOf(
    const SaParameters& parameters) {
  if (parameters.direction == Direction::kInbound) {
    return SecurityAssociation::Start();
  }
  if (Reserves(parameters)) {
    return reserve_->Begin(parameters);
  }
  if (!CounterMaterial(parameters).empty()) {
    return Error{
        ErrorCode::kForbidden,
        "an outbound SA with " + AlgorithmsOf(parameters) +
            " needs a state directory, since a restart must not use a sequence "
            "number twice with its key: set [host] state_directory, or choose "
            "aes-cbc with an integrity algorithm."};
  }
  Log(LogLevel::kWarning, "sequence_numbers_restart",
      {{"sa", ToString(parameters.identity())},
       {"reason",
        "without a state directory numbers start at 1 after a restart; the "
        "receiver will take them for replays until its SA is made anew"}});
  return SecurityAssociation::Start();
}

Status Associations::Add(SaParameters parameters, Instant now) {
  if (const Status valid = Validate(parameters); !valid.ok()) {
    return valid;
  }
  // Before numbers are set aside for an SA that will not be.
  const SaIdentity identity = parameters.identity();
  const SecurityAssociation* old = sadb_.Get(identity);
  if (old != nullptr && old->state() != SaState::kDead) {
    return Error{ErrorCode::kExists, "there is an SA " + ToString(identity) +
                                         " already: delete it first, or choose "
                                         "another SPI."};
  }
  if (Status apart = CheckNatConflict(sadb_, parameters); !apart.ok()) {
    return apart;
  }
  // Of a dead one, whose end we have not heard of yet.
  TellHardExpired(identity, now);
  const Result<SecurityAssociation::Start> start = StartOf(parameters);
  if (!start.ok()) {
    return start.error();
  }
  const bool reserves = Reserves(parameters);
  const std::optional<SocketCookie> owner = parameters.owner;
  if (Status added = sadb_.Add(std::move(parameters), *start, now);
      !added.ok()) {
    if (reserves) {
      reserve_->End(identity);
    }
    return added;
  }
  living_[identity] = {
      .generation_id = sadb_.Get(identity)->generation_id(),
      .numbers = reserves ? Living::Numbers::kReserved : Living::Numbers::kOwn};
  if (owner) {
    owners_.Note(*owner, identity);
  }
  Log(LogLevel::kInfo, "sa_added",
      {{"sa", ToString(identity)}, {"first_number", start->last_used + 1}});
  Tell({.kind = AssociationChange::Kind::kAdded,
        .identity = identity,
        .parameters = &sadb_.Get(identity)->parameters()});
  return Ok();
}

Status Associations::Update(const SaIdentity& identity, const Lifetime& soft,
                            const Lifetime& hard, Instant now) {
  Status updated = sadb_.Update(identity, soft, hard, now);
  if (updated.ok()) {
    Tell({.kind = AssociationChange::Kind::kUpdated, .identity = identity});
  }
  return updated;
}

void Associations::Tell(const AssociationChange& change) const {
  if (on_change_) {
    on_change_(change);
  }
}

// Nothing is left of it but, perhaps, its place in the SADB. Returns whether its
// end was not told yet.
bool Associations::Bury(const SaIdentity& identity) {
  const auto found = living_.find(identity);
  if (found == living_.end()) {
    return false;
  }
  if (found->second.numbers == Living::Numbers::kReserved) {
    reserve_->End(identity);
  }
  living_.erase(found);
  owners_.Forget(identity);
  return true;
}

void Associations::TellHardExpired(const SaIdentity& identity, Instant now) {
  if (!Bury(identity)) {
    return;
  }
  const auto kind = static_cast<std::size_t>(SaEvent::Kind::kHardExpired);
  LogLimited(log_, {kind, now}, LogLevel::kInfo, "sa_hard_expired",
             {{"sa", ToString(identity)}});
  Tell({.kind = AssociationChange::Kind::kHardExpired, .identity = identity});
}

Status Associations::Delete(const SaIdentity& identity) {
  Status deleted = sadb_.Delete(identity);
  if (deleted.ok()) {
    Log(LogLevel::kInfo, "sa_deleted", {{"sa", ToString(identity)}});
    if (Bury(identity)) {
      Tell({.kind = AssociationChange::Kind::kDeleted, .identity = identity});
    }
  }
  return deleted;
}

std::size_t Associations::Flush() {
  const std::size_t deleted = sadb_.Flush();
  while (!living_.empty()) {
    const SaIdentity identity = living_.begin()->first;
    Bury(identity);
  }
  Log(LogLevel::kInfo, "sas_flushed", {{"count", deleted}});
  Tell({.kind = AssociationChange::Kind::kFlushed,
        .identity = {},
        .count = deleted});
  return deleted;
}

void Associations::DeleteOrphans(Instant now) {
  for (const SaIdentity& identity : owners_.TakeDue(now)) {
    if (!sadb_.Delete(identity).ok()) {
      continue;
    }
    Log(LogLevel::kInfo, "sa_deleted",
        {{"sa", ToString(identity)}, {"reason", "its socket is gone"}});
    if (Bury(identity)) {
      Tell({.kind = AssociationChange::Kind::kOrphaned, .identity = identity});
    }
  }
}

// The SADB may have removed an expired SA before we hear of it; and somebody may
// have deleted it, so that its end has been told.
void Associations::TakeEnd(const SaEvent& event, Instant now) {
  const auto found = living_.find(event.identity);
  if (found == living_.end() ||
      found->second.generation_id != event.generation_id) {
    return;
  }
  if (sadb_.Get(event.identity) != nullptr) {
    static_cast<void>(sadb_.Delete(event.identity));
  }
  TellHardExpired(event.identity, now);
}

void Associations::Take(const SaEvent& event, Instant now) {
  if (event.kind == SaEvent::Kind::kHardExpired) {
    TakeEnd(event, now);
    return;
  }
  SecurityAssociation* association = sadb_.Get(event.identity);
  if (association == nullptr ||
      association->generation_id() != event.generation_id) {
    return;
  }
  const LimitedKind kind{static_cast<std::size_t>(event.kind), now};
  const std::string sa = ToString(event.identity);
  switch (event.kind) {
    case SaEvent::Kind::kSoftExpired:
      LogLimited(log_, kind, LogLevel::kInfo, "sa_soft_expired", {{"sa", sa}});
      Tell({.kind = AssociationChange::Kind::kSoftExpired,
            .identity = event.identity});
      return;
    case SaEvent::Kind::kReserveMore:
      ReserveMore(*association, now);
      return;
    case SaEvent::Kind::kNumbersEnded:
      // RFC 4303 3.3.3: auditable. The SA sends nothing any more.
      LogLimited(log_, kind, LogLevel::kWarning, "sa_numbers_ended",
                 {{"sa", sa}});
      return;
    case SaEvent::Kind::kMappingChanged:
      TakeNewMapping(*association, kind);
      return;
    case SaEvent::Kind::kHardExpired:
      return;  // TakeEnd()
  }
}

// A NAT that forgot the peer's port and chose another is followed, where no other
// peer is behind it that nothing tells apart; another
// address is for key management to judge (RFC 7296 2.23, MOBIKE).
void Associations::TakeNewMapping(SecurityAssociation& association,
                                  const LimitedKind& kind) {
  const std::optional<UdpOrigin> seen = association.nat()->seen();
  if (!seen) {
    return;
  }
  const SaIdentity identity = association.parameters().identity();
  const bool follows = seen->address == association.parameters().source &&
                       MovePeer(sadb_, association, seen->port);
  LogLimited(log_, kind, LogLevel::kInfo, "sa_mapping_changed",
             {{"sa", ToString(identity)},
              {"address", seen->address.ToString()},
              {"port", seen->port},
              {"followed", follows}});
  Tell({.kind = AssociationChange::Kind::kMappingChanged,
        .identity = identity,
        .origin = *seen});
}

// If the disk refuses, the SA stops at its bound and asks again.
void Associations::ReserveMore(SecurityAssociation& association, Instant now) {
  if (reserve_ == nullptr) {
    return;
  }
  const Result<std::uint64_t> reserved = reserve_->Extend(
      association.parameters().identity(), association.reserved());
  if (reserved.ok()) {
    association.Reserve(*reserved);
    return;
  }
  LogLimited(log_, {kLogReserveFailed, now}, LogLevel::kError,
             "sequence_numbers_not_reserved",
             {{"sa", ToString(association.parameters().identity())},
              {"reason", reserved.error().message}});
}

}  // namespace postern
