// SPDX-License-Identifier: Apache-2.0
//
// The SAs of a file in the product's own SADB, for the one thread that works on a
// capture. Time stands still in it, so that bounds in seconds never fall due;
// bounds in octets and packets do, as in a host.
//
// Thread safety: one thread's, which it makes an RCU reader.

#ifndef POSTERN_OFFLINE_OFFLINE_SADB_H_
#define POSTERN_OFFLINE_OFFLINE_SADB_H_

#include <cstdint>
#include <vector>

#include "core/clock.h"
#include "core/error.h"
#include "core/rcu.h"
#include "sadb/sadb.h"

namespace postern {

class OfflineSadb {
 public:
  static constexpr Instant kNow{};
  static constexpr WorkerIndex kWorker{};

  OfflineSadb() = default;

  ~OfflineSadb() { RcuBarrier(); }

  OfflineSadb(const OfflineSadb&) = delete;
  OfflineSadb& operator=(const OfflineSadb&) = delete;

  // Each SA's numbers begin with `first`: outbound it is the first packet's,
  // inbound those below it count as seen. REQUIRES: it is not 0.
  // Errors: those of Sadb::Add(); the sentence names the SA.
  Status Add(const std::vector<SaParameters>& associations,
             std::uint64_t first);

  Sadb& sadb() { return sadb_; }

 private:
  // Nobody is there to be told.
  class Deaf : public SaEventSink {
   public:
    bool Post(const SaEvent& /*event*/) override { return true; }
  };

  Deaf sink_;
  Sadb sadb_{sink_};
  RcuReader reader_;  // behind the SADB: what it finds, that must outlive
};

}  // namespace postern

#endif  // POSTERN_OFFLINE_OFFLINE_SADB_H_
