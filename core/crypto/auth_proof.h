// SPDX-License-Identifier: Apache-2.0
//
// An AuthProof says: "the integrity of one packet has been verified". It has
// no content; what matters is that only the crypto contexts can make one.
// Everything that an unauthenticated packet must not move (replay window,
// lifetimes, peer address) asks for it as a parameter, so the order
// "verify, then act" is checked by the compiler and not by review.
//
// Thread safety: a plain value, move-only.

#ifndef POSTERN_CORE_CRYPTO_AUTH_PROOF_H_
#define POSTERN_CORE_CRYPTO_AUTH_PROOF_H_

namespace postern {

class AuthProof {
 public:
  AuthProof(AuthProof&&) = default;
  AuthProof& operator=(AuthProof&&) = default;
  AuthProof(const AuthProof&) = delete;
  AuthProof& operator=(const AuthProof&) = delete;

 private:
  friend class AeadContext;        // after a successful Open()
  friend class MacContext;         // after a successful Verify()
  friend class GmacContext;        // after a successful Verify()
  friend class AuthProofTestPeer;  // tests/support only

  AuthProof() = default;
};

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_AUTH_PROOF_H_
