// SPDX-License-Identifier: Apache-2.0
//
// The engines that ipsec-mb drives. In a build without it they do not exist:
// core/crypto/ipsec_mb/absent.cc answers, and the other files of this folder
// are not compiled (cmake/packages.cmake).
//
// For core/crypto/ only.
//
// Thread safety: Thread-safe; engines are Worker-confined.

#ifndef POSTERN_CORE_CRYPTO_IPSEC_MB_ENGINES_H_
#define POSTERN_CORE_CRYPTO_IPSEC_MB_ENGINES_H_

#include <memory>
#include <string>

#include "core/bytes.h"
#include "core/crypto/aead_context.h"
#include "core/crypto/algorithm.h"
#include "core/crypto/cipher_context.h"
#include "core/crypto/engines.h"
#include "core/error.h"

namespace postern::ipsec_mb {

// Errors: kUnsupported, with the reason and what to do instead.
Status Check();

// REQUIRES: Check() passed.
std::string Describe();

// Null when the library has not the algorithm, or no memory is left.
// REQUIRES: Check() passed.
std::unique_ptr<AeadEngine> MakeAead(Encryption algorithm, ConstBytes key);

std::unique_ptr<CipherEngine> MakeCipher(Encryption algorithm, ConstBytes key,
                                         CipherContext::Use use);

// Small bursts, which would leave most of the CPU's lanes empty, are
// libcrypto's all the same: the engine holds one of its engines.
std::unique_ptr<MacEngine> MakeMac(Integrity algorithm, ConstBytes key);

// AES-CMAC and AES-XCBC-MAC alone. REQUIRES: this thread has its bursts.
std::unique_ptr<MacEngine> MakeBlockMac(Integrity algorithm, ConstBytes key);

std::unique_ptr<GmacEngine> MakeGmac(ConstBytes key);

}  // namespace postern::ipsec_mb

#endif  // POSTERN_CORE_CRYPTO_IPSEC_MB_ENGINES_H_
