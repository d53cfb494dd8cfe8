// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/aead_context.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/crypto/engine_choice.h"
#include "core/crypto/engines.h"
#include "core/crypto/fetched.h"
#include "core/crypto/secret_bytes.h"

namespace postern {
namespace {

// A packet is at most 64 KiB; far below what libcrypto's int holds.
constexpr std::size_t kLargestPart = std::size_t{1} << 20;

// Inlined, as a call would cost each packet more than the comparisons.
struct Lengths {
  std::size_t nonce;
  std::size_t tag;
  std::size_t longest;
};

[[gnu::always_inline]] inline bool Fits(const Lengths& lengths,
                                        std::size_t nonce, std::size_t tag) {
  return nonce == lengths.nonce && tag == lengths.tag &&
         lengths.longest <= kLargestPart;
}

}  // namespace

AeadContext::AeadContext(std::unique_ptr<AeadEngine> engine, Sizes sizes)
    : engine_(std::move(engine)), sizes_(sizes) {}

AeadContext::AeadContext(AeadContext&&) noexcept = default;
AeadContext& AeadContext::operator=(AeadContext&&) noexcept = default;
AeadContext::~AeadContext() = default;

Result<AeadContext> AeadContext::Create(Encryption algorithm, ConstBytes key,
                                        Use use, CryptoBackend backend) {
  const EncryptionInfo& info = InfoOf(algorithm);
  if (info.kind != EncryptionInfo::Kind::kAead) {
    return Invalid(std::string(info.name) +
                   " is not a combined-mode algorithm; use one, or a cipher "
                   "with a separate integrity algorithm");
  }
  if (!IsKeySize(algorithm, key.size())) {
    return Invalid("a key of " + std::to_string(key.size()) +
                   " octets does not fit " + std::string(info.name) + "; use " +
                   ListOfSizes(info.key_sizes) + " without the salt");
  }
  Result<std::unique_ptr<AeadEngine>> engine =
      AeadEngineOf(backend, algorithm, key, use);
  if (!engine.ok()) {
    return engine.error();
  }
  return AeadContext(*std::move(engine), {info.nonce(), info.icv});
}

Passage AeadContext::Seal(ConstBytes nonce, ConstBytes aad, Bytes octets,
                          Bytes tag) {
  if (!Fits({sizes_.nonce, sizes_.tag, std::max(octets.size(), aad.size())},
            nonce.size(), tag.size()) ||
      !engine_->Seal(nonce, aad, octets, tag)) {
    return DropReason::kCryptoFailed;
  }
  return Pass();
}

Opinion<AuthProof> AeadContext::Open(ConstBytes nonce, ConstBytes aad,
                                     Bytes octets, ConstBytes tag) {
  if (!Fits({sizes_.nonce, sizes_.tag, std::max(octets.size(), aad.size())},
            nonce.size(), tag.size())) {
    return DropReason::kBadIcv;
  }
  if (!engine_->Open(nonce, aad, octets, tag)) {
    Cleanse(octets);  // nobody shall read what nobody vouches for
    return DropReason::kBadIcv;
  }
  return AuthProof();
}

}  // namespace postern
