// SPDX-License-Identifier: Apache-2.0

#include "sadb/sa_strength.h"

#include <algorithm>

#include "core/crypto/algorithm.h"

namespace postern {

unsigned EncryptionKeyBits(const SaParameters& sa) {
  return InfoOf(sa.encryption).kind == EncryptionInfo::Kind::kGmac
             ? 0
             : CipherKeyBits(sa);
}

unsigned CipherKeyBits(const SaParameters& sa) {
  if (sa.protocol != IpsecProtocol::kEsp) {
    return 0;
  }
  const std::size_t octets = sa.encryption_key.octets().size();
  const std::size_t salt = InfoOf(sa.encryption).salt;
  return octets > salt ? static_cast<unsigned>((octets - salt) * 8) : 0;
}

unsigned KeyBits(const SaParameters& sa) {
  const auto integrity = static_cast<unsigned>(InfoOf(sa.integrity).key * 8);
  if (sa.protocol == IpsecProtocol::kAh) {
    return integrity;
  }
  const unsigned encryption = EncryptionKeyBits(sa);
  return sa.integrity == Integrity::kNone ? encryption
                                          : std::min(encryption, integrity);
}

std::string AlgorithmsOf(const SaParameters& sa) {
  std::string names;
  if (sa.protocol == IpsecProtocol::kEsp) {
    names = InfoOf(sa.encryption).name;
  }
  if (sa.integrity != Integrity::kNone) {
    names += names.empty() ? "" : ",";
    names += InfoOf(sa.integrity).name;
  }
  return names;
}

}  // namespace postern
