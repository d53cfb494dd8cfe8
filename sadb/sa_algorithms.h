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

// What of the SA's keying material no other SA may have; empty: nothing. That is
// the counter material, written so that equal counter blocks are equal octets:
// CCM's begin with 3 and three octets of salt (RFC 4309 4) where GCM's and CTR's
// have four. And the key of 64-bit blocks, without DES's parity bits, which say
// nothing.
SecretBytes SoleMaterial(const SaParameters& sa);

// 64-bit blocks: the octets that one key may encrypt. An SA whose hard lifetime
// has no octets has these (EncryptionInfo::most_octets).
Lifetime WithCap(const SaParameters& sa, const Lifetime& hard);

// 64-bit blocks: what the cipher may encrypt of each packet beyond the octets that
// are charged for it. In a tunnel that is ESP's trailer; in transport mode the IP
// header, which is charged and not encrypted, is more than that, and inbound the
// whole ESP packet is charged. 0 of other ciphers.
std::uint64_t TrailerToCount(const SaParameters& sa);

// Errors: kInvalid when a bound is beyond that.
Status CheckCap(const SaParameters& sa, const Lifetime& soft,
                const Lifetime& hard);

}  // namespace postern

#endif  // POSTERN_SADB_SA_ALGORITHMS_H_
