// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "core/crypto/ipsec_mb/engines.h"
#include "core/crypto/ipsec_mb/library.h"
#include "core/crypto/libcrypto/engines.h"
#include "core/crypto/secret_bytes.h"

namespace postern::ipsec_mb {
namespace {

// The library's words for one HMAC.
struct Hash {
  IMB_HASH_ALG algorithm;
  hash_one_block_t one_block;
  // A burst takes as long as its longest message, however few lanes are used,
  // and a lane takes as long as so many messages of libcrypto's, which hashes
  // one with the CPU's SHA instructions (docs/crypto.md).
  std::size_t worth;
  std::size_t lane_width;  // lanes of a 32-bit hash that one of this takes
};

// The state of a hash that has absorbed a pad, as the library keeps it.
struct alignas(16) PadState {
  std::array<std::uint8_t, MacEngine::kLargestDigest> octets;
};

PadState Absorb(const Hash& hash, const libcrypto::HashBlock& key,
                std::uint8_t pad) {
  std::array<std::uint8_t, libcrypto::HashBlock::kLargest> block;
  for (std::size_t i = 0; i < key.size; ++i) {
    block[i] = key.octets[i] ^ pad;
  }
  PadState state{};
  hash.one_block(block.data(), state.octets.data());
  Cleanse(block);
  return state;
}

class Hmac final : public MacEngine {
 public:
  Hmac(const Hash& hash, const libcrypto::HashBlock& key,
       std::unique_ptr<MacEngine> for_few)
      : MacEngine(for_few->digest_size()),
        hash_(hash),
        lanes_(Lanes() / hash.lane_width),
        inner_(Absorb(hash, key, 0x36)),
        outer_(Absorb(hash, key, 0x5c)),
        for_few_(std::move(for_few)) {}

  ~Hmac() override {
    CleanseObject(inner_);
    CleanseObject(outer_);
  }

  void Compute(std::span<MacWork> works) override {
    const bool fit = std::all_of(works.begin(), works.end(), FitsLanes);
    const std::size_t left_over = works.size() % lanes_;
    const std::size_t few = !fit                      ? works.size()
                            : left_over < hash_.worth ? left_over
                                                      : 0;
    for_few_->Compute(works.last(few));
    works = works.first(works.size() - few);
    InBursts(works, [this](std::span<MacWork> some) { ComputeSome(some); });
  }

 private:
  void ComputeSome(std::span<MacWork> works) {
    Bursts* const bursts = ThreadsBursts();
    if (bursts == nullptr) {
      return;
    }
    IMB_JOB* job = bursts->jobs;
    for (const MacWork& work : works) {
      Fill(work, *job++);
    }
    IMB_SUBMIT_HASH_BURST(bursts->manager, bursts->jobs,
                          static_cast<std::uint32_t>(works.size()),
                          hash_.algorithm);
    job = bursts->jobs;
    for (MacWork& work : works) {
      work.done = (job++)->status == IMB_STATUS_COMPLETED;
    }
  }

  void Fill(const MacWork& work, IMB_JOB& job) const {
    job.src = work.message.data();
    job.hash_start_src_offset_in_bytes = 0;
    job.msg_len_to_hash_in_bytes = work.message.size();
    job.auth_tag_output = work.mac.data();
    job.auth_tag_output_len_in_bytes = work.mac.size();
    job.u.HMAC._hashed_auth_key_xor_ipad = inner_.octets.data();
    job.u.HMAC._hashed_auth_key_xor_opad = outer_.octets.data();
    job.status = IMB_STATUS_BEING_PROCESSED;
  }

  Hash hash_;
  std::size_t lanes_;
  PadState inner_;
  PadState outer_;
  std::unique_ptr<MacEngine> for_few_;
};

}  // namespace

std::unique_ptr<MacEngine> MakeMac(Integrity algorithm, ConstBytes key) {
  const IMB_MGR* const manager = DirectCalls();
  if (manager == nullptr || ThreadsBursts() == nullptr) {
    return nullptr;
  }
  Hash hash{};
  switch (algorithm) {
    case Integrity::kHmacSha1_96:
      hash = {IMB_AUTH_HMAC_SHA_1, manager->sha1_one_block, 4, 1};
      break;
    case Integrity::kHmacSha2_256_128:
      hash = {IMB_AUTH_HMAC_SHA_256, manager->sha256_one_block, 7, 1};
      break;
    case Integrity::kHmacSha2_384_192:
      hash = {IMB_AUTH_HMAC_SHA_384, manager->sha384_one_block, 2, 2};
      break;
    case Integrity::kHmacSha2_512_256:
      hash = {IMB_AUTH_HMAC_SHA_512, manager->sha512_one_block, 2, 2};
      break;
    case Integrity::kAesCmac96:
    case Integrity::kAesXcbc96:
      return MakeBlockMac(algorithm, key);
    default:
      return nullptr;
  }
  libcrypto::HashBlock block;
  std::unique_ptr<MacEngine> for_few = libcrypto::MakeMac(algorithm, key);
  const bool fits = libcrypto::FitHmacKey(algorithm, key, block);
  std::unique_ptr<MacEngine> made;
  if (fits && for_few != nullptr) {
    made = std::make_unique<Hmac>(hash, block, std::move(for_few));
  }
  Cleanse(block.octets);
  return made;
}

}  // namespace postern::ipsec_mb
