// SPDX-License-Identifier: Apache-2.0
//
// A MacContext computes and verifies the ICV of one keyed integrity algorithm
// (HMAC with truncation, RFC 2404, RFC 4868).
//
// The two HMAC pads are hashed once, when the context is made; a packet costs
// two copies of a digest state and the octets (facts: EVP_MD_CTX_copy is
// faster than EVP_MAC).
//
// Thread safety: Worker-confined.

#ifndef POSTERN_CORE_CRYPTO_MAC_CONTEXT_H_
#define POSTERN_CORE_CRYPTO_MAC_CONTEXT_H_

#include <cstddef>
#include <initializer_list>
#include <memory>

#include "core/bytes.h"
#include "core/crypto/algorithm.h"
#include "core/crypto/auth_proof.h"
#include "core/drop_reason.h"
#include "core/error.h"

namespace postern {

class MacContext {
 public:
  // Keys of any length but zero are taken, as RFC 2104 does; that an IPsec SA
  // has a key of exactly the prescribed length is checked by sadb/.
  static Result<MacContext> Create(Integrity algorithm, ConstBytes key);

  MacContext(MacContext&& other) noexcept;
  MacContext& operator=(MacContext&& other) noexcept;
  ~MacContext();

  // Writes the ICV over the concatenation of `parts`.
  // REQUIRES: icv.size() is at most the full digest; the algorithm's truncated
  //   size on packets.
  // Errors: kCryptoFailed.
  Passage Sign(std::initializer_list<ConstBytes> parts, Bytes icv);

  // Compares in constant time.
  // Errors: kBadIcv (also when `icv` has not the algorithm's size),
  //   kCryptoFailed.
  Opinion<AuthProof> Verify(std::initializer_list<ConstBytes> parts,
                            ConstBytes icv);

 private:
  struct State;
  explicit MacContext(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_MAC_CONTEXT_H_
