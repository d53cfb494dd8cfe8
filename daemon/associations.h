// SPDX-License-Identifier: Apache-2.0
//
// Associations is what the daemon does around the SADB: it decides where an
// SA's sequence numbers start, keeps the reserve of outbound ones filled, and
// buries what has expired, or what belonged to sockets that are gone.
//
// Outbound numbers are set aside on disk ahead of use (SequenceReserve), so
// that no restart uses one twice with the same key. Without a reserve
// counter-mode SAs are refused, since a repeated number would repeat an IV;
// others start at 1, which their receivers may take for replays (logged).
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_ASSOCIATIONS_H_
#define POSTERN_DAEMON_ASSOCIATIONS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "core/clock.h"
#include "core/error.h"
#include "core/log/log.h"
#include "daemon/sa_owners.h"
#include "sadb/sa_events.h"
#include "sadb/sadb.h"

namespace postern {

// Where numbers are set aside so that it survives a crash.
class SequenceReserve {
 public:
  virtual ~SequenceReserve() = default;

  // Behind every number that was ever set aside for this SA's key, with a first
  // block reserved. Errors: kExists (another SA uses the key), kExhausted (no
  // number is left), kSystem (the disk).
  virtual Result<SecurityAssociation::Start> Begin(
      const SaParameters& parameters) = 0;

  // Sets the next block aside; returns the highest number that may be used.
  // Errors: kNotFound (no Begin()), kSystem (the disk).
  virtual Result<std::uint64_t> Extend(const SaIdentity& identity,
                                       std::uint64_t reserved) = 0;

  // The SA is gone; one that never began is ignored.
  virtual void End(const SaIdentity& identity) = 0;
};

// What became of an SA, for whoever watches.
struct AssociationChange {
  enum class Kind : std::uint8_t {
    kAdded,
    kUpdated,   // its lifetimes
    kDeleted,   // somebody asked for it
    kOrphaned,  // deleted, since the socket that owned it is gone
    kSoftExpired,
    kHardExpired,     // and is gone
    kMappingChanged,  // its peer's NAT gave it another port or address
    kFlushed,         // all were deleted
  };

  Kind kind = Kind::kAdded;
  SaIdentity identity;    // not for kFlushed
  std::size_t count = 1;  // kFlushed: of how many
  // kAdded; valid during the call.
  const SaParameters* parameters = nullptr;
  UdpOrigin origin{};  // kMappingChanged: where the peer is now
};

class Associations {
 public:
  using OnChange = std::function<void(const AssociationChange&)>;

  // `reserve` may be null: there is no writable state directory.
  Associations(Sadb& sadb, SequenceReserve* reserve);

  // `call` is made after each change; it must not make another one. Each SA that
  // was told ends once: kDeleted, kOrphaned, kHardExpired, or with all (kFlushed).
  void Watch(OnChange call) { on_change_ = std::move(call); }

  // Errors: those of Sadb::Add(), CheckNatConflict() and SequenceReserve::Begin();
  // kForbidden for a counter-mode SA without a reserve.
  Status Add(SaParameters parameters, Instant now);

  // Errors: those of Sadb::Update().
  Status Update(const SaIdentity& identity, const Lifetime& soft,
                const Lifetime& hard, Instant now);

  // Errors: kNotFound.
  Status Delete(const SaIdentity& identity);

  // Returns how many there were.
  std::size_t Flush();

  // What a worker noticed. An event of an SA that has gone, also one whose SPI
  // is in use again, has no effect (DEF-17).
  void Take(const SaEvent& event, Instant now);

  // SAs of sockets that are gone (SaOwners) go, too.
  void DeleteOrphans(Instant now);

  Sadb& sadb() { return sadb_; }

  // Whose alone which SAs are; kept by what is called here.
  SaOwners& owners() { return owners_; }

 private:
  struct Living {
    std::uint64_t generation_id = 0;
    enum class Numbers : std::uint8_t {
      kOwn,
      kReserved,  // set aside with SequenceReserve
    } numbers = Numbers::kOwn;
  };

  bool Reserves(const SaParameters& parameters) const;
  Result<SecurityAssociation::Start> StartOf(const SaParameters& parameters);
  bool Bury(const SaIdentity& identity);
  void TellHardExpired(const SaIdentity& identity, Instant now);
  void TakeEnd(const SaEvent& event, Instant now);
  void ReserveMore(SecurityAssociation& association, Instant now);
  void TakeNewMapping(SecurityAssociation& association,
                      const LimitedKind& kind);
  void Tell(const AssociationChange& change) const;

  Sadb& sadb_;
  SequenceReserve* const reserve_;
  // Those that were told, and whose end was not.
  std::map<SaIdentity, Living> living_;
  SaOwners owners_;
  LogLimiter log_;
  OnChange on_change_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_ASSOCIATIONS_H_
