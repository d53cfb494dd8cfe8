// SPDX-License-Identifier: Apache-2.0
//
// The least that ipsec-mb must be called for to protect bursts of packets, what
// the figures of our transforms with that backend are divided by. The packets
// lie as far apart as in a PacketPool. Not in a build without ipsec-mb.

#include <benchmark/benchmark.h>
#include <intel-ipsec-mb.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bench/sizes.h"
#include "bench/udp_bursts.h"

namespace postern::bench {

namespace {

struct FreeMemory {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};

enum class What : std::uint8_t { kSealGcm128, kSealGcm256, kCbcHmac, kHmac };

// kBurst packets of one size, and the keys for whatever is done to them.
class BareBursts {
 public:
  BareBursts(std::size_t octets, IMB_HASH_ALG hash)
      : octets_(octets),
        hash_(hash),
        icv_size_(hash == IMB_AUTH_HMAC_SHA_1 ? 12 : 16),
        room_(kStride * kBurst) {
    init_mb_mgr_auto(manager_.get(), nullptr);
    const std::vector<std::uint8_t> key = Octets(64);
    IMB_AES128_GCM_PRE(manager_.get(), key.data(), &gcm128_);
    IMB_AES256_GCM_PRE(manager_.get(), key.data(), &gcm256_);
    IMB_AES_KEYEXP_128(manager_.get(), key.data(), encrypting_, decrypting_);
  }

  void Gcm(What what, aes_gcm_enc_dec_t call) {
    for (std::size_t i = 0; i < kBurst; ++i) {
      std::uint8_t* const packet = Packet(i);
      call(what == What::kSealGcm128 ? &gcm128_ : &gcm256_, &scratch_, packet,
           packet, octets_, iv_.data(), aad_.data(), aad_.size(),
           packet + octets_, 16);
    }
  }

  void SealGcm(What what) {
    Gcm(what, what == What::kSealGcm128 ? manager_->gcm128_enc
                                        : manager_->gcm256_enc);
  }

  void OpenGcm(What what) {
    Gcm(what, what == What::kSealGcm128 ? manager_->gcm128_dec
                                        : manager_->gcm256_dec);
  }

  void Cbc(IMB_CIPHER_DIRECTION direction) {
    for (std::size_t i = 0; i < kBurst; ++i) {
      IMB_JOB& job = jobs_[i];
      job.enc_keys = encrypting_;
      job.dec_keys = decrypting_;
      job.key_len_in_bytes = IMB_KEY_128_BYTES;
      job.src = Packet(i);
      job.dst = Packet(i);
      job.msg_len_to_cipher_in_bytes = octets_;
      job.iv = iv_.data();
      job.iv_len_in_bytes = iv_.size();
    }
    Must(IMB_SUBMIT_CIPHER_BURST(manager_.get(), jobs_.data(), kBurst,
                                 IMB_CIPHER_CBC, direction, IMB_KEY_128_BYTES));
  }

  void Hmac() {
    for (std::size_t i = 0; i < kBurst; ++i) {
      IMB_JOB& job = jobs_[i];
      job.src = Packet(i);
      job.msg_len_to_hash_in_bytes = octets_;
      job.auth_tag_output = Packet(i) + octets_;
      job.auth_tag_output_len_in_bytes = icv_size_;
      job.u.HMAC._hashed_auth_key_xor_ipad = pads_.data();
      job.u.HMAC._hashed_auth_key_xor_opad = pads_.data() + 64;
    }
    Must(IMB_SUBMIT_HASH_BURST(manager_.get(), jobs_.data(), kBurst, hash_));
  }

 private:
  static constexpr std::size_t kStride = 9216 + 512;

  static void Must(std::uint32_t done) {
    if (done != kBurst) {
      std::abort();
    }
  }

  std::uint8_t* Packet(std::size_t i) { return &room_[i * kStride]; }

  std::unique_ptr<IMB_MGR, FreeMemory> manager_{alloc_mb_mgr(0)};
  std::size_t octets_;
  IMB_HASH_ALG hash_;
  std::size_t icv_size_;
  alignas(64) gcm_key_data gcm128_;  // the type alone does not ask for it
  alignas(64) gcm_key_data gcm256_;
  gcm_context_data scratch_;
  alignas(16) std::uint32_t encrypting_[60];
  alignas(16) std::uint32_t decrypting_[60];
  alignas(16) std::array<std::uint8_t, 128> pads_{};
  std::array<std::uint8_t, 16> iv_{};
  std::array<std::uint8_t, 8> aad_{};
  std::array<IMB_JOB, kBurst> jobs_{};
  std::vector<std::uint8_t> room_;
};

void Seal(benchmark::State& state, What what, IMB_HASH_ALG hash) {
  BareBursts bare(static_cast<std::size_t>(state.range(0)), hash);
  for (auto _ : state) {
    if (what == What::kCbcHmac) {
      bare.Cbc(IMB_DIR_ENCRYPT);
    }
    if (what == What::kCbcHmac || what == What::kHmac) {
      bare.Hmac();
    } else {
      bare.SealGcm(what);
    }
  }
  CountBursts(state);
}

void SealOpen(benchmark::State& state, What what, IMB_HASH_ALG hash) {
  BareBursts bare(static_cast<std::size_t>(state.range(0)), hash);
  for (auto _ : state) {
    if (what == What::kCbcHmac || what == What::kHmac) {
      bare.Hmac();
      bare.Hmac();
    } else {
      bare.SealGcm(what);
      bare.OpenGcm(what);
    }
    if (what == What::kCbcHmac) {
      bare.Cbc(IMB_DIR_ENCRYPT);
      bare.Cbc(IMB_DIR_DECRYPT);
    }
  }
  CountBursts(state);
}

void Register(const std::string& one_way, const std::string& both_ways,
              const std::string& suite, What what,
              IMB_HASH_ALG hash = IMB_AUTH_HMAC_SHA_256) {
  const auto add = [&](const std::string& operation, auto run) {
    const std::string name = operation + suite + "_mb/ipsec-mb";
    PacketSizes(benchmark::RegisterBenchmark(name.c_str(), run, what, hash));
  };
  add(one_way, Seal);
  add(both_ways, SealOpen);
}

const bool kRegistered = [] {
  const auto esp = [](const std::string& suite, What what) {
    Register("esp_seal_", "esp_seal_open_", suite, what);
  };
  esp("aes_128_gcm", What::kSealGcm128);
  esp("aes_256_gcm", What::kSealGcm256);
  esp("aes_128_cbc_hmac_sha256", What::kCbcHmac);
  esp("null_hmac_sha256", What::kHmac);
  Register("ah_sign_", "ah_sign_verify_", "hmac_sha1", What::kHmac,
           IMB_AUTH_HMAC_SHA_1);
  Register("ah_sign_", "ah_sign_verify_", "hmac_sha256", What::kHmac);
  return true;
}();

}  // namespace

}  // namespace postern::bench
