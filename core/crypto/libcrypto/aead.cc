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

// EVP_CIPHER_CTX_ctrl() would build this anew for each packet.
using Params = std::array<OSSL_PARAM, 2>;

Params TagParam(std::size_t tag_size) {
  return {::OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG,
                                              nullptr, tag_size),
          ::OSSL_PARAM_construct_end()};
}

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

bool Refused() {
  ::ERR_clear_error();
  return false;
}

// AES-GCM and ChaCha20-Poly1305.
class Aead final : public AeadEngine {
 public:
  Aead(Handle context, std::size_t tag_size)
      : context_(std::move(context)), tag_param_(TagParam(tag_size)) {}

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
    std::array<std::uint8_t, kLargestTag> expected;
    CopyBytes(expected, tag);
    tag_param_[0].data = expected.data();
    const bool done =
        Begin(context, nonce, aad) && Update(context, octets, octets.data()) &&
        ::EVP_CIPHER_CTX_set_params(context, tag_param_.data()) == 1 &&
        Finish(context);
    return done || Refused();
  }

 private:
  Handle context_;
  Params tag_param_;
};

// CCM must know beforehand how long a message is, takes it in one piece, and
// judges the tag there.
class Ccm final : public AeadEngine {
 public:
  Ccm(Handle context, std::size_t tag_size)
      : context_(std::move(context)), tag_param_(TagParam(tag_size)) {}

  bool Seal(ConstBytes nonce, ConstBytes aad, Bytes octets,
            Bytes tag) override {
    EVP_CIPHER_CTX* const context = context_.get();
    tag_param_[0].data = tag.data();
    const bool done =
        SetNonce(nonce) && Transform(aad, octets) &&
        ::EVP_CIPHER_CTX_get_params(context, tag_param_.data()) == 1;
    return done || Refused();
  }

  bool Open(ConstBytes nonce, ConstBytes aad, Bytes octets,
            ConstBytes tag) override {
    std::array<std::uint8_t, kLargestTag> expected;
    CopyBytes(expected, tag);
    tag_param_[0].data = expected.data();
    const bool done =
        SetNonce(nonce) &&
        ::EVP_CIPHER_CTX_set_params(context_.get(), tag_param_.data()) == 1 &&
        Transform(aad, octets);
    return done || Refused();
  }

 private:
  bool SetNonce(ConstBytes nonce) {
    return ::EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, nonce.data(),
                                -1, nullptr) == 1;
  }

  bool Transform(ConstBytes aad, Bytes octets) {
    std::uint8_t nothing = 0;
    std::uint8_t* const text = octets.empty() ? &nothing : octets.data();
    const auto size = static_cast<int>(octets.size());
    int written = 0;
    return ::EVP_CipherUpdate(context_.get(), nullptr, &written, nullptr,
                              size) == 1 &&
           Update(context_.get(), aad, nullptr) &&
           ::EVP_CipherUpdate(context_.get(), text, &written, text, size) == 1;
  }

  Handle context_;
  Params tag_param_;
};

class Gmac final : public GmacEngine {
 public:
  explicit Gmac(Handle context) : context_(std::move(context)) {}

  bool Compute(ConstBytes nonce, ConstBytes head, ConstBytes body,
               Bytes tag) override {
    EVP_CIPHER_CTX* const context = context_.get();
    tag_param_[0].data = tag.data();
    const bool done =
        Begin(context, nonce, head) && Update(context, body, nullptr) &&
        Finish(context) &&
        ::EVP_CIPHER_CTX_get_params(context, tag_param_.data()) == 1;
    return done || Refused();
  }

 private:
  Handle context_;
  Params tag_param_ = TagParam(kTagSize);
};

// Null when libcrypto refuses. A CCM's sizes are set before its key.
Handle Keyed(Encryption algorithm, ConstBytes key, AeadContext::Use use,
             const OSSL_PARAM* sizes) {
  EVP_CIPHER* const cipher = FetchedCipher(algorithm, key.size());
  Handle context(::EVP_CIPHER_CTX_new());
  if (cipher == nullptr || context == nullptr ||
      ::EVP_CipherInit_ex2(context.get(), cipher, nullptr, nullptr,
                           use == AeadContext::Use::kSeal ? 1 : 0,
                           sizes) != 1 ||
      ::EVP_CipherInit_ex2(context.get(), nullptr, key.data(), nullptr, -1,
                           nullptr) != 1) {
    ::ERR_clear_error();
    return nullptr;
  }
  return context;
}

std::unique_ptr<AeadEngine> MakeCcm(const EncryptionInfo& info, ConstBytes key,
                                    AeadContext::Use use) {
  std::size_t nonce_size = info.nonce();
  const std::array<OSSL_PARAM, 3> sizes = {
      ::OSSL_PARAM_construct_size_t(OSSL_CIPHER_PARAM_IVLEN, &nonce_size),
      ::OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, nullptr,
                                          info.icv),
      ::OSSL_PARAM_construct_end()};
  Handle context = Keyed(info.id, key, use, sizes.data());
  return context != nullptr
             ? std::make_unique<Ccm>(std::move(context), info.icv)
             : nullptr;
}

}  // namespace

std::unique_ptr<AeadEngine> MakeAead(Encryption algorithm, ConstBytes key,
                                     AeadContext::Use use) {
  const EncryptionInfo& info = InfoOf(algorithm);
  switch (algorithm) {
    case Encryption::kAesCcm16:
    case Encryption::kAesCcm12:
    case Encryption::kAesCcm8:
    case Encryption::kAesCcm8Iiv:
      return MakeCcm(info, key, use);
    default:
      break;
  }
  Handle context = Keyed(algorithm, key, use, nullptr);
  return context != nullptr
             ? std::make_unique<Aead>(std::move(context), info.icv)
             : nullptr;
}

std::unique_ptr<GmacEngine> MakeGmac(ConstBytes key) {
  Handle context = Keyed(Encryption::kNullAuthAesGmac, key,
                         AeadContext::Use::kSeal, nullptr);
  return context != nullptr ? std::make_unique<Gmac>(std::move(context))
                            : nullptr;
}

}  // namespace postern::libcrypto
