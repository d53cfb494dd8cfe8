// SPDX-License-Identifier: Apache-2.0
//
// A KeyFingerprint names the key of one SA in the state store, without telling
// the key: HMAC-SHA-256, under the store's own random secret, over what decides
// whether two SAs would use the same sequence numbers with the same key.
//
//     counter mode   key and salt
//     any other      protocol, algorithms' names, keys, SPI, destination
//
// With a counter-mode key the sequence number is the IV, so the key alone
// counts, whatever SPI, tag length or mode it is used under. With other
// algorithms a number that
// comes twice harms only the replay protection of its own SA, and administrators
// do give several SAs one key; each of them is a row of its own.
//
// Why keyed: keys typed by hand can be guessed. A plain hash in a stolen copy of
// the database would let anybody try guesses; a keyed one lets only those who
// have the secret, too. The secret lies in the same database: this protects
// fingerprints that leave it (logs, error reports), not the file.
//
// Thread safety: a plain value.

#ifndef POSTERN_STATE_KEY_FINGERPRINT_H_
#define POSTERN_STATE_KEY_FINGERPRINT_H_

#include <array>
#include <compare>
#include <cstdint>

#include "core/bytes.h"
#include "core/crypto/secret_bytes.h"
#include "core/error.h"
#include "sadb/sa_parameters.h"

namespace postern {

struct KeyFingerprint {
  std::array<std::uint8_t, 32> octets{};

  friend auto operator<=>(const KeyFingerprint&,
                          const KeyFingerprint&) = default;
};

// REQUIRES: Validate(parameters) accepted; `secret` is not empty.
// Errors: kSystem when libcrypto fails.
Result<KeyFingerprint> FingerprintOf(const SaParameters& parameters,
                                     const SecretBytes& secret);

}  // namespace postern

#endif  // POSTERN_STATE_KEY_FINGERPRINT_H_
