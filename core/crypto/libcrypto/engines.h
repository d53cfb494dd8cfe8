// SPDX-License-Identifier: Apache-2.0
//
// The engines that libcrypto drives. Algorithms are fetched once per process,
// a key is scheduled once per engine; libcrypto's error queue is drained here
// and never seen outside.
//
// For core/crypto/ only. Each answers null when libcrypto refuses; the caller
// checked the sizes.
//
// Thread safety: Worker-confined engines.

#ifndef POSTERN_CORE_CRYPTO_LIBCRYPTO_ENGINES_H_
#define POSTERN_CORE_CRYPTO_LIBCRYPTO_ENGINES_H_

#include <array>
#include <memory>

#include "core/bytes.h"
#include "core/crypto/aead_context.h"
#include "core/crypto/algorithm.h"
#include "core/crypto/cipher_context.h"
#include "core/crypto/engines.h"

namespace postern::libcrypto {

std::unique_ptr<AeadEngine> MakeAead(Encryption algorithm, ConstBytes key,
                                     AeadContext::Use use);

std::unique_ptr<CipherEngine> MakeCipher(Encryption algorithm, ConstBytes key,
                                         CipherContext::Use use);

// Of HMACs and of MACs made of AES.
std::unique_ptr<MacEngine> MakeMac(Integrity algorithm, ConstBytes key);

// AES-CMAC and AES-XCBC-MAC alone: libcrypto/block_mac.cc.
std::unique_ptr<MacEngine> MakeBlockMac(Integrity algorithm, ConstBytes key);

std::unique_ptr<GmacEngine> MakeGmac(ConstBytes key);

// One block of the hash behind an HMAC: 64 octets, 128 of SHA-384 and SHA-512.
struct HashBlock {
  static constexpr std::size_t kLargest = 128;

  std::array<std::uint8_t, kLargest> octets{};
  std::size_t size = 0;
};

// The key as one block: hashed when it is longer, then padded with zero octets
// (RFC 2104 2). False when libcrypto refuses. The caller cleanses the block.
bool FitHmacKey(Integrity algorithm, ConstBytes key, HashBlock& block);

}  // namespace postern::libcrypto

#endif  // POSTERN_CORE_CRYPTO_LIBCRYPTO_ENGINES_H_
