// SPDX-License-Identifier: Apache-2.0
//
// libcrypto's algorithms, each fetched once per process: a fetch costs more
// than sealing a packet. They are never freed; libcrypto's own exit function
// does that.
//
// For the .cc files of core/crypto/ only.
//
// Thread safety: Thread-safe.

#ifndef POSTERN_CORE_CRYPTO_FETCHED_H_
#define POSTERN_CORE_CRYPTO_FETCHED_H_

#include <cstddef>

#include "core/crypto/algorithm.h"

struct evp_cipher_st;
struct evp_md_st;

namespace postern {

// nullptr when there is no such cipher, key size, or the library refuses.
evp_cipher_st* FetchedCipher(Encryption algorithm, std::size_t key_size);

// nullptr for what is no HMAC, or when the library refuses.
evp_md_st* FetchedDigest(Integrity algorithm);

// Whether the table lists this key size, salt not counted.
bool IsKeySize(Encryption algorithm, std::size_t key_size);

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_FETCHED_H_
