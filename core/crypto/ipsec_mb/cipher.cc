// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/crypto/ipsec_mb/engines.h"
#include "core/crypto/ipsec_mb/library.h"
#include "core/crypto/secret_bytes.h"

namespace postern::ipsec_mb {
namespace {

// The round keys of AES-256, as the library lays them out.
struct alignas(16) RoundKeys {
  std::array<std::uint8_t, 15 * 16> octets;
};

// Of the two schedules that the library makes at once, the one that is asked
// for.
RoundKeys Schedule(const IMB_MGR& manager, ConstBytes key,
                   CipherContext::Use use) {
  RoundKeys encrypting;
  RoundKeys decrypting;
  const keyexp_t expand = key.size() == IMB_KEY_128_BYTES ? manager.keyexp_128
                          : key.size() == IMB_KEY_192_BYTES
                              ? manager.keyexp_192
                              : manager.keyexp_256;
  expand(key.data(), encrypting.octets.data(), decrypting.octets.data());
  RoundKeys chosen =
      use == CipherContext::Use::kEncrypt ? encrypting : decrypting;
  CleanseObject(encrypting);
  CleanseObject(decrypting);
  return chosen;
}

class Aes final : public CipherEngine {
 public:
  Aes(const IMB_MGR& manager, IMB_CIPHER_MODE mode, ConstBytes key,
      CipherContext::Use use)
      : keys_(Schedule(manager, key, use)),
        mode_(mode),
        key_size_(static_cast<IMB_KEY_SIZE_BYTES>(key.size())),
        direction_(use == CipherContext::Use::kEncrypt ? IMB_DIR_ENCRYPT
                                                       : IMB_DIR_DECRYPT) {}

  ~Aes() override { CleanseObject(keys_); }

  void Transform(std::span<CipherWork> works) override {
    InBursts(works,
             [this](std::span<CipherWork> some) { TransformSome(some); });
  }

 private:
  void TransformSome(std::span<CipherWork> works) {
    Bursts* const bursts = ThreadsBursts();
    if (bursts == nullptr) {
      return;
    }
    IMB_JOB* job = bursts->jobs;
    for (const CipherWork& work : works) {
      Fill(work, *job++);
    }
    IMB_SUBMIT_CIPHER_BURST(bursts->manager, bursts->jobs,
                            static_cast<std::uint32_t>(works.size()), mode_,
                            direction_, key_size_);
    job = bursts->jobs;
    for (CipherWork& work : works) {
      work.done = (job++)->status == IMB_STATUS_COMPLETED;
    }
  }

  void Fill(const CipherWork& work, IMB_JOB& job) const {
    job.enc_keys = keys_.octets.data();
    job.dec_keys = keys_.octets.data();
    job.key_len_in_bytes = key_size_;
    job.src = work.octets.data();
    job.dst = work.octets.data();
    job.cipher_start_src_offset_in_bytes = 0;
    job.msg_len_to_cipher_in_bytes = work.octets.size();
    job.iv = work.iv.data();
    job.iv_len_in_bytes = work.iv.size();
    job.status = IMB_STATUS_BEING_PROCESSED;
  }

  RoundKeys keys_;
  IMB_CIPHER_MODE mode_;
  IMB_KEY_SIZE_BYTES key_size_;
  IMB_CIPHER_DIRECTION direction_;
};

}  // namespace

std::unique_ptr<CipherEngine> MakeCipher(Encryption algorithm, ConstBytes key,
                                         CipherContext::Use use) {
  const IMB_MGR* const manager = DirectCalls();
  // The thread's manager is made with its first key and not for a packet.
  const bool served =
      algorithm == Encryption::kAesCbc || algorithm == Encryption::kAesCtr;
  if (!served || manager == nullptr || ThreadsBursts() == nullptr) {
    return nullptr;
  }
  if (algorithm == Encryption::kAesCbc) {
    return std::make_unique<Aes>(*manager, IMB_CIPHER_CBC, key, use);
  }
  // Both ways the counter blocks are encrypted.
  return std::make_unique<Aes>(*manager, IMB_CIPHER_CNTR, key,
                               CipherContext::Use::kEncrypt);
}

}  // namespace postern::ipsec_mb
