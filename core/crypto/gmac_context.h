// SPDX-License-Identifier: Apache-2.0
//
// A GmacContext computes and verifies the ICV of one key of AES-GMAC (RFC 4543):
// a MAC that wants a nonce with every message, which never comes twice for a
// key. The caller owns that promise, as with an AEAD.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_CORE_CRYPTO_GMAC_CONTEXT_H_
#define POSTERN_CORE_CRYPTO_GMAC_CONTEXT_H_

#include <memory>

#include "core/bytes.h"
#include "core/crypto/auth_proof.h"
#include "core/crypto/backend.h"
#include "core/drop_reason.h"
#include "core/error.h"

namespace postern {

class GmacEngine;

class GmacContext {
 public:
  // `key` without the salt.
  // Errors: kInvalid when the key has not 16, 24 or 32 octets; kUnsupported when
  //   the backend is not there or refuses.
  static Result<GmacContext> Create(ConstBytes key,
                                    CryptoBackend backend = ChosenBackend());

  GmacContext(GmacContext&&) noexcept;
  GmacContext& operator=(GmacContext&&) noexcept;
  ~GmacContext();

  // The tag over `head` and `body`, as if they were one.
  // REQUIRES: nonce has 12 octets, tag 16.
  // Errors: kCryptoFailed.
  Passage Sign(ConstBytes nonce, ConstBytes head, ConstBytes body, Bytes tag);

  // Compares in constant time.
  // Errors: kBadIcv (also when `tag` has not 16 octets), kCryptoFailed.
  Opinion<AuthProof> Verify(ConstBytes nonce, ConstBytes head, ConstBytes body,
                            ConstBytes tag);

 private:
  explicit GmacContext(std::unique_ptr<GmacEngine> engine);

  std::unique_ptr<GmacEngine> engine_;
};

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_GMAC_CONTEXT_H_
