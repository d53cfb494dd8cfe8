// SPDX-License-Identifier: Apache-2.0
//
// How strong an SA is, by the length of its keys, and what its algorithms are
// called. A long key of a weak algorithm is still weak: this is the metric of
// the draft's section 4, no more.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_SADB_SA_STRENGTH_H_
#define POSTERN_SADB_SA_STRENGTH_H_

#include <string>

#include "sadb/sa_parameters.h"

namespace postern {

// ESP's encryption key in bits, without a salt; 0 with what does not encrypt.
unsigned EncryptionKeyBits(const SaParameters& sa);

// The same, but of null-auth-aes-gmac its key.
unsigned CipherKeyBits(const SaParameters& sa);

// The bits of the SA's shortest key: of the encryption (0 with NULL) and, where
// the SA has one, of the integrity algorithm.
unsigned KeyBits(const SaParameters& sa);

// "aes-gcm-16", "aes-cbc,hmac-sha2-256-128", "hmac-sha1-96".
std::string AlgorithmsOf(const SaParameters& sa);

}  // namespace postern

#endif  // POSTERN_SADB_SA_STRENGTH_H_
