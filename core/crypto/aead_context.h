// SPDX-License-Identifier: Apache-2.0
//
// An AeadContext seals and opens with one key of an AEAD (AES-GCM, RFC 4106;
// AES-CCM, RFC 4309; ChaCha20-Poly1305, RFC 7634).
// A message is opened wholly or not at all, and the same nonce must never seal
// two messages: the caller owns that promise (core/seq/sequence_counter.h).
//
// The key is scheduled once per context; a packet costs its nonce, its spans
// and the cipher.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_CORE_CRYPTO_AEAD_CONTEXT_H_
#define POSTERN_CORE_CRYPTO_AEAD_CONTEXT_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/bytes.h"
#include "core/crypto/algorithm.h"
#include "core/crypto/auth_proof.h"
#include "core/crypto/backend.h"
#include "core/drop_reason.h"
#include "core/error.h"

namespace postern {

class AeadEngine;

class AeadContext {
 public:
  enum class Use : std::uint8_t { kSeal, kOpen };

  // `key` without the salt.
  // Errors: kInvalid when the key's length is none of the algorithm's;
  //   kUnsupported when the backend is not there or refuses.
  static Result<AeadContext> Create(Encryption algorithm, ConstBytes key,
                                    Use use,
                                    CryptoBackend backend = ChosenBackend());

  AeadContext(AeadContext&&) noexcept;
  AeadContext& operator=(AeadContext&&) noexcept;
  ~AeadContext();

  // Encrypts `octets` in place and writes the tag.
  // REQUIRES: made with kSeal; nonce is salt and IV (12 octets, of CCM 11); tag
  //   has the ICV's size.
  // Errors: kCryptoFailed.
  Passage Seal(ConstBytes nonce, ConstBytes aad, Bytes octets, Bytes tag);

  // Decrypts `octets` in place. After a refusal they are zero.
  // REQUIRES: made with kOpen.
  // Errors: kBadIcv.
  Opinion<AuthProof> Open(ConstBytes nonce, ConstBytes aad, Bytes octets,
                          ConstBytes tag);

 private:
  struct Sizes {
    std::size_t nonce;
    std::size_t tag;
  };

  AeadContext(std::unique_ptr<AeadEngine> engine, Sizes sizes);

  std::unique_ptr<AeadEngine> engine_;
  Sizes sizes_;
};

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_AEAD_CONTEXT_H_
