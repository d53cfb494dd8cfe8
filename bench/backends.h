// SPDX-License-Identifier: Apache-2.0
//
// The crypto backends that are measured. An operation by another one than
// libcrypto has its name behind it: esp_seal_aes_128_gcm_mb.

#ifndef POSTERN_BENCH_BACKENDS_H_
#define POSTERN_BENCH_BACKENDS_H_

#include <string>
#include <vector>

#include "core/crypto/backend.h"

namespace postern::bench {

inline std::vector<CryptoBackend> ServedBackends() {
  std::vector<CryptoBackend> served;
  for (const CryptoBackend backend : AllBackends()) {
    if (CheckBackend(backend).ok()) {
      served.push_back(backend);
    }
  }
  return served;
}

inline std::string SuffixOf(CryptoBackend backend) {
  return backend == CryptoBackend::kIpsecMb ? "_mb" : "";
}

}  // namespace postern::bench

#endif  // POSTERN_BENCH_BACKENDS_H_
