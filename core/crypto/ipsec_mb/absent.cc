// SPDX-License-Identifier: Apache-2.0
//
// What a build without ipsec-mb has in place of its engines.

#include "core/crypto/ipsec_mb/engines.h"

namespace postern::ipsec_mb {

Status Check() {
  return Error{ErrorCode::kUnsupported,
               "this build has no ipsec-mb; choose \"auto\" or \"libcrypto\", "
               "or install libipsec-mb-dev and build again"};
}

std::string Describe() {
  return "";
}

std::unique_ptr<AeadEngine> MakeAead(Encryption /*algorithm*/,
                                     ConstBytes /*key*/) {
  return nullptr;
}

std::unique_ptr<CipherEngine> MakeCipher(Encryption /*algorithm*/,
                                         ConstBytes /*key*/,
                                         CipherContext::Use /*use*/) {
  return nullptr;
}

std::unique_ptr<MacEngine> MakeMac(Integrity /*algorithm*/,
                                   ConstBytes /*key*/) {
  return nullptr;
}

std::unique_ptr<GmacEngine> MakeGmac(ConstBytes /*key*/) {
  return nullptr;
}

}  // namespace postern::ipsec_mb
