// SPDX-License-Identifier: Apache-2.0
//
// The least that libcrypto 3 must be called for to seal one packet: what our
// own figures are divided by. Algorithms are fetched and keys scheduled when
// these are made; a call sets the nonce and touches the octets.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_BENCH_BARE_LIBCRYPTO_H_
#define POSTERN_BENCH_BARE_LIBCRYPTO_H_

#include <openssl/evp.h>

#include <memory>

#include "core/bytes.h"

namespace postern::bench {

struct FreeOpenSsl {
  void operator()(EVP_CIPHER_CTX* context) const {
    EVP_CIPHER_CTX_free(context);
  }

  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }

  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }

  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
};

template <typename T>
using Owned = std::unique_ptr<T, FreeOpenSsl>;

// AES-GCM with a tag of 16 octets.
class BareGcm {
 public:
  explicit BareGcm(ConstBytes key);

  // In place. Ends the program when libcrypto refuses.
  void Seal(ConstBytes nonce, ConstBytes aad, Bytes octets, Bytes tag);
  void Open(ConstBytes nonce, ConstBytes aad, Bytes octets, Bytes tag);

 private:
  Owned<EVP_CIPHER> cipher_;
  Owned<EVP_CIPHER_CTX> seal_;
  Owned<EVP_CIPHER_CTX> open_;
};

// AES-CBC without padding, in place.
class BareCbc {
 public:
  explicit BareCbc(ConstBytes key);

  void Encrypt(ConstBytes iv, Bytes octets);
  void Decrypt(ConstBytes iv, Bytes octets);

 private:
  Owned<EVP_CIPHER> cipher_;
  Owned<EVP_CIPHER_CTX> encrypt_;
  Owned<EVP_CIPHER_CTX> decrypt_;
};

// HMAC with both pads hashed ahead.
class BareHmac {
 public:
  BareHmac(const char* digest, ConstBytes key);

  // REQUIRES: icv is not longer than the digest.
  void Sign(ConstBytes octets, Bytes icv);

 private:
  Owned<EVP_MD> digest_;
  Owned<EVP_MD_CTX> inner_;
  Owned<EVP_MD_CTX> outer_;
  Owned<EVP_MD_CTX> work_;
};

}  // namespace postern::bench

#endif  // POSTERN_BENCH_BARE_LIBCRYPTO_H_
