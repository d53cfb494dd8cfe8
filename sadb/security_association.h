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
// ones only with the proof that they are authentic (defect 29).
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

#include "ah/signer.h"
#include "ah/verifier.h"
#include "core/clock.h"
#include "core/crypto/auth_proof.h"
#include "core/drop_reason.h"
#include "core/seq/replay_window.h"
#include "core/seq/sequence_counter.h"
#include "esp/opener.h"
#include "esp/sealer.h"
#include "sadb/sa_events.h"
#include "sadb/sa_parameters.h"

namespace postern {

enum class SaState : std::uint8_t { kLarval, kMature, kDying, kDead };

// A worker's number: 0 .. kMaxWorkers-1.
enum class WorkerIndex : std::uint8_t {};
inline constexpr std::size_t kMaxWorkers = 64;

struct SaUsage {
  std::uint64_t octets = 0;
  std::uint64_t packets = 0;
};

class SecurityAssociation {
 public:
  // Where the sequence numbers stand when the SA is made: what state/ found
  // and reserved. The default starts at 1 with everything reserved.
  struct Start {
    std::uint64_t last_used = 0;
    std::uint64_t reserved = ~std::uint64_t{0};
  };

  // REQUIRES: Validate(parameters) accepted. `sink` outlives the SA.
  SecurityAssociation(SaParameters parameters, const Start& start,
                      Instant now, std::uint64_t generation_id,
                      SaEventSink& sink);
  ~SecurityAssociation();

  const SaParameters& parameters() const { return parameters_; }

  SaState state() const { return state_.load(std::memory_order_acquire); }

  bool usable() const {
    const SaState now = state();
    return now == SaState::kMature || now == SaState::kDying;
  }

  std::uint64_t generation_id() const { return generation_id_; }

  // Outbound: the next packet's number and its charge against the lifetime.
  // Posts kReserveMore when the reserve is half used.
  // Errors: kSaNotUsable, kLifetimeExpired, kSequenceExhausted,
  //   kSequenceNotReserved.
  Opinion<std::uint64_t> NextNumber(std::size_t octets, Instant now);

  // The highest number that may be used without another write to disk.
  void Reserve(std::uint64_t reserved);

  // Inbound, before the proof: changes nothing.
  // Errors: kSaNotUsable, kLifetimeExpired, and those of ReplayWindow::Check().
  Opinion<ReplayTicket> Check(std::uint32_t wire_seq, Instant now) const;

  // Inbound, with the proof: moves the window and charges the lifetime.
  // Errors: as ReplayWindow::Commit(), when a twin was faster.
  Passage Commit(ReplayTicket ticket, const AuthProof& proof,
                 std::size_t octets, Instant now);

  // The worker's transform; null when keying failed or the SA is of the other
  // protocol or direction. Valid as long as the SA.
  esp::Sealer* sealer(WorkerIndex worker);
  esp::Opener* opener(WorkerIndex worker);
  ah::Signer* signer(WorkerIndex worker);
  ah::Verifier* verifier(WorkerIndex worker);

  // Called by the control thread now and then: time bounds expire without
  // packets, too. Returns the state afterwards.
  SaState Age(Instant now);

  // -> dead, at once: no later packet uses it.
  void Kill();

  SaUsage usage() const;
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

  const SaParameters parameters_;
  const std::uint64_t generation_id_;
  const Instant created_;
  std::atomic<SaState> state_{SaState::kMature};
  std::unique_ptr<Cells> cells_;
};

}  // namespace postern

#endif  // POSTERN_SADB_SECURITY_ASSOCIATION_H_
