// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/served.h"

#include <cstdint>

#include "core/crypto/algorithm.h"
#include "core/crypto/ipsec_mb/engines.h"

namespace postern {
namespace {

// No list that could be wrong: an engine is asked for, with a key of zeros.
bool IsServedByIpsecMb(const EncryptionInfo& info) {
  const std::vector<std::uint8_t> key(info.key_sizes.front());
  switch (info.kind) {
    case EncryptionInfo::Kind::kNull:
      return false;
    case EncryptionInfo::Kind::kCipher:
      return ipsec_mb::MakeCipher(info.id, key, CipherContext::Use::kEncrypt) !=
             nullptr;
    case EncryptionInfo::Kind::kAead:
      return ipsec_mb::MakeAead(info.id, key) != nullptr;
    case EncryptionInfo::Kind::kGmac:
      return ipsec_mb::MakeGmac(key) != nullptr;
  }
  return false;
}

bool IsServedByIpsecMb(const IntegrityInfo& info) {
  const std::vector<std::uint8_t> key(info.key);
  return info.kind == IntegrityInfo::Kind::kGmac
             ? ipsec_mb::MakeGmac(key) != nullptr
             : ipsec_mb::MakeMac(info.id, key) != nullptr;
}

}  // namespace

std::vector<std::string_view> LeftToLibcrypto(CryptoBackend backend) {
  std::vector<std::string_view> names;
  if (backend != CryptoBackend::kIpsecMb) {
    return names;
  }
  for (const EncryptionInfo& info : AllEncryptions()) {
    if (info.kind != EncryptionInfo::Kind::kNull && !IsServedByIpsecMb(info)) {
      names.push_back(info.name);
    }
  }
  for (const IntegrityInfo& info : AllIntegrities()) {
    if (info.kind != IntegrityInfo::Kind::kNone && !IsServedByIpsecMb(info)) {
      names.push_back(info.name);
    }
  }
  return names;
}

}  // namespace postern
