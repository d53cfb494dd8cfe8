// SPDX-License-Identifier: Apache-2.0

#include "esp/suite_base.h"

#include <utility>

namespace postern::esp {
namespace {

Status KeyContexts(const Parameters& parameters, AeadContext::Use aead_use,
                   CipherContext::Use cipher_use, SuiteBase& base) {
  const ConstBytes key = parameters.encryption_key.octets();
  const EncryptionInfo::Kind kind = InfoOf(parameters.encryption).kind;
  if (kind == EncryptionInfo::Kind::kAead) {
    Result<AeadContext> aead = AeadContext::Create(
        parameters.encryption, key, aead_use, parameters.backend);
    if (!aead.ok()) {
      return aead.error();
    }
    base.aead.emplace(*std::move(aead));
  }
  if (kind == EncryptionInfo::Kind::kGmac) {
    Result<GmacContext> gmac = GmacContext::Create(key, parameters.backend);
    if (!gmac.ok()) {
      return gmac.error();
    }
    base.gmac.emplace(*std::move(gmac));
  }
  if (kind == EncryptionInfo::Kind::kCipher) {
    Result<CipherContext> cipher = CipherContext::Create(
        parameters.encryption, key, cipher_use, parameters.backend);
    if (!cipher.ok()) {
      return cipher.error();
    }
    base.cipher.emplace(*std::move(cipher));
  }
  if (parameters.integrity != Integrity::kNone) {
    Result<MacContext> mac = MacContext::Create(
        parameters.integrity, parameters.integrity_key.octets(),
        parameters.backend);
    if (!mac.ok()) {
      return mac.error();
    }
    base.mac.emplace(*std::move(mac));
  }
  return Ok();
}

}  // namespace

Result<SuiteBase> MakeSuiteBase(const Parameters& parameters,
                                AeadContext::Use aead_use,
                                CipherContext::Use cipher_use) {
  const Result<Sizes> sizes = CheckParameters(parameters);
  if (!sizes.ok()) {
    return sizes.error();
  }
  SuiteBase base;
  base.spi = parameters.spi;
  base.numbers = parameters.numbers;
  base.sizes = *sizes;
  const EncryptionInfo& info = InfoOf(parameters.encryption);
  CopyBytes(Bytes(base.salt).last(info.salt), parameters.salt.octets());
  base.nonce_size = info.nonce();
  if (info.kind == EncryptionInfo::Kind::kCipher && info.counts_ivs()) {
    base.counting = SuiteBase::Counting::kYes;
  }
  if (const Status keyed = KeyContexts(parameters, aead_use, cipher_use, base);
      !keyed.ok()) {
    return keyed.error();
  }
  return base;
}

}  // namespace postern::esp
