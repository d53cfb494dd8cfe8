// SPDX-License-Identifier: Apache-2.0
//
// Which SA an outbound packet takes. SAs of one OutboundKey form a group; a
// group is a list, newest first:
//
//     (esp, transport, a, b)            --> #9 --> #7 --> #2    by selector
//     (esp, transport, a, b), 5-tuple   --> #8 --> #5           only that flow
//     (esp, transport, a, b, owner)     --> #4                  only that socket
//
// BEET SAs are in the groups of tunnels (SaParameters::found_as()).
//
// SAs that are one socket's alone, or allow one 5-tuple only, have groups of
// their own, so that lists stay short however many UNIQUE sockets there are.
//
// Thread safety: Find() is Thread-safe for registered RCU readers; Add() and
// Remove() are Control-confined.
// Cost: one look-up for each kind of group that exists, and a walk over SAs
// that are not usable or whose selector does not match.

#ifndef POSTERN_SADB_OUTBOUND_TABLE_H_
#define POSTERN_SADB_OUTBOUND_TABLE_H_

#include <atomic>
#include <cstddef>

#include "sadb/rcu_hash_table.h"
#include "sadb/sadb.h"

namespace postern {

struct OutboundGroup;

// An SA's place in its group's list.
class OutboundLink {
 public:
  explicit OutboundLink(SecurityAssociation& association)
      : association_(association) {}

  OutboundLink(const OutboundLink&) = delete;
  OutboundLink& operator=(const OutboundLink&) = delete;

 private:
  friend class OutboundTable;

  SecurityAssociation& association_;
  std::atomic<OutboundLink*> older_{nullptr};
  OutboundLink* newer_ = nullptr;   // the writer's
  OutboundGroup* group_ = nullptr;  // the writer's; null outside the table
};

class OutboundTable {
 public:
  OutboundTable() = default;
  // REQUIRES: the table is empty and no reader uses it.
  ~OutboundTable() = default;
  OutboundTable(const OutboundTable&) = delete;
  OutboundTable& operator=(const OutboundTable&) = delete;

  // As the newest of its group. REQUIRES: an outbound SA, newer than all.
  void Add(OutboundLink& link);

  // Readers may hold the link until a grace period later.
  void Remove(OutboundLink& link);

  SecurityAssociation* Find(const Sadb::OutboundKey& key,
                            const Traffic& traffic,
                            const SaFilter* filter) const;

 private:
  // The newest usable one that `traffic` may take and the filter, if there is one,
  // accepts; null without a group.
  static SecurityAssociation* NewestIn(const OutboundGroup* group,
                                       const Traffic& traffic,
                                       const SaFilter* filter);

  RcuHashTable<OutboundGroup> groups_;
  // How many groups there are of each kind: a kind that nobody uses costs
  // readers nothing.
  std::atomic<std::size_t> for_any_flow_{0};
  std::atomic<std::size_t> for_one_flow_{0};
};

}  // namespace postern

#endif  // POSTERN_SADB_OUTBOUND_TABLE_H_
