// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/cipher_context.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "core/crypto/fetched.h"
#include "core/crypto/secret_bytes.h"

namespace postern {
namespace {

constexpr std::size_t kBlock = 16;
constexpr std::size_t kLargest = std::size_t{1} << 20;

bool Update(EVP_CIPHER_CTX* context, ConstBytes in, Bytes out) {
  int written = 0;
  return in.empty() ||
         (::EVP_CipherUpdate(context, out.data(), &written, in.data(),
                             static_cast<int>(in.size())) == 1 &&
          static_cast<std::size_t>(written) == in.size());
}

// Head and tail meet inside a block. libcrypto would keep the head's loose end
// and then write behind the place it reads from, which it forbids in place; so
// the one block at the seam is put together here.
bool UpdateWithSeam(EVP_CIPHER_CTX* context, ConstBytes head, ConstBytes tail,
                    Bytes out) {
  const std::size_t loose = head.size() % kBlock;
  const std::size_t whole = head.size() - loose;
  if (loose == 0) {
    return Update(context, head, out) &&
           Update(context, tail, out.subspan(whole));
  }
  const std::size_t borrowed = kBlock - loose;
  std::array<std::uint8_t, kBlock> seam{};
  CopyBytes(seam, head.subspan(whole));
  CopyBytes(Bytes(seam).subspan(loose), tail.first(borrowed));
  const bool done =
      Update(context, head.first(whole), out) &&
      Update(context, seam, out.subspan(whole)) &&
      Update(context, tail.subspan(borrowed), out.subspan(whole + kBlock));
  Cleanse(seam);
  return done;
}

}  // namespace

void CipherContext::Free::operator()(evp_cipher_ctx_st* context) const {
  ::EVP_CIPHER_CTX_free(context);
}

Result<CipherContext> CipherContext::Create(Encryption algorithm,
                                            ConstBytes key, Use use) {
  const EncryptionInfo& info = InfoOf(algorithm);
  if (info.kind != EncryptionInfo::Kind::kCipher) {
    return Invalid(std::string(info.name) +
                   " is not a plain cipher; use aes-cbc, or a combined-mode "
                   "context");
  }
  if (!IsKeySize(algorithm, key.size())) {
    return Invalid("a key of " + std::to_string(key.size()) +
                   " octets does not fit " + std::string(info.name) +
                   "; use 16, 24 or 32 octets");
  }
  EVP_CIPHER* const cipher = FetchedCipher(algorithm, key.size());
  Handle context(::EVP_CIPHER_CTX_new());
  if (cipher == nullptr || context == nullptr ||
      ::EVP_CipherInit_ex2(context.get(), cipher, key.data(), nullptr,
                           use == Use::kEncrypt ? 1 : 0, nullptr) != 1 ||
      ::EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1) {
    ::ERR_clear_error();
    return Error{ErrorCode::kUnsupported,
                 "libcrypto refused " + std::string(info.name) +
                     "; check which providers its configuration loads"};
  }
  return CipherContext(std::move(context));
}

Passage CipherContext::Transform(ConstBytes iv, ConstBytes head,
                                 ConstBytes tail, Bytes out) {
  if (iv.size() != kBlock || out.size() != head.size() + tail.size() ||
      out.size() % kBlock != 0 || out.size() > kLargest) {
    return DropReason::kCryptoFailed;
  }
  EVP_CIPHER_CTX* const context = context_.get();
  const bool done = ::EVP_CipherInit_ex2(context, nullptr, nullptr, iv.data(),
                                         -1, nullptr) == 1 &&
                    UpdateWithSeam(context, head, tail, out);
  if (!done) {
    ::ERR_clear_error();
    return DropReason::kCryptoFailed;
  }
  return Pass();
}

}  // namespace postern
