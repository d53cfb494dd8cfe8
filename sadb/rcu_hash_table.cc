// SPDX-License-Identifier: Apache-2.0

#include "sadb/rcu_hash_table.h"

#include <urcu/urcu-qsbr.h>
// After it: this one takes its flavour from what came before.
#include <urcu/rculfhash.h>

#include <cstdlib>

#include "core/rcu.h"

namespace postern {
namespace {

constexpr unsigned long kFirstBuckets = 1024;

struct Query {
  bool (*match)(const RcuHashNode& node, const void* key);
  const void* key;
};

// A node is the room of one cds_lfht_node and nothing else; only liburcu
// reads and writes it.
cds_lfht_node* ToLink(RcuHashNode& node) {
  return reinterpret_cast<cds_lfht_node*>(&node);  // NOLINT
}

RcuHashNode* ToNode(cds_lfht_node* link) {
  return reinterpret_cast<RcuHashNode*>(link);  // NOLINT
}

int MatchesQuery(cds_lfht_node* link, const void* query) {
  const auto* const asked = static_cast<const Query*>(query);
  RcuAnnotateAcquire(link);
  return asked->match(*ToNode(link), asked->key) ? 1 : 0;
}

}  // namespace

RcuHashTableBase::RcuHashTableBase()
    : table_(cds_lfht_new_flavor(kFirstBuckets, kFirstBuckets, 0, /*flags=*/0,
                                 &urcu_qsbr_flavor, nullptr)),
      buckets_(kFirstBuckets) {
  static_assert(sizeof(RcuHashNode) == sizeof(cds_lfht_node));
  static_assert(alignof(RcuHashNode) >= alignof(cds_lfht_node));
  if (table_ == nullptr) {
    std::abort();  // no memory: as every other allocation
  }
}

RcuHashTableBase::~RcuHashTableBase() {
  if (cds_lfht_destroy(table_, nullptr) != 0) {
    std::abort();  // not empty: entries would point to freed buckets
  }
}

void RcuHashTableBase::AddNode(std::uint64_t hash, RcuHashNode& node) {
  RcuAnnotateRelease(&node);
  cds_lfht_add(table_, hash, ToLink(node));
  if (++entries_ > buckets_) {
    buckets_ *= 2;
    cds_lfht_resize(table_, buckets_);
  }
}

void RcuHashTableBase::RemoveNode(RcuHashNode& node) {
  if (cds_lfht_del(table_, ToLink(node)) != 0) {
    std::abort();  // removed twice
  }
  --entries_;
}

RcuHashNode* RcuHashTableBase::FindNode(std::uint64_t hash, Match match,
                                        const void* key) const {
  const Query query{match, key};
  cds_lfht_iter found{};
  cds_lfht_lookup(table_, hash, &MatchesQuery, &query, &found);
  return ToNode(found.node);
}

void RcuHashTableBase::VisitNodes(
    const std::function<void(RcuHashNode&)>& visit) const {
  cds_lfht_iter at{};
  for (cds_lfht_first(table_, &at); at.node != nullptr;
       cds_lfht_next(table_, &at)) {
    RcuAnnotateAcquire(at.node);
    visit(*ToNode(at.node));
  }
}

}  // namespace postern
