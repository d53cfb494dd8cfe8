// SPDX-License-Identifier: Apache-2.0
//
// The engine that a backend has for an algorithm, or libcrypto's where the
// backend has none.
//
// For core/crypto/ only. REQUIRES: the key's size is one of the algorithm's.
// Errors: kUnsupported when the backend is not there, or libcrypto refuses.
//
// Thread safety: Thread-safe; the engines are Worker-confined.

#ifndef POSTERN_CORE_CRYPTO_ENGINE_CHOICE_H_
#define POSTERN_CORE_CRYPTO_ENGINE_CHOICE_H_

#include <memory>

#include "core/bytes.h"
#include "core/crypto/aead_context.h"
#include "core/crypto/algorithm.h"
#include "core/crypto/backend.h"
#include "core/crypto/cipher_context.h"
#include "core/crypto/engines.h"
#include "core/error.h"

namespace postern {

Result<std::unique_ptr<AeadEngine>> AeadEngineOf(CryptoBackend backend,
                                                 Encryption algorithm,
                                                 ConstBytes key,
                                                 AeadContext::Use use);

Result<std::unique_ptr<CipherEngine>> CipherEngineOf(CryptoBackend backend,
                                                     Encryption algorithm,
                                                     ConstBytes key,
                                                     CipherContext::Use use);

Result<std::unique_ptr<MacEngine>> MacEngineOf(CryptoBackend backend,
                                               Integrity algorithm,
                                               ConstBytes key);

Result<std::unique_ptr<GmacEngine>> GmacEngineOf(CryptoBackend backend,
                                                 ConstBytes key);

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_ENGINE_CHOICE_H_
