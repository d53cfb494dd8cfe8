// SPDX-License-Identifier: Apache-2.0

#include "sadb/security_association.h"

#include <utility>

#include "sadb/event_outbox.h"
#include "sadb/sa_algorithms.h"
#include "sadb/sending.h"

namespace postern {
struct SecurityAssociation::Cells {
  Cells(const SaParameters& parameters, Instant now, SaEventSink& events)
      : meter(parameters.soft, WithCap(parameters, parameters.hard), now),
        outbox(events) {}

  LifetimeMeter meter;
  EventOutbox outbox;
  std::atomic<End> end{End::kNone};
  std::optional<Sending> sending;      // exactly outbound
  std::optional<Receiving> receiving;  // exactly inbound
  WorkerContexts contexts;
};

SecurityAssociation::SecurityAssociation(SaParameters parameters,
                                         const Start& start, Instant now,
                                         std::uint64_t generation_id,
                                         SaEventSink& sink)
    : parameters_(std::move(parameters)),
      generation_id_(generation_id),
      created_(now),
      trailer_(TrailerToCount(parameters_)),
      cells_(std::make_unique<Cells>(parameters_, now, sink)),
      nat_(parameters_.encapsulation ? std::make_unique<NatMapping>(parameters_)
                                     : nullptr) {
  if (parameters_.direction == Direction::kInbound) {
    cells_->receiving.emplace(parameters_, start.last_used);
    return;
  }
  cells_->sending.emplace(parameters_.numbers, start.last_used, start.reserved);
}

SecurityAssociation::~SecurityAssociation() = default;

// ---- Outbound

Opinion<std::uint64_t> SecurityAssociation::NextNumber(std::size_t octets,
                                                       Instant now) {
  if (!cells_->sending.has_value()) {
    return DropReason::kSaNotUsable;
  }
  if (Passage in_time = CheckTime(now); !in_time.ok()) {
    return in_time.error();
  }
  // The number comes first: a refused charge wastes one, which is harmless; a
  // refused number must not leave a charge behind.
  Opinion<std::uint64_t> number = cells_->sending->Next();
  if (!number.ok()) {
    return RefuseNumber(number.error());
  }
  WatchNumber(*number);
  const Passage charged = Charge(octets + trailer_);
  return charged.ok() ? number : charged.error();
}

std::optional<std::uint64_t> SecurityAssociation::NextNumbers(
    const SaUsage& packets, Instant now) {
  const SaUsage charge = WithTrailers(packets);
  if (!cells_->sending || !StaysFresh(charge, now)) {
    return std::nullopt;
  }
  const auto first = cells_->sending->NextRun(packets.packets);
  // Another worker may have used up what was left of the lifetime: then these
  // numbers are lost, which is harmless.
  return first && ChargeTogether(charge) ? first : std::nullopt;
}

bool SecurityAssociation::Outlasts(const SaUsage& packets, Instant now) const {
  return cells_->sending && StaysFresh(WithTrailers(packets), now) &&
         cells_->sending->HasRun(packets.packets);
}

DropReason SecurityAssociation::RefuseNumber(DropReason reason) {
  if (reason == DropReason::kSequenceExhausted) {
    Finish(End::kNumbers);
  } else {
    AskForReserve();
  }
  return reason;
}

void SecurityAssociation::WatchNumber(std::uint64_t number) {
  if (cells_->sending->NearsEnd(number)) {
    BecomeDying();
  }
  if (cells_->sending->WantsReserve(number)) {
    AskForReserve();
  }
}

void SecurityAssociation::AskForReserve() {
  if (cells_->sending->ClaimAsking()) {
    Announce(SaEvent::Kind::kReserveMore);
  }
}

void SecurityAssociation::Reserve(std::uint64_t reserved) {
  if (cells_->sending.has_value()) {
    cells_->sending->Reserve(reserved);
  }
}

std::uint64_t SecurityAssociation::reserved() const {
  return cells_->sending.has_value() ? cells_->sending->reserved() : 0;
}

// ---- Inbound

Passage SecurityAssociation::MayReceive(Instant now) const {
  if (!cells_->receiving.has_value()) {
    return DropReason::kSaNotUsable;
  }
  if (!usable()) {
    return RefusalOfDead();
  }
  const bool over = cells_->meter.ByTime(now) == LifetimeMeter::Standing::kHard;
  return over ? Passage(DropReason::kLifetimeExpired) : Pass();
}

void SecurityAssociation::Check(std::span<ReceivedNumber> numbers,
                                Instant now) const {
  if (const Passage may = MayReceive(now); !may.ok()) {
    for (ReceivedNumber& number : numbers) {
      number.outcome = number.outcome.ok() ? may : number.outcome;
    }
    return;
  }
  cells_->receiving->Check(numbers);
}

void SecurityAssociation::CommitOne(ReceivedNumber& number, Instant now) {
  number.outcome = cells_->receiving.has_value()
                       ? CheckTime(now)
                       : Passage(DropReason::kSaNotUsable);
  if (!number.outcome.ok()) {
    return;
  }
  cells_->receiving->Commit(std::span(&number, 1));
  if (number.outcome.ok()) {
    number.outcome = Charge(number.octets);
  }
}

void SecurityAssociation::Commit(std::span<ReceivedNumber> numbers,
                                 Instant now) {
  SaUsage most{};
  for (const ReceivedNumber& number : numbers) {
    most.octets += number.octets;
    ++most.packets;
  }
  // Near a bound each packet must know what became of the one before.
  if (!cells_->receiving.has_value() || !StaysFresh(most, now)) {
    for (ReceivedNumber& number : numbers) {
      if (number.outcome.ok()) {
        CommitOne(number, now);
      }
    }
    return;
  }
  const SaUsage accepted = cells_->receiving->Commit(numbers);
  if (accepted.packets == 0 || ChargeTogether(accepted)) {
    return;
  }
  // Another worker was faster: what fits is taken in order.
  for (ReceivedNumber& number : numbers) {
    if (number.outcome.ok()) {
      number.outcome = Charge(number.octets);
    }
  }
}

// ---- Transforms

esp::Sealer* SecurityAssociation::sealer(WorkerIndex worker) {
  if (parameters_.protocol != IpsecProtocol::kEsp ||
      parameters_.direction != Direction::kOutbound) {
    return nullptr;
  }
  return cells_->contexts.Get<esp::Sealer>(
      worker, [this] { return parameters_.ForEsp(); });
}

esp::Opener* SecurityAssociation::opener(WorkerIndex worker) {
  if (parameters_.protocol != IpsecProtocol::kEsp ||
      parameters_.direction != Direction::kInbound) {
    return nullptr;
  }
  return cells_->contexts.Get<esp::Opener>(
      worker, [this] { return parameters_.ForEsp(); });
}

ah::Signer* SecurityAssociation::signer(WorkerIndex worker) {
  if (parameters_.protocol != IpsecProtocol::kAh ||
      parameters_.direction != Direction::kOutbound) {
    return nullptr;
  }
  return cells_->contexts.Get<ah::Signer>(
      worker, [this] { return parameters_.ForAh(); });
}

ah::Verifier* SecurityAssociation::verifier(WorkerIndex worker) {
  if (parameters_.protocol != IpsecProtocol::kAh ||
      parameters_.direction != Direction::kInbound) {
    return nullptr;
  }
  return cells_->contexts.Get<ah::Verifier>(
      worker, [this] { return parameters_.ForAh(); });
}

// ---- Life and death

// The state is judged for every packet, time bounds included.
Passage SecurityAssociation::CheckTime(Instant now) {
  if (!usable()) {
    PostDue();
    return RefusalOfDead();
  }
  switch (cells_->meter.ByTime(now)) {
    case LifetimeMeter::Standing::kFresh:
      return Pass();
    case LifetimeMeter::Standing::kSoft:
      BecomeDying();
      return Pass();
    case LifetimeMeter::Standing::kHard:
      break;
  }
  Finish(End::kLifetime);
  return DropReason::kLifetimeExpired;
}

// Whether nothing falls due though this much more is charged.
bool SecurityAssociation::StaysFresh(const SaUsage& more, Instant now) const {
  return usable() &&
         cells_->meter.ByTime(now) == LifetimeMeter::Standing::kFresh &&
         cells_->meter.LeavesFresh(more);
}

Passage SecurityAssociation::Charge(std::size_t octets) {
  if (ChargeTogether({octets, 1})) {
    return Pass();
  }
  Finish(End::kLifetime);
  return DropReason::kLifetimeExpired;
}

// False, and nothing is charged, where a hard bound falls within.
bool SecurityAssociation::ChargeTogether(const SaUsage& packets) {
  switch (cells_->meter.Charge(packets)) {
    case LifetimeMeter::Charged::kFresh:
      break;
    case LifetimeMeter::Charged::kSoft:
      BecomeDying();
      break;
    case LifetimeMeter::Charged::kLast:
      Finish(End::kLifetime);
      break;
    case LifetimeMeter::Charged::kBeyond:
      return false;
  }
  PostDue();
  return true;
}

void SecurityAssociation::BecomeDying() {
  SaState mature = state();
  if (mature == SaState::kMature &&
      state_.compare_exchange_strong(mature, SaState::kDying,
                                     std::memory_order_acq_rel)) {
    Announce(SaEvent::Kind::kSoftExpired);
  }
}

void SecurityAssociation::Finish(End why) {
  End none = End::kNone;
  const bool first =
      cells_->end.compare_exchange_strong(none, why, std::memory_order_acq_rel);
  state_.store(SaState::kDead, std::memory_order_release);
  if (!first || why == End::kKilled) {
    return;
  }
  if (why == End::kNumbers) {
    Announce(SaEvent::Kind::kNumbersEnded);
  }
  Announce(SaEvent::Kind::kHardExpired);
}

DropReason SecurityAssociation::RefusalOfDead() const {
  switch (cells_->end.load(std::memory_order_acquire)) {
    case End::kLifetime:
      return DropReason::kLifetimeExpired;
    case End::kNumbers:
      return DropReason::kSequenceExhausted;
    case End::kNone:
    case End::kKilled:
      break;
  }
  return DropReason::kSaNotUsable;
}

SaState SecurityAssociation::Age(Instant now) {
  if (usable()) {
    switch (cells_->meter.At(now)) {
      case LifetimeMeter::Standing::kFresh:
        break;
      case LifetimeMeter::Standing::kSoft:
        BecomeDying();
        break;
      case LifetimeMeter::Standing::kHard:
        Finish(End::kLifetime);
        break;
    }
  }
  PostDue();
  return state();
}

void SecurityAssociation::Kill() {
  Finish(End::kKilled);
}

void SecurityAssociation::SetLifetimes(const Lifetime& soft,
                                       const Lifetime& hard, Instant now) {
  cells_->meter.SetBounds(soft, WithCap(parameters_, hard));
  const bool numbers_left = !cells_->sending.has_value() ||
                            !cells_->sending->NearsEnd(cells_->sending->last());
  if (numbers_left &&
      cells_->meter.At(now) == LifetimeMeter::Standing::kFresh) {
    SaState dying = SaState::kDying;
    state_.compare_exchange_strong(dying, SaState::kMature,
                                   std::memory_order_acq_rel);
  }
  Age(now);
}

// ---- Events

void SecurityAssociation::Announce(SaEvent::Kind kind) {
  cells_->outbox.Announce(kind);
  PostDue();
}

void SecurityAssociation::PostDue() {
  if (!cells_->outbox.empty()) {
    cells_->outbox.Post(parameters_.identity(), generation_id_);
  }
}

bool SecurityAssociation::has_pending_events() const {
  return !cells_->outbox.empty();
}

// ---- What dumps show

Lifetime SecurityAssociation::soft() const {
  return cells_->meter.soft();
}

Lifetime SecurityAssociation::hard() const {
  return cells_->meter.hard();
}

std::optional<Instant> SecurityAssociation::NextDeadline(Instant now) const {
  return cells_->meter.NextDeadline(now);
}

SaUsage SecurityAssociation::usage() const {
  return cells_->meter.usage();
}

std::uint64_t SecurityAssociation::sequence() const {
  return cells_->sending.has_value() ? cells_->sending->last()
                                     : cells_->receiving->highest();
}

std::uint64_t SecurityAssociation::replays() const {
  return cells_->receiving.has_value() ? cells_->receiving->replays() : 0;
}

std::uint64_t SecurityAssociation::bad_icvs() const {
  return cells_->receiving.has_value() ? cells_->receiving->bad_icvs() : 0;
}

void SecurityAssociation::CountBadIcv() {
  if (cells_->receiving.has_value()) {
    cells_->receiving->CountBadIcv();
  }
}

}  // namespace postern
