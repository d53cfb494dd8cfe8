// SPDX-License-Identifier: Apache-2.0
//
// A SequenceStore remembers on disk which sequence numbers of a key may have
// been sent. Keys that are configured by hand outlive the daemon; with one of
// them, a number, and with it a counter-mode IV, must never be used twice
// (GCM-01, RPL-17, RPL-20), whatever kills the daemon or the machine.
//
// Numbers are reserved in blocks ahead of use; what was reserved counts as used
// after a restart:
//
//     disk      |////////// reserved //////////|
//     sent      |/////////////|                     <- kill -9, power loss
//     next run                                 |-> first number, next block
//
//     auto store = SequenceStore::Open("/var/lib/postern");
//     auto key = store->Fingerprint(parameters);
//     auto start = store->Begin(*key, kBlock, SequenceCounter::Limit(numbers));
//     sadb.Add(parameters, *start, now);                 // else: End(*key)
//     ... kReserveMore:
//         auto end = store->Extend(*key, sa->reserved() + kBlock);
//         sa->Reserve(end.ok() ? *end : sa->reserved());  // or: ask again
//     ... the SA is gone: store->End(*key);
//
// The file. `DIRECTORY/sequence-numbers.db` is an SQLite database, mode 0600,
// in a directory of mode 0700; `DIRECTORY/lock` is held while a store is open.
//     journal_mode=WAL, synchronous=FULL: a commit appends to the log and
//         flushes it before it returns, one fsync. (A rollback journal needs
//         three, and synchronous=EXTRA, to be as durable: with FULL a commit
//         can be undone when power fails before the journal's removal reaches
//         the directory. WAL with the usual synchronous=NORMAL does not flush
//         at commit at all.)
//     locking_mode=EXCLUSIVE: no shared memory file, no second writer.
//     made under another name and renamed when it is complete, so that an
//         empty or foreign file is damage and never a fresh start.
//
// Growth. One row of about 100 octets for each key ever used; rows are never
// removed, because a removed row would let its key start anew. Keys of key
// management are fresh with every SA and need no row. Beyond kMaxKeys new keys
// are refused.
//
// Failure. When a write fails, nothing is handed out and the SA's counter stops
// at its reserve (kSequenceNotReserved). After an I/O error the store refuses
// everything until it is opened again: what fsync could not write once, it may
// report as written later.
//
// Thread safety: Control-confined.
// Cost: Begin() and Extend() wait for the disk, milliseconds.

#ifndef POSTERN_STATE_SEQUENCE_STORE_H_
#define POSTERN_STATE_SEQUENCE_STORE_H_

#include <cstdint>
#include <filesystem>
#include <memory>

#include "core/error.h"
#include "sadb/sa_parameters.h"
#include "sadb/security_association.h"
#include "state/key_fingerprint.h"

namespace postern {

class SequenceStore {
 public:
  static constexpr std::uint64_t kMaxKeys = 1'000'000;

  // How many numbers are reserved at a time, unless the caller knows better:
  // at a million packets a second one write a second, and 32-bit numbers last
  // for four thousand restarts.
  static constexpr std::uint64_t kDefaultBlock = 1U << 20U;

  // Makes the directory (not its parents) and the database if they are missing.
  // Errors: kSystem (not a directory, not writable), kForbidden (others may
  //   write to the directory), kUnavailable (another process or store holds
  //   it), kInvalid (not a database of this kind, or a damaged one: nothing is
  //   changed).
  static Result<SequenceStore> Open(const std::filesystem::path& directory);

  SequenceStore(SequenceStore&&) noexcept;
  SequenceStore& operator=(SequenceStore&&) noexcept;
  ~SequenceStore();

  // The key's name in this store. Errors: kSystem.
  // REQUIRES: Validate(parameters) accepted.
  Result<KeyFingerprint> Fingerprint(const SaParameters& parameters) const;

  // Starts to use a key: `last_used` is the end of everything that was ever
  // reserved for it, and the next `block` numbers (fewer at `limit`, the SA's
  // largest number) are reserved on disk when this returns.
  // Errors: kExists (in use: Begin() without End()), kExhausted (`limit` is
  //   reached, or kMaxKeys), kInvalid (block is 0), kSystem (the disk).
  Result<SecurityAssociation::Start> Begin(const KeyFingerprint& key,
                                           std::uint64_t block,
                                           std::uint64_t limit);

  // Reserves the numbers up to `up_to` on disk; a lower value than before, or
  // one beyond the `limit` of Begin(), is cut to fit. Returns the end of what
  // is reserved.
  // Errors: kNotFound (not in use), kSystem (the disk; nothing is reserved).
  Result<std::uint64_t> Extend(const KeyFingerprint& key, std::uint64_t up_to);

  // The key's SA is gone. What was reserved stays used. A key that is not in
  // use is ignored.
  void End(const KeyFingerprint& key);

 private:
  class Database;
  explicit SequenceStore(std::unique_ptr<Database> database);

  std::unique_ptr<Database> database_;
};

}  // namespace postern

#endif  // POSTERN_STATE_SEQUENCE_STORE_H_
