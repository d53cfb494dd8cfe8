// SPDX-License-Identifier: Apache-2.0

#include "bench/bare_libcrypto.h"

#include <openssl/evp.h>

#include <array>
#include <cstdlib>
#include <string>

#include "core/bytes.h"

namespace postern::bench {

namespace {

void Must(int outcome) {
  if (outcome != 1) {
    std::abort();
  }
}

int Length(ConstBytes octets) {
  return static_cast<int>(octets.size());
}

Owned<EVP_CIPHER> Fetch(const std::string& mode, ConstBytes key) {
  const std::string name = "AES-" + std::to_string(key.size() * 8) + "-" + mode;
  return Owned<EVP_CIPHER>(EVP_CIPHER_fetch(nullptr, name.c_str(), nullptr));
}

Owned<EVP_CIPHER_CTX> Keyed(const EVP_CIPHER* cipher, ConstBytes key,
                            int encrypt) {
  Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  Must(EVP_CipherInit_ex2(context.get(), cipher, key.data(), nullptr, encrypt,
                          nullptr));
  EVP_CIPHER_CTX_set_padding(context.get(), 0);
  return context;
}

}  // namespace

BareGcm::BareGcm(ConstBytes key)
    : cipher_(Fetch("GCM", key)),
      seal_(Keyed(cipher_.get(), key, 1)),
      open_(Keyed(cipher_.get(), key, 0)) {}

void BareGcm::Seal(ConstBytes nonce, ConstBytes aad, Bytes octets, Bytes tag) {
  EVP_CIPHER_CTX* context = seal_.get();
  int length = 0;
  Must(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr));
  Must(EVP_EncryptUpdate(context, nullptr, &length, aad.data(), Length(aad)));
  Must(EVP_EncryptUpdate(context, octets.data(), &length, octets.data(),
                         Length(octets)));
  Must(EVP_EncryptFinal_ex(context, nullptr, &length));
  Must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Length(tag),
                           tag.data()));
}

void BareGcm::Open(ConstBytes nonce, ConstBytes aad, Bytes octets, Bytes tag) {
  EVP_CIPHER_CTX* context = open_.get();
  int length = 0;
  Must(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr));
  Must(EVP_DecryptUpdate(context, nullptr, &length, aad.data(), Length(aad)));
  Must(EVP_DecryptUpdate(context, octets.data(), &length, octets.data(),
                         Length(octets)));
  Must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Length(tag),
                           tag.data()));
  Must(EVP_DecryptFinal_ex(context, nullptr, &length));
}

BareCbc::BareCbc(ConstBytes key)
    : cipher_(Fetch("CBC", key)),
      encrypt_(Keyed(cipher_.get(), key, 1)),
      decrypt_(Keyed(cipher_.get(), key, 0)) {}

void BareCbc::Encrypt(ConstBytes iv, Bytes octets) {
  int length = 0;
  Must(EVP_EncryptInit_ex2(encrypt_.get(), nullptr, nullptr, iv.data(),
                           nullptr));
  Must(EVP_EncryptUpdate(encrypt_.get(), octets.data(), &length, octets.data(),
                         Length(octets)));
}

void BareCbc::Decrypt(ConstBytes iv, Bytes octets) {
  int length = 0;
  Must(EVP_DecryptInit_ex2(decrypt_.get(), nullptr, nullptr, iv.data(),
                           nullptr));
  Must(EVP_DecryptUpdate(decrypt_.get(), octets.data(), &length, octets.data(),
                         Length(octets)));
}

BareHmac::BareHmac(const char* digest, ConstBytes key)
    : digest_(EVP_MD_fetch(nullptr, digest, nullptr)),
      inner_(EVP_MD_CTX_new()),
      outer_(EVP_MD_CTX_new()),
      work_(EVP_MD_CTX_new()) {
  constexpr std::size_t kBlock = 64;  // of SHA-1 and SHA-256 (RFC 2104)
  std::array<std::uint8_t, kBlock> inner_pad{};
  std::array<std::uint8_t, kBlock> outer_pad{};
  CopyBytes(inner_pad, key);
  CopyBytes(outer_pad, key);
  for (std::size_t i = 0; i < kBlock; ++i) {
    inner_pad[i] ^= 0x36;
    outer_pad[i] ^= 0x5c;
  }
  Must(EVP_DigestInit_ex2(inner_.get(), digest_.get(), nullptr));
  Must(EVP_DigestUpdate(inner_.get(), inner_pad.data(), kBlock));
  Must(EVP_DigestInit_ex2(outer_.get(), digest_.get(), nullptr));
  Must(EVP_DigestUpdate(outer_.get(), outer_pad.data(), kBlock));
}

void BareHmac::Sign(ConstBytes octets, Bytes icv) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> hash{};
  unsigned length = 0;
  Must(EVP_MD_CTX_copy_ex(work_.get(), inner_.get()));
  Must(EVP_DigestUpdate(work_.get(), octets.data(), octets.size()));
  Must(EVP_DigestFinal_ex(work_.get(), hash.data(), &length));
  Must(EVP_MD_CTX_copy_ex(work_.get(), outer_.get()));
  Must(EVP_DigestUpdate(work_.get(), hash.data(), length));
  Must(EVP_DigestFinal_ex(work_.get(), hash.data(), &length));
  CopyBytes(icv, ConstBytes(hash).first(icv.size()));
}

}  // namespace postern::bench
