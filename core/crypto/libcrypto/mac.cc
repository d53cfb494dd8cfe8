// SPDX-License-Identifier: Apache-2.0

#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <utility>

#include "core/crypto/fetched.h"
#include "core/crypto/libcrypto/engines.h"
#include "core/crypto/secret_bytes.h"

namespace postern::libcrypto {
namespace {

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
};

using DigestState = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

static_assert(MacEngine::kLargestDigest >= EVP_MAX_MD_SIZE);

// A state that has absorbed one block: the key, each octet exclusive-or `pad`
// (RFC 2104 section 2).
DigestState Keyed(EVP_MD* digest, const HashBlock& key, std::uint8_t pad) {
  std::array<std::uint8_t, HashBlock::kLargest> block{};
  for (std::size_t i = 0; i < key.size; ++i) {
    block[i] = key.octets[i] ^ pad;
  }
  DigestState state(::EVP_MD_CTX_new());
  const bool done =
      state != nullptr &&
      ::EVP_DigestInit_ex2(state.get(), digest, nullptr) == 1 &&
      ::EVP_DigestUpdate(state.get(), block.data(), key.size) == 1;
  Cleanse(block);
  return done ? std::move(state) : nullptr;
}

// The two HMAC pads are hashed once; a message costs two copies of a digest
// state and its octets, which is less than EVP_MAC takes.
class Mac final : public MacEngine {
 public:
  Mac(DigestState inner, DigestState outer, DigestState scratch,
      std::size_t digest_size)
      : MacEngine(digest_size),
        inner_(std::move(inner)),
        outer_(std::move(outer)),
        scratch_(std::move(scratch)) {}

  void Compute(std::span<MacWork> works) override {
    for (MacWork& work : works) {
      work.done = ComputeOne(work.message, work.mac.data());
      if (!work.done) {
        ::ERR_clear_error();
      }
    }
  }

 private:
  bool ComputeOne(ConstBytes message, std::uint8_t* mac) {
    EVP_MD_CTX* const work = scratch_.get();
    return ::EVP_MD_CTX_copy_ex(work, inner_.get()) == 1 &&
           ::EVP_DigestUpdate(work, message.data(), message.size()) == 1 &&
           ::EVP_DigestFinal_ex(work, mac, nullptr) == 1 &&
           ::EVP_MD_CTX_copy_ex(work, outer_.get()) == 1 &&
           ::EVP_DigestUpdate(work, mac, digest_size()) == 1 &&
           ::EVP_DigestFinal_ex(work, mac, nullptr) == 1;
  }

  DigestState inner_;    // has absorbed key ^ ipad
  DigestState outer_;    // has absorbed key ^ opad
  DigestState scratch_;  // copied to for each message
};

}  // namespace

bool FitHmacKey(Integrity algorithm, ConstBytes key, HashBlock& block) {
  const EVP_MD* const digest = FetchedDigest(algorithm);
  if (digest == nullptr) {
    return false;
  }
  block.size = static_cast<std::size_t>(::EVP_MD_get_block_size(digest));
  if (key.size() <= block.size) {
    CopyBytes(block.octets, key);
    return true;
  }
  const bool hashed = ::EVP_Digest(key.data(), key.size(), block.octets.data(),
                                   nullptr, digest, nullptr) == 1;
  ::ERR_clear_error();
  return hashed;
}

std::unique_ptr<MacEngine> MakeMac(Integrity algorithm, ConstBytes key) {
  if (InfoOf(algorithm).kind == IntegrityInfo::Kind::kBlockMac) {
    return MakeBlockMac(algorithm, key);
  }
  HashBlock block;
  if (!FitHmacKey(algorithm, key, block)) {
    return nullptr;
  }
  EVP_MD* const digest = FetchedDigest(algorithm);
  DigestState inner = Keyed(digest, block, 0x36);
  DigestState outer = Keyed(digest, block, 0x5c);
  DigestState scratch(::EVP_MD_CTX_new());
  Cleanse(block.octets);
  if (inner == nullptr || outer == nullptr || scratch == nullptr) {
    ::ERR_clear_error();
    return nullptr;
  }
  return std::make_unique<Mac>(
      std::move(inner), std::move(outer), std::move(scratch),
      static_cast<std::size_t>(::EVP_MD_get_size(digest)));
}

}  // namespace postern::libcrypto
