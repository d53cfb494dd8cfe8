// SPDX-License-Identifier: Apache-2.0
//
// The keys that one SA alone may have:
//
//     counted    those with which SAs count their IVs. Two SAs with one of them
//                would use the same IVs, which is a disaster (GCM-01, RFC 8221 4)
//     capped     those of ciphers with 64-bit blocks: what may be encrypted is a
//                key's (NIST SP 800-67r2), and another SA's would come on top
//
// Thread safety: Control-confined. Cost: a hash of the key.

#ifndef POSTERN_SADB_SOLE_KEYS_H_
#define POSTERN_SADB_SOLE_KEYS_H_

#include <cstddef>
#include <unordered_set>

#include "core/keyed_hash.h"
#include "sadb/sa_algorithms.h"
#include "sadb/sa_parameters.h"

namespace postern {

class SoleKeys {
 public:
  // Whose key it is already; null: nobody's, or others may have it, too.
  const SaParameters* FindSame(const SaParameters& parameters) const {
    const auto same = SoleMaterial(parameters).empty()
                          ? keys_.end()
                          : keys_.find(&parameters);
    return same == keys_.end() ? nullptr : *same;
  }

  // `parameters` stay where they are until Remove().
  void Add(const SaParameters& parameters) {
    if (!SoleMaterial(parameters).empty()) {
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
      return KeyedHash(SoleMaterial(*parameters).octets());
    }
  };

  // Whatever the algorithms: counter blocks of AES-CTR are those of AES-GCM.
  struct SameKey {
    bool operator()(const SaParameters* a, const SaParameters* b) const {
      return ConstantTimeEqual(SoleMaterial(*a).octets(),
                               SoleMaterial(*b).octets());
    }
  };

  std::unordered_set<const SaParameters*, KeyHash, SameKey> keys_;
};

}  // namespace postern

#endif  // POSTERN_SADB_SOLE_KEYS_H_
