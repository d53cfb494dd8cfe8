// SPDX-License-Identifier: Apache-2.0
//
// What the vectors call our algorithms, and the checks that several kinds of
// vectors share.

#ifndef POSTERN_TESTS_VECTORS_KNOWN_ALGORITHMS_H_
#define POSTERN_TESTS_VECTORS_KNOWN_ALGORITHMS_H_

#include <cstddef>
#include <string_view>

#include "core/crypto/algorithm.h"
#include "tests/vectors/vector_file.h"

namespace postern::vectors {

enum class ImplicitIv : std::uint8_t { kNo, kYes };

// The algorithm of packets, with an ICV of that many octets (0: its only one).
// All three throw when there is none: a misspelt name must not pass.
Encryption EncryptionNamed(std::string_view name, std::size_t icv,
                           ImplicitIv implicit);

// "hmac-sha256", "hmac-sha2-256-128", "aes-cmac-96", "HMACSHA256"; of aes-gmac
// the one with that key.
Integrity IntegrityNamed(std::string_view name, std::size_t key);

struct AeadVector {
  std::string_view algorithm;  // "aes-gcm"
  Octets key;
  Octets nonce;
  Octets aad;
  Octets clear;  // of a valid vector
  Octets sealed;
  Octets tag;
  bool valid = true;
};

// A valid vector must seal and open, an invalid one must not open. One with
// sizes that IPsec never has does not apply.
Outcome RunAeadVector(const AeadVector& vector);

struct MacVector {
  Integrity algorithm;
  Octets key;
  Octets message;
  Octets tag;  // of any length up to the full digest
  bool valid = true;
};

// A valid vector must be what is signed, and verify where it has the length of
// an ICV; an invalid one must not.
Outcome RunMacVector(const MacVector& vector);

// As many of a message as make a backend use all its lanes.
inline constexpr std::size_t kLanes = 16;

}  // namespace postern::vectors

#endif  // POSTERN_TESTS_VECTORS_KNOWN_ALGORITHMS_H_
