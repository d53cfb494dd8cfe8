// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/engine_choice.h"

#include <string>
#include <utility>

#include "core/crypto/ipsec_mb/engines.h"
#include "core/crypto/libcrypto/engines.h"

namespace postern {
namespace {

// The backend's engine, or else libcrypto's.
template <typename Engine, typename ByIpsecMb, typename ByLibcrypto>
Result<std::unique_ptr<Engine>> EngineOf(CryptoBackend backend,
                                         std::string_view algorithm,
                                         ByIpsecMb by_ipsec_mb,
                                         ByLibcrypto by_libcrypto) {
  if (const Status there = CheckBackend(backend); !there.ok()) {
    return there.error();
  }
  std::unique_ptr<Engine> engine;
  if (backend == CryptoBackend::kIpsecMb) {
    engine = by_ipsec_mb();
  }
  if (engine == nullptr) {
    engine = by_libcrypto();
  }
  if (engine == nullptr) {
    return Error{ErrorCode::kUnsupported,
                 "libcrypto refused " + std::string(algorithm) +
                     "; check which providers its configuration loads"};
  }
  return engine;
}

}  // namespace

Result<std::unique_ptr<AeadEngine>> AeadEngineOf(CryptoBackend backend,
                                                 Encryption algorithm,
                                                 ConstBytes key,
                                                 AeadContext::Use use) {
  return EngineOf<AeadEngine>(
      backend, InfoOf(algorithm).name,
      [&] { return ipsec_mb::MakeAead(algorithm, key); },
      [&] { return libcrypto::MakeAead(algorithm, key, use); });
}

Result<std::unique_ptr<CipherEngine>> CipherEngineOf(CryptoBackend backend,
                                                     Encryption algorithm,
                                                     ConstBytes key,
                                                     CipherContext::Use use) {
  return EngineOf<CipherEngine>(
      backend, InfoOf(algorithm).name,
      [&] { return ipsec_mb::MakeCipher(algorithm, key, use); },
      [&] { return libcrypto::MakeCipher(algorithm, key, use); });
}

Result<std::unique_ptr<MacEngine>> MacEngineOf(CryptoBackend backend,
                                               Integrity algorithm,
                                               ConstBytes key) {
  return EngineOf<MacEngine>(
      backend, InfoOf(algorithm).name,
      [&] { return ipsec_mb::MakeMac(algorithm, key); },
      [&] { return libcrypto::MakeMac(algorithm, key); });
}

Result<std::unique_ptr<GmacEngine>> GmacEngineOf(CryptoBackend backend,
                                                 ConstBytes key) {
  return EngineOf<GmacEngine>(
      backend, "GMAC", [&] { return ipsec_mb::MakeGmac(key); },
      [&] { return libcrypto::MakeGmac(key); });
}

}  // namespace postern
