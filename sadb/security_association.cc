// SPDX-License-Identifier: Apache-2.0

#include "sadb/security_association.h"

#include <utility>

#include "core/mutex.h"
#include "sadb/event_outbox.h"

namespace postern {
namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};

// Outbound: the counter, and the numbers at which something is due.
struct Sending {
  Sending(SequenceNumbers numbers, const SecurityAssociation::Start& start)
      : counter(numbers, start.last_used, start.reserved),
        soft_at(counter.limit() - counter.limit() / 16) {}

  SequenceCounter counter;
  const std::uint64_t soft_at;
  std::atomic<std::uint64_t> ask_at{kNever};  // then kReserveMore is due
};

// Inbound: the window, and what was refused.
struct Receiving {
  Receiving(const SaParameters& parameters, std::uint64_t highest)
      : window(parameters.replay_window, parameters.numbers,
               parameters.replay_window == 0 ? ReplayCheck::kOff
                                             : ReplayCheck::kOn,
               {.highest = highest, .older = ReplayHistory::Older::kSeen}) {}

  // Held for tens of nanoseconds, and contended only when the network spreads
  // one SA's packets over several workers.
  Mutex mutex;
  ReplayWindow window POSTERN_GUARDED_BY(mutex);
  std::atomic<std::uint64_t> replays{0};
  std::atomic<std::uint64_t> bad_icvs{0};
};

// Where the counter must ask for more: half-way through what is reserved.
std::uint64_t AskAt(const SequenceCounter& counter) {
  const std::uint64_t reserved = counter.reserved();
  if (reserved >= counter.limit()) {
    return kNever;  // there is no more
  }
  const std::uint64_t last = counter.last();
  return last >= reserved ? last : last + (reserved - last + 1) / 2;
}

}  // namespace

struct SecurityAssociation::Cells {
  Cells(const SaParameters& parameters, Instant now, SaEventSink& events)
      : meter(parameters.soft, parameters.hard, now), outbox(events) {}

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
      cells_(std::make_unique<Cells>(parameters_, now, sink)) {
  if (parameters_.direction == Direction::kInbound) {
    cells_->receiving.emplace(parameters_, start.last_used);
    return;
  }
  Sending& sending = cells_->sending.emplace(parameters_.numbers, start);
  sending.ask_at.store(AskAt(sending.counter), std::memory_order_relaxed);
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
  Opinion<std::uint64_t> number = cells_->sending->counter.Next();
  if (!number.ok()) {
    return RefuseNumber(number.error());
  }
  WatchNumber(*number);
  if (Passage charged = Charge(octets); !charged.ok()) {
    return charged.error();
  }
  return number;
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
  const Sending& sending = *cells_->sending;
  if (number >= sending.soft_at) {
    BecomeDying();
  }
  if (number >= sending.ask_at.load(std::memory_order_relaxed)) {
    AskForReserve();
  }
}

void SecurityAssociation::AskForReserve() {
  // Whoever takes the mark asks; Reserve() sets the next one.
  if (cells_->sending->ask_at.exchange(kNever, std::memory_order_relaxed) !=
      kNever) {
    Announce(SaEvent::Kind::kReserveMore);
  }
}

void SecurityAssociation::Reserve(std::uint64_t reserved) {
  if (!cells_->sending.has_value()) {
    return;
  }
  Sending& sending = *cells_->sending;
  sending.counter.Reserve(reserved);
  sending.ask_at.store(AskAt(sending.counter), std::memory_order_relaxed);
}

std::uint64_t SecurityAssociation::reserved() const {
  return cells_->sending.has_value() ? cells_->sending->counter.reserved() : 0;
}

// ---- Inbound

Opinion<ReplayTicket> SecurityAssociation::Check(std::uint32_t wire_seq,
                                                 Instant now) const {
  if (!cells_->receiving.has_value()) {
    return DropReason::kSaNotUsable;
  }
  if (!usable()) {
    return RefusalOfDead();
  }
  if (cells_->meter.ByTime(now) == LifetimeMeter::Standing::kHard) {
    return DropReason::kLifetimeExpired;
  }
  Receiving& receiving = *cells_->receiving;
  const MutexLock lock(receiving.mutex);
  Opinion<ReplayTicket> ticket = receiving.window.Check(wire_seq);
  if (!ticket.ok()) {
    receiving.replays.fetch_add(1, std::memory_order_relaxed);
  }
  return ticket;
}

Passage SecurityAssociation::Commit(ReplayTicket ticket, const AuthProof& proof,
                                    std::size_t octets, Instant now) {
  if (!cells_->receiving.has_value()) {
    return DropReason::kSaNotUsable;
  }
  if (Passage in_time = CheckTime(now); !in_time.ok()) {
    return in_time;
  }
  Receiving& receiving = *cells_->receiving;
  {
    const MutexLock lock(receiving.mutex);
    if (Passage moved = receiving.window.Commit(std::move(ticket), proof);
        !moved.ok()) {
      receiving.replays.fetch_add(1, std::memory_order_relaxed);
      return moved;
    }
  }
  return Charge(octets);
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

Passage SecurityAssociation::Charge(std::size_t octets) {
  switch (cells_->meter.Charge(octets)) {
    case LifetimeMeter::Charged::kFresh:
      break;
    case LifetimeMeter::Charged::kSoft:
      BecomeDying();
      break;
    case LifetimeMeter::Charged::kLast:
      Finish(End::kLifetime);
      break;
    case LifetimeMeter::Charged::kBeyond:
      Finish(End::kLifetime);
      return DropReason::kLifetimeExpired;
  }
  PostDue();
  return Pass();
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
  cells_->meter.SetBounds(soft, hard);
  const bool numbers_left =
      !cells_->sending.has_value() ||
      cells_->sending->counter.last() < cells_->sending->soft_at;
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
  if (cells_->sending.has_value()) {
    return cells_->sending->counter.last();
  }
  const MutexLock lock(cells_->receiving->mutex);
  return cells_->receiving->window.highest();
}

std::uint64_t SecurityAssociation::replays() const {
  return cells_->receiving.has_value()
             ? cells_->receiving->replays.load(std::memory_order_relaxed)
             : 0;
}

std::uint64_t SecurityAssociation::bad_icvs() const {
  return cells_->receiving.has_value()
             ? cells_->receiving->bad_icvs.load(std::memory_order_relaxed)
             : 0;
}

void SecurityAssociation::CountBadIcv() {
  if (cells_->receiving.has_value()) {
    cells_->receiving->bad_icvs.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace postern
