// SPDX-License-Identifier: Apache-2.0

#include <openssl/err.h>
#include <openssl/evp.h>

#include <utility>

#include "core/crypto/fetched.h"
#include "core/crypto/libcrypto/engines.h"

namespace postern::libcrypto {
namespace {

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const {
    ::EVP_CIPHER_CTX_free(context);
  }
};

using Handle = std::unique_ptr<EVP_CIPHER_CTX, Free>;

class Cipher final : public CipherEngine {
 public:
  explicit Cipher(Handle context) : context_(std::move(context)) {}

  void Transform(std::span<CipherWork> works) override {
    for (CipherWork& work : works) {
      work.done = TransformOne(work.iv, work.octets);
      if (!work.done) {
        ::ERR_clear_error();
      }
    }
  }

 private:
  bool TransformOne(ConstBytes iv, Bytes octets) {
    int written = 0;
    return ::EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, iv.data(), -1,
                                nullptr) == 1 &&
           ::EVP_CipherUpdate(context_.get(), octets.data(), &written,
                              octets.data(),
                              static_cast<int>(octets.size())) == 1 &&
           static_cast<std::size_t>(written) == octets.size();
  }

  Handle context_;
};

}  // namespace

std::unique_ptr<CipherEngine> MakeCipher(Encryption algorithm, ConstBytes key,
                                         CipherContext::Use use) {
  EVP_CIPHER* const cipher = FetchedCipher(algorithm, key.size());
  Handle context(::EVP_CIPHER_CTX_new());
  if (cipher == nullptr || context == nullptr ||
      ::EVP_CipherInit_ex2(context.get(), cipher, key.data(), nullptr,
                           use == CipherContext::Use::kEncrypt ? 1 : 0,
                           nullptr) != 1 ||
      ::EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1) {
    ::ERR_clear_error();
    return nullptr;
  }
  return std::make_unique<Cipher>(std::move(context));
}

}  // namespace postern::libcrypto
