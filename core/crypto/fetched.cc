// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/fetched.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace postern {
namespace {

EVP_CIPHER* Cipher(const char* name) {
  EVP_CIPHER* const cipher = ::EVP_CIPHER_fetch(nullptr, name, nullptr);
  ::ERR_clear_error();
  return cipher;
}

EVP_MD* Digest(const char* name) {
  EVP_MD* const digest = ::EVP_MD_fetch(nullptr, name, nullptr);
  ::ERR_clear_error();
  return digest;
}

// 16, 24, 32 octets -> 0, 1, 2.
std::size_t AesIndex(std::size_t key_size) {
  return (key_size - 16) / 8;
}

}  // namespace

bool IsKeySize(Encryption algorithm, std::size_t key_size) {
  const std::span<const std::size_t> sizes = InfoOf(algorithm).key_sizes;
  return std::find(sizes.begin(), sizes.end(), key_size) != sizes.end();
}

evp_cipher_st* FetchedCipher(Encryption algorithm, std::size_t key_size) {
  if (!IsKeySize(algorithm, key_size)) {
    return nullptr;
  }
  switch (algorithm) {
    case Encryption::kNull:
      return nullptr;
    case Encryption::kAesCbc: {
      static const std::array<EVP_CIPHER*, 3> ciphers = {
          Cipher("AES-128-CBC"), Cipher("AES-192-CBC"), Cipher("AES-256-CBC")};
      return ciphers[AesIndex(key_size)];
    }
    case Encryption::kAesGcm16: {
      static const std::array<EVP_CIPHER*, 3> ciphers = {
          Cipher("AES-128-GCM"), Cipher("AES-192-GCM"), Cipher("AES-256-GCM")};
      return ciphers[AesIndex(key_size)];
    }
  }
  return nullptr;
}

evp_md_st* FetchedDigest(Integrity algorithm) {
  switch (algorithm) {
    case Integrity::kNone:
      return nullptr;
    case Integrity::kHmacSha1_96: {
      static EVP_MD* const digest = Digest("SHA1");
      return digest;
    }
    case Integrity::kHmacSha2_256_128: {
      static EVP_MD* const digest = Digest("SHA256");
      return digest;
    }
  }
  return nullptr;
}

}  // namespace postern
