// SPDX-License-Identifier: Apache-2.0
//
// Which algorithms a backend does not serve: what `postern status` tells.
//
// Thread safety: Thread-safe.

#ifndef POSTERN_CORE_CRYPTO_SERVED_H_
#define POSTERN_CORE_CRYPTO_SERVED_H_

#include <string_view>
#include <vector>

#include "core/crypto/backend.h"

namespace postern {

// The names of the algorithms that libcrypto serves all the same, as the backend
// has no engine for them. REQUIRES: CheckBackend() accepts it.
// Cost: a key schedule for each algorithm.
std::vector<std::string_view> LeftToLibcrypto(CryptoBackend backend);

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_SERVED_H_
