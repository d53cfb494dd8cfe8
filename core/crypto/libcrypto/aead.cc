// SPDX-License-Identifier: Apache-2.0

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <utility>

#include "core/crypto/fetched.h"
#include "core/crypto/libcrypto/engines.h"
#include "core/crypto/secret_bytes.h"

namespace postern::libcrypto {
namespace {

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const {
    ::EVP_CIPHER_CTX_free(context);
  }
};

using Handle = std::unique_ptr<EVP_CIPHER_CTX, Free>;

// One pass of the cipher over `in`. A null `out` is additional data.
bool Update(EVP_CIPHER_CTX* context, ConstBytes in, std::uint8_t* out) {
  int written = 0;
  return in.empty() || ::EVP_CipherUpdate(context, out, &written, in.data(),
                                          static_cast<int>(in.size())) == 1;
}

bool Begin(EVP_CIPHER_CTX* context, ConstBytes nonce, ConstBytes aad) {
  // Everything but the nonce stays as MakeAead() set it.
  return ::EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), -1,
                              nullptr) == 1 &&
         Update(context, aad, nullptr);
}

bool Finish(EVP_CIPHER_CTX* context) {
  std::uint8_t nothing = 0;
  int written = 0;
  return ::EVP_CipherFinal_ex(context, &nothing, &written) == 1;
}

class Aead final : public AeadEngine {
 public:
  explicit Aead(Handle context) : context_(std::move(context)) {}

  bool Seal(ConstBytes nonce, ConstBytes aad, Bytes octets,
            Bytes tag) override {
    EVP_CIPHER_CTX* const context = context_.get();
    tag_param_[0].data = tag.data();
    const bool done =
        Begin(context, nonce, aad) && Update(context, octets, octets.data()) &&
        Finish(context) &&
        ::EVP_CIPHER_CTX_get_params(context, tag_param_.data()) == 1;
    return done || Refused();
  }

  bool Open(ConstBytes nonce, ConstBytes aad, Bytes octets,
            ConstBytes tag) override {
    EVP_CIPHER_CTX* const context = context_.get();
    // libcrypto reads the expected tag, but its interface is not const.
    std::array<std::uint8_t, kTagSize> expected;
    CopyBytes(expected, tag);
    tag_param_[0].data = expected.data();
    const bool done =
        Begin(context, nonce, aad) && Update(context, octets, octets.data()) &&
        ::EVP_CIPHER_CTX_set_params(context, tag_param_.data()) == 1 &&
        Finish(context);
    return done || Refused();
  }

 private:
  static bool Refused() {
    ::ERR_clear_error();
    return false;
  }

  Handle context_;
  // EVP_CIPHER_CTX_ctrl() would build this anew for each packet.
  std::array<OSSL_PARAM, 2> tag_param_ = {
      ::OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, nullptr,
                                          kTagSize),
      ::OSSL_PARAM_construct_end()};
};

}  // namespace

std::unique_ptr<AeadEngine> MakeAead(Encryption algorithm, ConstBytes key,
                                     AeadContext::Use use) {
  EVP_CIPHER* const cipher = FetchedCipher(algorithm, key.size());
  Handle context(::EVP_CIPHER_CTX_new());
  if (cipher == nullptr || context == nullptr ||
      ::EVP_CipherInit_ex2(context.get(), cipher, key.data(), nullptr,
                           use == AeadContext::Use::kSeal ? 1 : 0,
                           nullptr) != 1) {
    ::ERR_clear_error();
    return nullptr;
  }
  return std::make_unique<Aead>(std::move(context));
}

}  // namespace postern::libcrypto
