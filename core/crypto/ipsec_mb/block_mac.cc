// SPDX-License-Identifier: Apache-2.0
//
// AES-CMAC and AES-XCBC-MAC: chains, like the hashes, so that several messages
// side by side cost hardly more than one. The library has no burst call for
// them; its older queue does the same, and is empty again at the end of each
// call.
//
// They differ in their subkeys alone (core/crypto/libcrypto/block_mac.cc), so
// that the library's CMAC makes both; its XCBC gives no more than 96 bits.

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

constexpr std::size_t kBlock = 16;

// What one key makes: round keys, and the two subkeys for the last block.
struct alignas(16) Keys {
  std::array<std::uint8_t, 11 * kBlock> rounds;
  std::array<std::uint8_t, kBlock> whole;
  std::array<std::uint8_t, kBlock> padded;
};

Keys Schedule(const IMB_MGR& manager, Integrity algorithm, ConstBytes key) {
  Keys keys{};
  if (algorithm == Integrity::kAesXcbc96) {
    manager.xcbc_keyexp(key.data(), keys.rounds.data(), keys.whole.data(),
                        keys.padded.data());
    return keys;
  }
  // The library makes both directions at once.
  alignas(16) std::array<std::uint8_t, 11 * kBlock> decrypting;
  manager.keyexp_128(key.data(), keys.rounds.data(), decrypting.data());
  manager.cmac_subkey_gen_128(keys.rounds.data(), keys.whole.data(),
                              keys.padded.data());
  Cleanse(decrypting);
  return keys;
}

class BlockMac final : public MacEngine {
 public:
  BlockMac(const Keys& keys, std::unique_ptr<MacEngine> for_one)
      : MacEngine(kBlock), keys_(keys), for_one_(std::move(for_one)) {}

  ~BlockMac() override { CleanseObject(keys_); }

  void Compute(std::span<MacWork> works) override {
    // One message has nobody beside it.
    if (works.size() == 1 ||
        !std::all_of(works.begin(), works.end(), FitsLanes)) {
      for_one_->Compute(works);
      return;
    }
    InBursts(works, [this](std::span<MacWork> some) { ComputeSome(some); });
  }

 private:
  void ComputeSome(std::span<MacWork> works) {
    Bursts* const bursts = ThreadsBursts();
    if (bursts == nullptr) {
      return;
    }
    IMB_MGR* const manager = bursts->manager;
    std::array<std::array<std::uint8_t, kBlock>, kBurst> macs;
    for (std::size_t i = 0; i < works.size(); ++i) {
      Fill(works[i], macs[i].data(), *IMB_GET_NEXT_JOB(manager));
      Note(IMB_SUBMIT_JOB(manager));
    }
    while (IMB_JOB* const job = IMB_FLUSH_JOB(manager)) {
      Note(job);
    }
    for (std::size_t i = 0; i < works.size(); ++i) {
      CopyBytes(works[i].mac, macs[i]);
    }
  }

  static void Note(IMB_JOB* job) {
    if (job != nullptr) {
      static_cast<MacWork*>(job->user_data)->done =
          job->status == IMB_STATUS_COMPLETED;
    }
  }

  void Fill(MacWork& work, std::uint8_t* mac, IMB_JOB& job) const {
    job.cipher_mode = IMB_CIPHER_NULL;
    job.cipher_direction = IMB_DIR_ENCRYPT;
    job.chain_order = IMB_ORDER_HASH_CIPHER;
    job.key_len_in_bytes = kBlock;
    job.src = work.message.data();
    job.hash_start_src_offset_in_bytes = 0;
    job.msg_len_to_hash_in_bytes = work.message.size();
    job.auth_tag_output = mac;
    job.auth_tag_output_len_in_bytes = kBlock;
    job.user_data = &work;
    job.hash_alg = IMB_AUTH_AES_CMAC;
    job.u.CMAC._key_expanded = keys_.rounds.data();
    job.u.CMAC._skey1 = keys_.whole.data();
    job.u.CMAC._skey2 = keys_.padded.data();
  }

  Keys keys_;
  std::unique_ptr<MacEngine> for_one_;
};

}  // namespace

std::unique_ptr<MacEngine> MakeBlockMac(Integrity algorithm, ConstBytes key) {
  std::unique_ptr<MacEngine> for_one = libcrypto::MakeMac(algorithm, key);
  if (for_one == nullptr) {
    return nullptr;
  }
  Keys keys = Schedule(*DirectCalls(), algorithm, key);
  auto made = std::make_unique<BlockMac>(keys, std::move(for_one));
  CleanseObject(keys);
  return made;
}

}  // namespace postern::ipsec_mb
