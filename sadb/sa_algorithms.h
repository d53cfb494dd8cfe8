// SPDX-License-Identifier: Apache-2.0
//
// Which algorithms an SA may have, with which keys and for how long; the part of
// Validate() that reads the algorithm table (core/crypto/algorithm.h).
//
// Thread safety: pure functions, but for the process's choice of legacy
// algorithms (core/crypto/legacy.h).

#ifndef POSTERN_SADB_SA_ALGORITHMS_H_
#define POSTERN_SADB_SA_ALGORITHMS_H_

#include "core/bytes.h"
#include "core/error.h"
#include "sadb/sa_parameters.h"

namespace postern {

// Errors: kInvalid (a combination that protects nothing or too much at once; a
//   key that has not the algorithm's size, or is a weak one), kForbidden (a
//   legacy algorithm that is not allowed), kUnsupported (the crypto library has
//   it not).
Status CheckAlgorithms(const SaParameters& sa);

// The keying material with which the sequence number is the IV, so that no
// number may come twice under it: GCM-01, CTR-06, CCM-07. Empty when IVs are
// not numbers.
ConstBytes CounterMaterial(const SaParameters& sa);

// 64-bit blocks: the octets that one key may protect. An SA whose hard lifetime
// has no octets has these (EncryptionInfo::most_octets).
Lifetime WithCap(const SaParameters& sa, const Lifetime& hard);

// Errors: kInvalid when a bound is beyond that.
Status CheckCap(const SaParameters& sa, const Lifetime& soft,
                const Lifetime& hard);

}  // namespace postern

#endif  // POSTERN_SADB_SA_ALGORITHMS_H_
