// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/mac_context.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <string>
#include <utility>

#include "core/crypto/fetched.h"
#include "core/crypto/secret_bytes.h"

namespace postern {
namespace {

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
};

using DigestState = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

constexpr std::size_t kLargestDigest = EVP_MAX_MD_SIZE;
constexpr std::size_t kLargestBlock = 128;  // of SHA-512

using DigestOctets = std::array<std::uint8_t, kLargestDigest>;
using BlockOctets = std::array<std::uint8_t, kLargestBlock>;

// A state that has absorbed one block: the key, each octet exclusive-or `pad`
// (RFC 2104 section 2).
DigestState Keyed(EVP_MD* digest, ConstBytes block_key, std::uint8_t pad) {
  BlockOctets block{};
  for (std::size_t i = 0; i < block_key.size(); ++i) {
    block[i] = block_key[i] ^ pad;
  }
  DigestState state(::EVP_MD_CTX_new());
  const bool done =
      state != nullptr &&
      ::EVP_DigestInit_ex2(state.get(), digest, nullptr) == 1 &&
      ::EVP_DigestUpdate(state.get(), block.data(), block_key.size()) == 1;
  Cleanse(block);
  return done ? std::move(state) : nullptr;
}

// The key as one block: hashed when it is longer, padded with zero octets.
bool FitKey(EVP_MD* digest, ConstBytes key, Bytes block) {
  if (key.size() <= block.size()) {
    CopyBytes(block, key);
    return true;
  }
  return ::EVP_Digest(key.data(), key.size(), block.data(), nullptr, digest,
                      nullptr) == 1;
}

}  // namespace

struct MacContext::State {
  std::size_t digest_size = 0;
  std::size_t icv_size = 0;
  DigestState inner;    // has absorbed key ^ ipad
  DigestState outer;    // has absorbed key ^ opad
  DigestState scratch;  // copied to for each packet

  // Writes the full HMAC.
  bool Compute(std::initializer_list<ConstBytes> parts,
               DigestOctets& mac) const;
};

bool MacContext::State::Compute(std::initializer_list<ConstBytes> parts,
                                DigestOctets& mac) const {
  EVP_MD_CTX* const work = scratch.get();
  if (::EVP_MD_CTX_copy_ex(work, inner.get()) != 1) {
    return false;
  }
  for (const ConstBytes part : parts) {
    if (!part.empty() &&
        ::EVP_DigestUpdate(work, part.data(), part.size()) != 1) {
      return false;
    }
  }
  DigestOctets inner_digest{};
  return ::EVP_DigestFinal_ex(work, inner_digest.data(), nullptr) == 1 &&
         ::EVP_MD_CTX_copy_ex(work, outer.get()) == 1 &&
         ::EVP_DigestUpdate(work, inner_digest.data(), digest_size) == 1 &&
         ::EVP_DigestFinal_ex(work, mac.data(), nullptr) == 1;
}

MacContext::MacContext(std::unique_ptr<State> state)
    : state_(std::move(state)) {}

MacContext::MacContext(MacContext&& other) noexcept = default;
MacContext& MacContext::operator=(MacContext&& other) noexcept = default;
MacContext::~MacContext() = default;

Result<MacContext> MacContext::Create(Integrity algorithm, ConstBytes key) {
  const IntegrityInfo& info = InfoOf(algorithm);
  if (algorithm == Integrity::kNone) {
    return Invalid("\"none\" computes nothing; choose an integrity algorithm");
  }
  if (key.empty()) {
    return Invalid("an empty key protects nothing; use " +
                   std::to_string(info.key) + " octets for " +
                   std::string(info.name));
  }
  EVP_MD* const digest = FetchedDigest(algorithm);
  auto state = std::make_unique<State>();
  if (digest != nullptr) {
    BlockOctets octets{};
    const Bytes block = Bytes(octets).first(
        static_cast<std::size_t>(::EVP_MD_get_block_size(digest)));
    if (FitKey(digest, key, block)) {
      state->inner = Keyed(digest, block, 0x36);
      state->outer = Keyed(digest, block, 0x5c);
      state->scratch.reset(::EVP_MD_CTX_new());
      state->digest_size = static_cast<std::size_t>(::EVP_MD_get_size(digest));
      state->icv_size = info.icv;
    }
    Cleanse(octets);
  }
  if (state->inner == nullptr || state->outer == nullptr ||
      state->scratch == nullptr) {
    ::ERR_clear_error();
    return Error{ErrorCode::kUnsupported,
                 "libcrypto refused " + std::string(info.name) +
                     "; check which providers its configuration loads"};
  }
  return MacContext(std::move(state));
}

Passage MacContext::Sign(std::initializer_list<ConstBytes> parts, Bytes icv) {
  DigestOctets mac{};
  if (icv.size() > state_->digest_size || !state_->Compute(parts, mac)) {
    ::ERR_clear_error();
    return DropReason::kCryptoFailed;
  }
  CopyBytes(icv, ConstBytes(mac).first(icv.size()));
  return Pass();
}

Opinion<AuthProof> MacContext::Verify(std::initializer_list<ConstBytes> parts,
                                      ConstBytes icv) {
  if (icv.size() != state_->icv_size) {
    return DropReason::kBadIcv;
  }
  DigestOctets mac{};
  if (!state_->Compute(parts, mac)) {
    ::ERR_clear_error();
    return DropReason::kCryptoFailed;
  }
  if (!ConstantTimeEqual(ConstBytes(mac).first(icv.size()), icv)) {
    return DropReason::kBadIcv;
  }
  return AuthProof();
}

}  // namespace postern
