// SPDX-License-Identifier: Apache-2.0
//
// An intrusive hash table that readers walk without a lock while one writer
// changes it: liburcu's lock-free resizable table (cds_lfht), behind a type.
//
//     struct Entry : RcuHashNode {
//       bool Has(const Key& key) const;   // compares
//     };
//     RcuHashTable<Entry> table;
//     table.Add(hash, *entry);            // the table does not own it
//     Entry* found = table.Find(hash, key);
//     table.Remove(*entry);
//     RcuDefer([entry] { delete entry; });
//
// It doubles when it has as many entries as buckets, in Add(): liburcu's own
// resizing guesses the size from the length of chains, and on a busy machine
// was seen to guess gigabytes. It never shrinks: therefore the writer need not
// be a registered reader. (Shrinking would free parts that an unregistered
// writer could be looking at.) A table that once held a million entries keeps
// 16 MB.
//
// Thread safety: Find() is Thread-safe for registered RCU readers; the rest is
// Control-confined.
// Cost: Find() is O(1), one or two cache lines besides the entry's own. Add()
// and Remove() are O(1) amortized; the doubling to a million buckets takes
// about a tenth of a second, during which readers go on.

#ifndef POSTERN_SADB_RCU_HASH_TABLE_H_
#define POSTERN_SADB_RCU_HASH_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

struct cds_lfht;

namespace postern {

// What an entry needs to be in one table. Two words.
class RcuHashNode {
 public:
  RcuHashNode() = default;
  RcuHashNode(const RcuHashNode&) = delete;
  RcuHashNode& operator=(const RcuHashNode&) = delete;

 protected:
  ~RcuHashNode() = default;

 private:
  // A cds_lfht_node, which only liburcu reads and writes.
  [[maybe_unused]] alignas(8) std::array<std::byte, 16> room_{};
};

// The part that does not depend on the entry's type.
class RcuHashTableBase {
 public:
  RcuHashTableBase(const RcuHashTableBase&) = delete;
  RcuHashTableBase& operator=(const RcuHashTableBase&) = delete;

 protected:
  using Match = bool (*)(const RcuHashNode& node, const void* key);

  RcuHashTableBase();
  // REQUIRES: the table is empty and no reader uses it.
  ~RcuHashTableBase();

  void AddNode(std::uint64_t hash, RcuHashNode& node);
  void RemoveNode(RcuHashNode& node);
  RcuHashNode* FindNode(std::uint64_t hash, Match match, const void* key) const;
  void VisitNodes(const std::function<void(RcuHashNode&)>& visit) const;

 private:
  cds_lfht* table_;
  unsigned long buckets_;
  unsigned long entries_ = 0;
};

template <typename Entry>
class RcuHashTable : private RcuHashTableBase {
 public:
  // REQUIRES: `entry` is in no table; the caller has made sure that no other
  // entry has its key.
  void Add(std::uint64_t hash, Entry& entry) { AddNode(hash, entry); }

  // Readers may hold the entry until a grace period later.
  // REQUIRES: `entry` is in this table.
  void Remove(Entry& entry) { RemoveNode(entry); }

  // The entry with this key; null when there is none. Valid until the
  // reader's next quiescent state.
  template <typename Key>
  Entry* Find(std::uint64_t hash, const Key& key) const {
    const Match match = [](const RcuHashNode& node, const void* wanted) {
      return static_cast<const Entry&>(node).Has(
          *static_cast<const Key*>(wanted));
    };
    return static_cast<Entry*>(FindNode(hash, match, &key));
  }

  // Calls `visit` for each entry, in no order.
  // REQUIRES: `visit` does not change the table.
  void Visit(const std::function<void(Entry&)>& visit) const {
    VisitNodes(
        [&visit](RcuHashNode& node) { visit(static_cast<Entry&>(node)); });
  }
};

}  // namespace postern

#endif  // POSTERN_SADB_RCU_HASH_TABLE_H_
