// SPDX-License-Identifier: Apache-2.0
//
// An AeadContext seals and opens with one key of an AEAD (AES-GCM, RFC 4106).
// A message is opened wholly or not at all, and the same nonce must never seal
// two messages: the caller owns that promise (core/seq/sequence_counter.h).
//
// The algorithm is fetched once per process, the key is scheduled once per
// context; a packet costs its nonce, its spans and the cipher. libcrypto's
// error queue is drained here and never seen outside.
//
// Thread safety: Worker-confined (it holds an EVP_CIPHER_CTX).

#ifndef POSTERN_CORE_CRYPTO_AEAD_CONTEXT_H_
#define POSTERN_CORE_CRYPTO_AEAD_CONTEXT_H_

#include <cstddef>
#include <memory>

#include "core/bytes.h"
#include "core/crypto/algorithm.h"
#include "core/crypto/auth_proof.h"
#include "core/drop_reason.h"
#include "core/error.h"

struct evp_cipher_ctx_st;

namespace postern {

class AeadContext {
 public:
  enum class Use : std::uint8_t { kSeal, kOpen };

  // `key` without the salt; `icv` octets of tag (16 for kAesGcm16).
  // Errors: kInvalid when the key's length is none of the algorithm's.
  static Result<AeadContext> Create(Encryption algorithm, ConstBytes key,
                                    Use use);

  // Encrypts `head` and then `tail` to `sealed` and writes the tag. The two
  // parts are one message: `head` is a packet's payload, which may be `sealed`
  // itself (in place) or lie elsewhere (then sealing is the only copy); `tail`
  // is its ESP trailer, possibly empty.
  // REQUIRES: made with kSeal; nonce is salt and IV (12 octets);
  //   sealed.size() == head.size() + tail.size(); tag has the ICV's size.
  // Errors: kCryptoFailed.
  struct Message {
    ConstBytes nonce;
    ConstBytes aad;
    ConstBytes head;
    ConstBytes tail;
  };

  Passage Seal(const Message& message, Bytes sealed, Bytes tag);

  // Decrypts `sealed` to `opened` (the same span, or one of its size
  // elsewhere). After a refusal the content of `opened` means nothing and must
  // not be used.
  // REQUIRES: made with kOpen.
  // Errors: kBadIcv.
  Opinion<AuthProof> Open(ConstBytes nonce, ConstBytes aad, ConstBytes sealed,
                          ConstBytes tag, Bytes opened);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };

  using Handle = std::unique_ptr<evp_cipher_ctx_st, Free>;

  explicit AeadContext(Handle context) : context_(std::move(context)) {}

  Handle context_;
};

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_AEAD_CONTEXT_H_
