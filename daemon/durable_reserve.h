// SPDX-License-Identifier: Apache-2.0
//
// The SequenceReserve on a disk: the state directory's SequenceStore, and which
// key each SA has there.
//
// Thread safety: Control-confined.
// Cost: Begin() and Extend() wait for the disk, milliseconds.

#ifndef POSTERN_DAEMON_DURABLE_RESERVE_H_
#define POSTERN_DAEMON_DURABLE_RESERVE_H_

#include <map>
#include <memory>
#include <string>

#include "daemon/associations.h"
#include "state/sequence_store.h"

namespace postern {

class DurableReserve : public SequenceReserve {
 public:
  // Errors: those of SequenceStore::Open().
  static Result<std::unique_ptr<DurableReserve>> Open(
      const std::string& directory);

  Result<SecurityAssociation::Start> Begin(
      const SaParameters& parameters) override;
  Result<std::uint64_t> Extend(const SaIdentity& identity,
                               std::uint64_t reserved) override;
  void End(const SaIdentity& identity) override;

 private:
  explicit DurableReserve(SequenceStore store) : store_(std::move(store)) {}

  SequenceStore store_;
  std::map<SaIdentity, KeyFingerprint> keys_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_DURABLE_RESERVE_H_
