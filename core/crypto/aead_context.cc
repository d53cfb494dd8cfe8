// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/aead_context.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <string>
#include <utility>

#include "core/crypto/fetched.h"
#include "core/crypto/secret_bytes.h"

namespace postern {
namespace {

constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
// A packet is at most 64 KiB; far below what libcrypto's int holds.
constexpr std::size_t kLargestPart = std::size_t{1} << 20;

// One pass of the cipher over `in`. A null `out` is additional data.
bool Update(EVP_CIPHER_CTX* context, ConstBytes in, std::uint8_t* out) {
  int written = 0;
  return in.empty() || ::EVP_CipherUpdate(context, out, &written, in.data(),
                                          static_cast<int>(in.size())) == 1;
}

bool Begin(EVP_CIPHER_CTX* context, ConstBytes nonce, ConstBytes aad) {
  // Everything but the nonce stays as Create() set it.
  return ::EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), -1,
                              nullptr) == 1 &&
         Update(context, aad, nullptr);
}

// Head and tail in as few calls as possible: each costs as much as 100 octets.
bool UpdateBoth(EVP_CIPHER_CTX* context, ConstBytes head, ConstBytes tail,
                Bytes sealed) {
  const Bytes sealed_tail = sealed.subspan(head.size());
  if (head.data() == sealed.data()) {
    CopyBytes(sealed_tail, tail);
    return Update(context, sealed, sealed.data());
  }
  return Update(context, head, sealed.data()) &&
         Update(context, tail, sealed_tail.data());
}

bool Finish(EVP_CIPHER_CTX* context) {
  std::uint8_t nothing = 0;
  int written = 0;
  return ::EVP_CipherFinal_ex(context, &nothing, &written) == 1;
}

}  // namespace

void AeadContext::Free::operator()(evp_cipher_ctx_st* context) const {
  ::EVP_CIPHER_CTX_free(context);
}

Result<AeadContext> AeadContext::Create(Encryption algorithm, ConstBytes key,
                                        Use use) {
  const EncryptionInfo& info = InfoOf(algorithm);
  if (info.kind != EncryptionInfo::Kind::kAead) {
    return Invalid(std::string(info.name) +
                   " is not a combined-mode algorithm; use one, or a cipher "
                   "with a separate integrity algorithm");
  }
  if (!IsKeySize(algorithm, key.size())) {
    return Invalid("a key of " + std::to_string(key.size()) +
                   " octets does not fit " + std::string(info.name) +
                   "; use 16, 24 or 32 octets without the salt");
  }
  EVP_CIPHER* const cipher = FetchedCipher(algorithm, key.size());
  Handle context(::EVP_CIPHER_CTX_new());
  if (cipher == nullptr || context == nullptr ||
      ::EVP_CipherInit_ex2(context.get(), cipher, key.data(), nullptr,
                           use == Use::kSeal ? 1 : 0, nullptr) != 1) {
    ::ERR_clear_error();
    return Error{ErrorCode::kUnsupported,
                 "libcrypto refused " + std::string(info.name) +
                     "; check which providers its configuration loads"};
  }
  return AeadContext(std::move(context));
}

Passage AeadContext::Seal(const Message& message, Bytes sealed, Bytes tag) {
  if (message.nonce.size() != kNonceSize || tag.size() != kTagSize ||
      sealed.size() != message.head.size() + message.tail.size() ||
      sealed.size() > kLargestPart || message.aad.size() > kLargestPart) {
    return DropReason::kCryptoFailed;
  }
  EVP_CIPHER_CTX* const context = context_.get();
  const bool done =
      Begin(context, message.nonce, message.aad) &&
      UpdateBoth(context, message.head, message.tail, sealed) &&
      Finish(context) &&
      ::EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG,
                            static_cast<int>(tag.size()), tag.data()) == 1;
  if (!done) {
    ::ERR_clear_error();
    return DropReason::kCryptoFailed;
  }
  return Pass();
}

Opinion<AuthProof> AeadContext::Open(ConstBytes nonce, ConstBytes aad,
                                     ConstBytes sealed, ConstBytes tag,
                                     Bytes opened) {
  if (nonce.size() != kNonceSize || tag.size() != kTagSize ||
      opened.size() != sealed.size() || sealed.size() > kLargestPart ||
      aad.size() > kLargestPart) {
    return DropReason::kBadIcv;
  }
  EVP_CIPHER_CTX* const context = context_.get();
  // libcrypto reads the expected tag, but its interface is not const.
  std::array<std::uint8_t, kTagSize> expected{};
  CopyBytes(expected, tag);
  const bool done = Begin(context, nonce, aad) &&
                    Update(context, sealed, opened.data()) &&
                    ::EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG,
                                          static_cast<int>(expected.size()),
                                          expected.data()) == 1 &&
                    Finish(context);
  if (!done) {
    ::ERR_clear_error();
    Cleanse(opened);  // nobody shall read what nobody vouches for
    return DropReason::kBadIcv;
  }
  return AuthProof();
}

}  // namespace postern
