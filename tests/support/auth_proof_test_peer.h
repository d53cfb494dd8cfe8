// SPDX-License-Identifier: Apache-2.0
//
// AuthProofTestPeer makes an AuthProof out of nothing, for tests of what asks
// for one: windows, lifetimes, learned addresses. Code outside tests/ cannot
// include this file (scripts/check_layers.py).

#ifndef POSTERN_TESTS_SUPPORT_AUTH_PROOF_TEST_PEER_H_
#define POSTERN_TESTS_SUPPORT_AUTH_PROOF_TEST_PEER_H_

#include "core/crypto/auth_proof.h"

namespace postern {

class AuthProofTestPeer {
 public:
  static AuthProof Make() { return {}; }
};

}  // namespace postern

#endif  // POSTERN_TESTS_SUPPORT_AUTH_PROOF_TEST_PEER_H_
