// SPDX-License-Identifier: Apache-2.0
//
// Who computes. Two libraries stand behind the crypto contexts:
//
//   libcrypto   always there
//   ipsec-mb    when it was there at build time, this CPU has AES instructions,
//               and the library is one that clears key material from registers
//               and checks its arguments; what it does not serve, libcrypto
//               does (docs/crypto.md)
//
// A process has one backend, the best unless ChooseBackend() said otherwise; a
// context belongs to the backend that it was made with, whatever is chosen
// later. Tests make contexts of any.
//
// Thread safety: Thread-safe.

#ifndef POSTERN_CORE_CRYPTO_BACKEND_H_
#define POSTERN_CORE_CRYPTO_BACKEND_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/error.h"

namespace postern {

enum class CryptoBackend : std::uint8_t { kLibcrypto, kIpsecMb };

// All that there are, served here or not.
std::span<const CryptoBackend> AllBackends();

// "libcrypto", "ipsec-mb".
std::string_view NameOf(CryptoBackend backend);

// Errors: kInvalid, with the names that there are.
Result<CryptoBackend> FindBackend(std::string_view name);

// Errors: kUnsupported when this build or this CPU has no such backend; the
// sentence says which, and what to do.
Status CheckBackend(CryptoBackend backend);

// The fastest that CheckBackend() accepts.
CryptoBackend BestBackend();

// The backend of contexts made from now on.
// Errors: those of CheckBackend(); nothing changes then.
Status ChooseBackend(CryptoBackend backend);

CryptoBackend ChosenBackend();

// The library's name and version, and what it uses of this CPU: "OpenSSL
// 3.0.19", "ipsec-mb 1.3.0, AVX-512". For people. REQUIRES: CheckBackend()
// accepts it.
std::string Describe(CryptoBackend backend);

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_BACKEND_H_
