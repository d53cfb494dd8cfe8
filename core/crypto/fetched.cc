// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/fetched.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "core/crypto/legacy.h"

namespace postern {
namespace {

EVP_CIPHER* Cipher(const std::string& name) {
  EVP_CIPHER* const cipher = ::EVP_CIPHER_fetch(nullptr, name.c_str(), nullptr);
  ::ERR_clear_error();
  return cipher;
}

EVP_MD* Digest(const char* name) {
  EVP_MD* const digest = ::EVP_MD_fetch(nullptr, name, nullptr);
  ::ERR_clear_error();
  return digest;
}

// libcrypto's name, around a key size in bits where it has one.
struct Named {
  std::string_view name;
  std::string_view behind_bits;

  std::string With(std::size_t key_size) const {
    std::string text(name);
    if (!behind_bits.empty()) {
      text += std::to_string(8 * key_size);
      text += behind_bits;
    }
    return text;
  }
};

Named NameOf(Encryption algorithm) {
  switch (algorithm) {
    case Encryption::kNull:
      break;
    case Encryption::kAesCbc:
      return {"AES-", "-CBC"};
    case Encryption::kAesCtr:
      return {"AES-", "-CTR"};
    case Encryption::kAesGcm16:
    case Encryption::kAesGcm12:
    case Encryption::kAesGcm8:
    case Encryption::kAesGcm16Iiv:
    case Encryption::kNullAuthAesGmac:
      return {"AES-", "-GCM"};
    case Encryption::kAesCcm16:
    case Encryption::kAesCcm12:
    case Encryption::kAesCcm8:
    case Encryption::kAesCcm8Iiv:
      return {"AES-", "-CCM"};
    case Encryption::kCamelliaCbc:
      return {"CAMELLIA-", "-CBC"};
    case Encryption::kChaCha20Poly1305:
    case Encryption::kChaCha20Poly1305Iiv:
      return {"ChaCha20-Poly1305", ""};
    case Encryption::kTripleDesCbc:
      return {"DES-EDE3-CBC", ""};
    case Encryption::kDesCbc:
      return {"DES-CBC", ""};
  }
  return {};
}

// One algorithm's, in the order of its key sizes.
constexpr std::size_t kMostKeySizes = 3;
using BySize = std::array<EVP_CIPHER*, kMostKeySizes>;

BySize FetchAll(const EncryptionInfo& info) {
  BySize ciphers{};
  if (info.kind != EncryptionInfo::Kind::kNull) {
    for (std::size_t i = 0; i < info.key_sizes.size(); ++i) {
      ciphers[i] = Cipher(NameOf(info.id).With(info.key_sizes[i]));
    }
  }
  return ciphers;
}

constexpr std::size_t kEncryptions =
    static_cast<std::size_t>(Encryption::kDesCbc) + 1;  // the last

// All but DES, which is not there before the legacy provider is. For ever: an
// array that is never destroyed, so that no leak is seen at the end.
const std::array<BySize, kEncryptions>& Everyday() {
  static const std::array<BySize, kEncryptions> all = [] {
    std::array<BySize, kEncryptions> fetched{};
    for (const EncryptionInfo& info : AllEncryptions()) {
      if (info.id != Encryption::kDesCbc) {
        fetched.at(static_cast<std::size_t>(info.id)) = FetchAll(info);
      }
    }
    return fetched;
  }();
  return all;
}

EVP_CIPHER* Des() {
  if (!LegacyIsAllowed()) {
    return nullptr;
  }

  // Its provider cannot go before it has gone.
  struct Free {
    void operator()(EVP_CIPHER* cipher) const { ::EVP_CIPHER_free(cipher); }
  };

  static const std::unique_ptr<EVP_CIPHER, Free> cipher(
      FetchAll(InfoOf(Encryption::kDesCbc)).front());
  return cipher.get();
}

}  // namespace

bool IsKeySize(Encryption algorithm, std::size_t key_size) {
  const std::span<const std::size_t> sizes = InfoOf(algorithm).key_sizes;
  return std::find(sizes.begin(), sizes.end(), key_size) != sizes.end();
}

evp_cipher_st* FetchedCipher(Encryption algorithm, std::size_t key_size) {
  const std::span<const std::size_t> sizes = InfoOf(algorithm).key_sizes;
  const auto found = std::find(sizes.begin(), sizes.end(), key_size);
  if (found == sizes.end()) {
    return nullptr;
  }
  if (algorithm == Encryption::kDesCbc) {
    return Des();
  }
  return Everyday()[static_cast<std::size_t>(algorithm)]
                   [static_cast<std::size_t>(found - sizes.begin())];
}

evp_md_st* FetchedDigest(Integrity algorithm) {
  switch (algorithm) {
    case Integrity::kHmacSha1_96: {
      static EVP_MD* const digest = Digest("SHA1");
      return digest;
    }
    case Integrity::kHmacSha2_256_128: {
      static EVP_MD* const digest = Digest("SHA256");
      return digest;
    }
    case Integrity::kHmacSha2_384_192: {
      static EVP_MD* const digest = Digest("SHA384");
      return digest;
    }
    case Integrity::kHmacSha2_512_256: {
      static EVP_MD* const digest = Digest("SHA512");
      return digest;
    }
    case Integrity::kHmacMd5_96: {
      static EVP_MD* const digest = Digest("MD5");
      return digest;
    }
    case Integrity::kNone:
    case Integrity::kAesCmac96:
    case Integrity::kAesXcbc96:
    case Integrity::kAes128Gmac:
    case Integrity::kAes192Gmac:
    case Integrity::kAes256Gmac:
      break;
  }
  return nullptr;
}

}  // namespace postern
