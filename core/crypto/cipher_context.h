// SPDX-License-Identifier: Apache-2.0
//
// A CipherContext encrypts or decrypts with one key of a cipher that gives
// confidentiality alone (AES-CBC without padding, RFC 3602). It proves nothing
// about a packet's origin; a MacContext does.
//
// Fetched once per process, keyed once per context.
//
// Thread safety: Worker-confined (it holds an EVP_CIPHER_CTX).

#ifndef POSTERN_CORE_CRYPTO_CIPHER_CONTEXT_H_
#define POSTERN_CORE_CRYPTO_CIPHER_CONTEXT_H_

#include <cstdint>
#include <memory>

#include "core/bytes.h"
#include "core/crypto/algorithm.h"
#include "core/drop_reason.h"
#include "core/error.h"

struct evp_cipher_ctx_st;

namespace postern {

class CipherContext {
 public:
  enum class Use : std::uint8_t { kEncrypt, kDecrypt };

  // Errors: kInvalid when the key's length is none of the algorithm's.
  static Result<CipherContext> Create(Encryption algorithm, ConstBytes key,
                                      Use use);

  // Transforms `head` and then `tail` to `out`. `head` may be `out` itself.
  // REQUIRES: out.size() == head.size() + tail.size(), a multiple of the
  //   block; iv has the cipher's block size.
  // Errors: kCryptoFailed.
  Passage Transform(ConstBytes iv, ConstBytes head, ConstBytes tail, Bytes out);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };

  using Handle = std::unique_ptr<evp_cipher_ctx_st, Free>;

  explicit CipherContext(Handle context) : context_(std::move(context)) {}

  Handle context_;
};

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_CIPHER_CONTEXT_H_
