// SPDX-License-Identifier: Apache-2.0
//
// Which algorithms the vectors know that Postern does not have yet, and the
// one AEAD check that two kinds of vectors share.

#ifndef POSTERN_TESTS_VECTORS_KNOWN_ALGORITHMS_H_
#define POSTERN_TESTS_VECTORS_KNOWN_ALGORITHMS_H_

#include <string>

#include "tests/vectors/vector_file.h"

namespace postern::vectors {

// Skipped, "<algorithm>: not built yet". Throws when no format knows such an
// algorithm: a misspelt name must not pass for a missing feature.
Outcome NotBuilt(const std::string& algorithm);

struct AeadVector {
  Octets key;
  Octets nonce;
  Octets aad;
  Octets clear;  // of a valid vector
  Octets sealed;
  Octets tag;
  bool valid = true;
};

// AES-GCM: a valid vector must seal and open, an invalid one must not open.
Outcome RunGcm(const AeadVector& vector);

}  // namespace postern::vectors

#endif  // POSTERN_TESTS_VECTORS_KNOWN_ALGORITHMS_H_
