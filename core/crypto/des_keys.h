// SPDX-License-Identifier: Apache-2.0
//
// DES keys that are no keys: the weak and semi-weak ones (RFC 2405 4, FIPS
// 74), under which encrypting is decrypting with the key itself or another, and
// 3DES keys of which two neighbours are one, so that two of the three ciphers
// undo each other (RFC 2451 2.3). Parity bits do not count.
//
// Thread safety: pure functions. Cost: no branch on the key but the answer.

#ifndef POSTERN_CORE_CRYPTO_DES_KEYS_H_
#define POSTERN_CORE_CRYPTO_DES_KEYS_H_

#include "core/bytes.h"

namespace postern {

// REQUIRES: 8 octets.
bool IsWeakDesKey(ConstBytes key);

// REQUIRES: 24 octets.
bool IsWeakTripleDesKey(ConstBytes key);

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_DES_KEYS_H_
