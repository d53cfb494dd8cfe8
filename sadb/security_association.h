// SPDX-License-Identifier: Apache-2.0
//
// A SecurityAssociation is immutable parameters, a state, and a few mutable
// cells: the sequence counter or replay window, the lifetime's usage, and the
// keyed contexts, one per worker.
//
//     larval --> mature --> dying --> dead        (RFC 2367 1.5)
//               (usable)  (usable)
//
// Usage is charged for outbound packets before they are sealed and for inbound
// ones only with the proof that they are authentic (DEF-29). The octets are
// those the caller names; the pipelines name the IP packet's, before it is
// sealed and as it came (SAD-12).
//
// Events. Each is posted once: kSoftExpired when a soft bound is reached or
// fifteen sixteenths of the sequence numbers are used; kHardExpired when a hard
// bound or the last number is (then after kNumbersEnded). What the sink does
// not take is offered again with a later packet, or by Age().
//
// Thread safety: Thread-safe. Contexts are Worker-confined: each worker asks
// with its own index.
// Cost: the contexts of a worker are keyed at its first packet, so that idle
// SAs hold no key schedules (a million SAs must be possible).

#ifndef POSTERN_SADB_SECURITY_ASSOCIATION_H_
#define POSTERN_SADB_SECURITY_ASSOCIATION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "ah/signer.h"
#include "ah/verifier.h"
#include "core/clock.h"
#include "core/crypto/auth_proof.h"
#include "core/drop_reason.h"
#include "core/seq/replay_window.h"
#include "core/seq/sequence_counter.h"
#include "esp/opener.h"
#include "esp/sealer.h"
#include "sadb/lifetime_meter.h"
#include "sadb/nat_mapping.h"
#include "sadb/path_mtu.h"
#include "sadb/receiving.h"
#include "sadb/sa_events.h"
#include "sadb/sa_parameters.h"
#include "sadb/worker_contexts.h"

namespace postern {

enum class SaState : std::uint8_t { kLarval, kMature, kDying, kDead };

class SecurityAssociation {
 public:
  // Where the sequence numbers stand when the SA is made: what state/ found
  // and reserved. The default starts at 1 with everything reserved.
  struct Start {
    std::uint64_t last_used = 0;
    std::uint64_t reserved = ~std::uint64_t{0};
  };

  // The SA is mature. Inbound, `start.last_used` is the highest number that
  // was accepted; it and everything below it counts as seen.
  // REQUIRES: Validate(parameters) accepted. `sink` outlives the SA.
  SecurityAssociation(SaParameters parameters, const Start& start, Instant now,
                      std::uint64_t generation_id, SaEventSink& sink);
  ~SecurityAssociation();

  SecurityAssociation(const SecurityAssociation&) = delete;
  SecurityAssociation& operator=(const SecurityAssociation&) = delete;

  // As the SA was made; soft() and hard() follow its updates.
  const SaParameters& parameters() const { return parameters_; }

  SaState state() const { return state_.load(std::memory_order_acquire); }

  bool usable() const {
    const SaState now = state();
    return now == SaState::kMature || now == SaState::kDying;
  }

  std::uint64_t generation_id() const { return generation_id_; }

  // Outbound: the next packet's number and its charge against the lifetime.
  // Posts kReserveMore when the reserve is half used.
  // Errors: kSaNotUsable, kLifetimeExpired, kSequenceExhausted (the last two
  //   also later: a dead SA tells what ended it), kSequenceNotReserved.
  Opinion<std::uint64_t> NextNumber(std::size_t octets, Instant now);

  // The same for many packets at once: the first of as many numbers in a row.
  // Nothing, though NextNumber() may still give some, once a soft bound is
  // passed and when anything falls due within them: a bound of the lifetime,
  // the end of the reserve. REQUIRES: there is a packet.
  std::optional<std::uint64_t> NextNumbers(const SaUsage& packets, Instant now);

  // Whether NextNumbers() would give as many, if nobody else asks meanwhile.
  bool Outlasts(const SaUsage& packets, Instant now) const;

  // The highest number that may be used without another write to disk, and
  // the end of the present reserve. After a write that failed, Reserve() with
  // the old bound asks for the next kReserveMore. No effect inbound.
  void Reserve(std::uint64_t reserved);
  std::uint64_t reserved() const;

  // Inbound, before the proof: changes nothing.
  // Errors: kSaNotUsable, kLifetimeExpired, and those of ReplayWindow::Check().
  Opinion<ReplayTicket> Check(std::uint32_t wire_seq, Instant now) const {
    ReceivedNumber number;
    number.wire_seq = wire_seq;
    Check(std::span(&number, 1), now);
    return number.outcome.ok()
               ? Opinion<ReplayTicket>(*std::move(number.ticket))
               : number.outcome.error();
  }

  // Inbound, with the proof: moves the window and charges the lifetime.
  // Errors: as ReplayWindow::Commit(), when a twin was faster; kSaNotUsable
  //   and kLifetimeExpired, when the SA ended since Check() (SAD-15).
  Passage Commit(ReplayTicket ticket, const AuthProof& proof,
                 std::size_t octets, Instant now) {
    ReceivedNumber number;
    number.octets = octets;
    number.ticket = std::move(ticket);
    number.proof = &proof;
    CommitOne(number, now);
    return number.outcome;
  }

  // The same two for many packets, in their order: each has the outcome that it
  // would have had alone, except that Check() does not know of those before it.
  void Check(std::span<ReceivedNumber> numbers, Instant now) const;
  void Commit(std::span<ReceivedNumber> numbers, Instant now);

  // The worker's transform; null when keying failed or the SA is of the other
  // protocol or direction. Valid as long as the SA.
  esp::Sealer* sealer(WorkerIndex worker);
  esp::Opener* opener(WorkerIndex worker);
  ah::Signer* signer(WorkerIndex worker);
  ah::Verifier* verifier(WorkerIndex worker);

  // Outbound: what the way of its packets carries, as far as it was told.
  PathMtu& path_mtu() { return path_mtu_; }

  const PathMtu& path_mtu() const { return path_mtu_; }

  // Called by the control thread now and then: time bounds expire without
  // packets, too. Returns the state afterwards.
  SaState Age(Instant now);

  // Replaces the bounds of the lifetime. A dying SA whose use is below its new
  // soft bounds is mature again, and will warn again.
  // REQUIRES: ValidateLifetimes() accepted; one thread at a time.
  void SetLifetimes(const Lifetime& soft, const Lifetime& hard, Instant now);
  Lifetime soft() const;
  Lifetime hard() const;

  // When Age() has something to do next, packets aside.
  std::optional<Instant> NextDeadline(Instant now) const;

  // Whether the sink still has to take an event.
  bool has_pending_events() const;

  // -> dead, at once and without an event: no later packet uses it.
  void Kill();

  SaUsage usage() const;

  // Where the peer is, of an SA in UDP; null of any other. Valid as long as the
  // SA.
  NatMapping* nat() const { return nat_.get(); }

  // Inbound, in UDP: the authentic packet with this number came from there.
  // Posts kMappingChanged when the peer turns out to be elsewhere, by a packet
  // that none overtook. No effect on an SA that is not in UDP.
  void NoteOrigin(const UdpOrigin& origin, std::uint64_t seq, Instant now) {
    if (nat_ != nullptr && seq >= sequence() && nat_->Note(origin, now)) {
      Announce(SaEvent::Kind::kMappingChanged);
    }
  }

  Instant created() const { return created_; }

  // Outbound: last number given out. Inbound: highest number accepted.
  std::uint64_t sequence() const;

  // Inbound counters of refused packets, for dumps.
  // (the worker's stats have the totals)
  std::uint64_t replays() const;
  std::uint64_t bad_icvs() const;
  void CountBadIcv();

 private:
  struct Cells;  // counter or window, usage, contexts
  enum class End : std::uint8_t { kNone, kKilled, kLifetime, kNumbers };

  void BecomeDying();
  void Finish(End why);
  DropReason RefusalOfDead() const;
  Passage CheckTime(Instant now);
  Passage MayReceive(Instant now) const;
  void CommitOne(ReceivedNumber& number, Instant now);
  bool StaysFresh(const SaUsage& more, Instant now) const;

  SaUsage WithTrailers(const SaUsage& packets) const {
    return {packets.octets + packets.packets * trailer_, packets.packets};
  }

  Passage Charge(std::size_t octets);
  bool ChargeTogether(const SaUsage& packets);
  DropReason RefuseNumber(DropReason reason);
  void WatchNumber(std::uint64_t number);
  void AskForReserve();
  void Announce(SaEvent::Kind kind);
  void PostDue();

  const SaParameters parameters_;
  const std::uint64_t generation_id_;
  const Instant created_;
  const std::uint64_t trailer_;  // TrailerToCount()
  std::atomic<SaState> state_{SaState::kMature};
  PathMtu path_mtu_;
  std::unique_ptr<Cells> cells_;
  std::unique_ptr<NatMapping> nat_;  // seldom any
};

}  // namespace postern

#endif  // POSTERN_SADB_SECURITY_ASSOCIATION_H_
