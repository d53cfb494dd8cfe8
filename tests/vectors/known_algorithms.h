// SPDX-License-Identifier: Apache-2.0
//
// Which algorithms the vectors know that Postern does not have yet, and the
// one AEAD check that two kinds of vectors share.

#ifndef POSTERN_TESTS_VECTORS_KNOWN_ALGORITHMS_H_
#define POSTERN_TESTS_VECTORS_KNOWN_ALGORITHMS_H_

#include <cstddef>
#include <string>

#include "core/crypto/mac_context.h"
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

// As many of a message as make a backend use all its lanes.
inline constexpr std::size_t kLanes = 16;

// Signs `message` kLanes times in one burst: fails unless all ICVs are the one
// that is expected.
Outcome RunMacBurst(MacContext& mac, ConstBytes message,
                    const Octets& expected);

}  // namespace postern::vectors

#endif  // POSTERN_TESTS_VECTORS_KNOWN_ALGORITHMS_H_
