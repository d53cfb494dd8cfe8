// SPDX-License-Identifier: Apache-2.0
//
// The keys with which SAs count their IVs. Two SAs with one of them would use the
// same IVs, which is a disaster (GCM-01, RFC 8221 4): so one SA has it.
//
// Thread safety: Control-confined. Cost: a hash of the key.

#ifndef POSTERN_SADB_COUNTER_KEYS_H_
#define POSTERN_SADB_COUNTER_KEYS_H_

#include <cstddef>
#include <unordered_set>

#include "core/keyed_hash.h"
#include "sadb/sa_algorithms.h"
#include "sadb/sa_parameters.h"

namespace postern {

class CounterKeys {
 public:
  // Whose key it is already; null: nobody's, or nothing is counted with it.
  const SaParameters* FindSame(const SaParameters& parameters) const {
    const auto same = CounterMaterial(parameters).empty()
                          ? keys_.end()
                          : keys_.find(&parameters);
    return same == keys_.end() ? nullptr : *same;
  }

  // `parameters` stay where they are until Remove().
  void Add(const SaParameters& parameters) {
    if (!CounterMaterial(parameters).empty()) {
      keys_.insert(&parameters);
    }
  }

  // Another SA's equal key is not forgotten in place of this one's.
  void Remove(const SaParameters& parameters) {
    if (FindSame(parameters) == &parameters) {
      keys_.erase(&parameters);
    }
  }

 private:
  struct KeyHash {
    std::size_t operator()(const SaParameters* parameters) const {
      return KeyedHash(CounterMaterial(*parameters));
    }
  };

  // Whatever the algorithms: counter blocks of AES-CTR are those of AES-GCM.
  struct SameKey {
    bool operator()(const SaParameters* a, const SaParameters* b) const {
      return ConstantTimeEqual(CounterMaterial(*a), CounterMaterial(*b));
    }
  };

  std::unordered_set<const SaParameters*, KeyHash, SameKey> keys_;
};

}  // namespace postern

#endif  // POSTERN_SADB_COUNTER_KEYS_H_
