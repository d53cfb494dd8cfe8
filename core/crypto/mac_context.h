// SPDX-License-Identifier: Apache-2.0
//
// A MacContext computes and verifies the ICV of one keyed integrity algorithm
// (HMAC with truncation, RFC 2403, 2404, 4868; AES-CMAC, RFC 4494;
// AES-XCBC-MAC, RFC 3566). GMAC is another thing: core/crypto/gmac_context.h.
//
// What the key alone decides is computed once, when the context is made. A MAC is a
// chain: one message leaves most of a CPU idle. Bursts let a backend that can
// work on several at once; therefore a message is one contiguous range.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_CORE_CRYPTO_MAC_CONTEXT_H_
#define POSTERN_CORE_CRYPTO_MAC_CONTEXT_H_

#include <cstddef>
#include <memory>
#include <span>

#include "core/bytes.h"
#include "core/crypto/algorithm.h"
#include "core/crypto/auth_proof.h"
#include "core/crypto/backend.h"
#include "core/drop_reason.h"
#include "core/error.h"

namespace postern {

class MacEngine;

class MacContext {
 public:
  // HMACs take keys of any length but zero, as RFC 2104 does; that an IPsec SA
  // has a key of exactly the prescribed length is checked by sadb/.
  // Errors: kInvalid; kUnsupported when the backend is not there or refuses.
  static Result<MacContext> Create(Integrity algorithm, ConstBytes key,
                                   CryptoBackend backend = ChosenBackend());

  MacContext(MacContext&& other) noexcept;
  MacContext& operator=(MacContext&& other) noexcept;
  ~MacContext();

  struct SignJob {
    ConstBytes message;
    Bytes icv;  // may lie in the message: all are written when all are hashed
    Passage outcome = DropReason::kCryptoFailed;  // written
  };

  struct VerifyJob {
    ConstBytes message;
    ConstBytes icv;
    Opinion<AuthProof> outcome = DropReason::kCryptoFailed;  // written
  };

  // Writes the ICV over each job's message.
  // REQUIRES: icv.size() is at most the full digest; the algorithm's truncated
  //   size on packets.
  // Errors: kCryptoFailed.
  void Sign(std::span<SignJob> jobs);
  Passage Sign(ConstBytes message, Bytes icv);

  // Compares in constant time.
  // Errors: kBadIcv (also when `icv` has not the algorithm's size),
  //   kCryptoFailed.
  void Verify(std::span<VerifyJob> jobs);
  Opinion<AuthProof> Verify(ConstBytes message, ConstBytes icv);

 private:
  MacContext(std::unique_ptr<MacEngine> engine, std::size_t icv_size);

  void SignSome(std::span<SignJob> jobs);
  void VerifySome(std::span<VerifyJob> jobs);

  std::unique_ptr<MacEngine> engine_;
  std::size_t icv_size_;
};

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_MAC_CONTEXT_H_
