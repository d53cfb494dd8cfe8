// SPDX-License-Identifier: Apache-2.0
//
// A CipherContext encrypts or decrypts with one key of a cipher that gives
// confidentiality alone (CBC without padding, RFC 2451, 3602, 4312; AES-CTR,
// RFC 3686). It proves nothing about a packet's origin; a MacContext does.
//
// Encrypting CBC is a chain: one message leaves most of a CPU idle. Bursts let
// a backend that can work on several at once.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_CORE_CRYPTO_CIPHER_CONTEXT_H_
#define POSTERN_CORE_CRYPTO_CIPHER_CONTEXT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/bytes.h"
#include "core/crypto/algorithm.h"
#include "core/crypto/backend.h"
#include "core/drop_reason.h"
#include "core/error.h"

namespace postern {

class CipherEngine;

class CipherContext {
 public:
  enum class Use : std::uint8_t { kEncrypt, kDecrypt };

  // Errors: kInvalid when the key's length is none of the algorithm's;
  //   kUnsupported when the backend is not there or refuses.
  static Result<CipherContext> Create(Encryption algorithm, ConstBytes key,
                                      Use use,
                                      CryptoBackend backend = ChosenBackend());

  CipherContext(CipherContext&&) noexcept;
  CipherContext& operator=(CipherContext&&) noexcept;
  ~CipherContext();

  struct Job {
    ConstBytes iv;
    Bytes octets;
    Passage outcome = DropReason::kCryptoFailed;  // written
  };

  // Transforms each job's octets in place.
  // REQUIRES: octets are less than 64 KiB, with CBC whole blocks; iv is one
  //   block, with CTR the first counter block (RFC 3686 4).
  // Errors: kCryptoFailed.
  void Transform(std::span<Job> jobs);

  // The same for a single one.
  Passage Transform(ConstBytes iv, Bytes octets);

 private:
  struct Sizes {
    std::size_t iv;
    std::size_t block;  // a power of two
  };

  CipherContext(std::unique_ptr<CipherEngine> engine, Sizes sizes);

  bool Fits(ConstBytes iv, ConstBytes octets) const;
  void TransformSome(std::span<Job> jobs);

  std::unique_ptr<CipherEngine> engine_;
  Sizes sizes_;
};

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_CIPHER_CONTEXT_H_
