// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/gmac_context.h"

#include <array>
#include <string>
#include <utility>

#include "core/crypto/algorithm.h"
#include "core/crypto/engine_choice.h"
#include "core/crypto/engines.h"
#include "core/crypto/fetched.h"
#include "core/crypto/secret_bytes.h"

namespace postern {
namespace {

bool Fits(ConstBytes nonce, ConstBytes tag) {
  return nonce.size() == GmacEngine::kNonceSize &&
         tag.size() == GmacEngine::kTagSize;
}

}  // namespace

GmacContext::GmacContext(std::unique_ptr<GmacEngine> engine)
    : engine_(std::move(engine)) {}

GmacContext::GmacContext(GmacContext&&) noexcept = default;
GmacContext& GmacContext::operator=(GmacContext&&) noexcept = default;
GmacContext::~GmacContext() = default;

Result<GmacContext> GmacContext::Create(ConstBytes key, CryptoBackend backend) {
  if (!IsKeySize(Encryption::kNullAuthAesGmac, key.size())) {
    return Invalid("a key of " + std::to_string(key.size()) +
                   " octets does not fit GMAC; use " +
                   ListOfSizes(InfoOf(Encryption::kNullAuthAesGmac).key_sizes) +
                   " without the salt");
  }
  Result<std::unique_ptr<GmacEngine>> engine = GmacEngineOf(backend, key);
  if (!engine.ok()) {
    return engine.error();
  }
  return GmacContext(*std::move(engine));
}

Passage GmacContext::Sign(ConstBytes nonce, ConstBytes head, ConstBytes body,
                          Bytes tag) {
  return Fits(nonce, tag) && engine_->Compute(nonce, head, body, tag)
             ? Pass()
             : DropReason::kCryptoFailed;
}

Opinion<AuthProof> GmacContext::Verify(ConstBytes nonce, ConstBytes head,
                                       ConstBytes body, ConstBytes tag) {
  if (!Fits(nonce, tag)) {
    return DropReason::kBadIcv;
  }
  std::array<std::uint8_t, GmacEngine::kTagSize> computed;
  if (!engine_->Compute(nonce, head, body, computed)) {
    return DropReason::kCryptoFailed;
  }
  if (!ConstantTimeEqual(computed, tag)) {
    return DropReason::kBadIcv;
  }
  return AuthProof();
}

}  // namespace postern
