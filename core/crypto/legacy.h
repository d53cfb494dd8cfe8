// SPDX-License-Identifier: Apache-2.0
//
// Whether this process takes the algorithms that RFC 8221 says SHOULD NOT or
// MUST NOT be used (DES, 3DES, HMAC-MD5): not unless ChooseLegacy() said so, which
// the configuration's [crypto] legacy does.
//
// libcrypto keeps DES in its legacy provider, which is loaded when they are
// allowed and not before.
//
// The crypto contexts themselves do not ask: a published vector of an old
// algorithm must run. Whoever adds SAs asks (sadb/sa_parameters.h).
//
// Thread safety: Thread-safe.

#ifndef POSTERN_CORE_CRYPTO_LEGACY_H_
#define POSTERN_CORE_CRYPTO_LEGACY_H_

#include <cstdint>

#include "core/crypto/algorithm.h"
#include "core/error.h"

namespace postern {

enum class LegacyChoice : std::uint8_t { kForbid, kAllow };

// For SAs of this process that are added from now on.
void ChooseLegacy(LegacyChoice choice);

bool LegacyIsAllowed();

// Errors: kForbidden for a legacy algorithm that is not allowed, with a sentence
//   that says how to allow it.
Status CheckAllowed(Encryption algorithm);
Status CheckAllowed(Integrity algorithm);

// Errors: those of CheckAllowed(); kUnsupported when libcrypto has not the cipher
//   on this machine, or not what the integrity algorithm is made of.
Status CheckUsable(Encryption algorithm);
Status CheckUsable(Integrity algorithm);

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_LEGACY_H_
