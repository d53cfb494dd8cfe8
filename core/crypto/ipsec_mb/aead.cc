// SPDX-License-Identifier: Apache-2.0

#include <array>
#include <cstdint>

#include "core/crypto/ipsec_mb/engines.h"
#include "core/crypto/ipsec_mb/library.h"
#include "core/crypto/secret_bytes.h"

namespace postern::ipsec_mb {
namespace {

// The library's functions for one size of key.
struct Calls {
  aes_gcm_pre_t schedule;
  aes_gcm_enc_dec_t seal;
  aes_gcm_enc_dec_t open;
  aes_gmac_init_t begin_mac;
  aes_gmac_update_t add_to_mac;
  aes_gmac_finalize_t end_mac;
};

Calls CallsFor(const IMB_MGR& manager, std::size_t key_size) {
  switch (key_size) {
    case IMB_KEY_128_BYTES:
      return {manager.gcm128_pre,     manager.gcm128_enc,
              manager.gcm128_dec,     manager.gmac128_init,
              manager.gmac128_update, manager.gmac128_finalize};
    case IMB_KEY_192_BYTES:
      return {manager.gcm192_pre,     manager.gcm192_enc,
              manager.gcm192_dec,     manager.gmac192_init,
              manager.gmac192_update, manager.gmac192_finalize};
    default:
      return {manager.gcm256_pre,     manager.gcm256_enc,
              manager.gcm256_dec,     manager.gmac256_init,
              manager.gmac256_update, manager.gmac256_finalize};
  }
}

// A direct call returns nothing, and the error that the library notes is one for
// all threads: it may be another's. What it would refuse is asked here: pointers
// to nothing. (The contexts have checked the sizes.)
bool Has(ConstBytes octets) {
  return octets.empty() || octets.data() != nullptr;
}

// Direct calls, one for a whole message: bursts could not be faster.
class Gcm final : public AeadEngine {
 public:
  Gcm(const IMB_MGR& manager, ConstBytes key)
      : calls_(CallsFor(manager, key.size())) {
    calls_.schedule(key.data(), &key_);
  }

  ~Gcm() override {
    CleanseObject(key_);
    CleanseObject(scratch_);
  }

  bool Seal(ConstBytes nonce, ConstBytes aad, Bytes octets,
            Bytes tag) override {
    if (!Has(nonce) || !Has(aad) || !Has(octets) || !Has(tag)) {
      return false;
    }
    calls_.seal(&key_, &scratch_, octets.data(), octets.data(), octets.size(),
                nonce.data(), aad.data(), aad.size(), tag.data(), tag.size());
    return true;
  }

  bool Open(ConstBytes nonce, ConstBytes aad, Bytes octets,
            ConstBytes tag) override {
    if (!Has(nonce) || !Has(aad) || !Has(octets)) {
      return false;
    }
    std::array<std::uint8_t, kLargestTag> computed;
    calls_.open(&key_, &scratch_, octets.data(), octets.data(), octets.size(),
                nonce.data(), aad.data(), aad.size(), computed.data(),
                tag.size());
    return ConstantTimeEqual(ConstBytes(computed).first(tag.size()), tag);
  }

 private:
  Calls calls_;
  alignas(64) gcm_key_data key_;  // the type alone does not ask for it
  gcm_context_data scratch_;      // of one call
};

class Gmac final : public GmacEngine {
 public:
  Gmac(const IMB_MGR& manager, ConstBytes key)
      : calls_(CallsFor(manager, key.size())) {
    calls_.schedule(key.data(), &key_);
  }

  ~Gmac() override {
    CleanseObject(key_);
    CleanseObject(scratch_);
  }

  bool Compute(ConstBytes nonce, ConstBytes head, ConstBytes body,
               Bytes tag) override {
    if (!Has(nonce) || !Has(head) || !Has(body) || !Has(tag)) {
      return false;
    }
    calls_.begin_mac(&key_, &scratch_, nonce.data(), nonce.size());
    for (const ConstBytes part : {head, body}) {
      if (!part.empty()) {
        calls_.add_to_mac(&key_, &scratch_, part.data(), part.size());
      }
    }
    calls_.end_mac(&key_, &scratch_, tag.data(), tag.size());
    return true;
  }

 private:
  Calls calls_;
  alignas(64) gcm_key_data key_;
  gcm_context_data scratch_;
};

class ChaChaPoly final : public AeadEngine {
 public:
  ChaChaPoly(const IMB_MGR& manager, ConstBytes key) : manager_(manager) {
    CopyBytes(key_, key);
  }

  ~ChaChaPoly() override {
    Cleanse(key_);
    CleanseObject(scratch_);
  }

  bool Seal(ConstBytes nonce, ConstBytes aad, Bytes octets,
            Bytes tag) override {
    if (!Begin(nonce, aad) || !Has(octets) || !Has(tag)) {
      return false;
    }
    if (!octets.empty()) {
      manager_.chacha20_poly1305_enc_update(
          key_.data(), &scratch_, octets.data(), octets.data(), octets.size());
    }
    manager_.chacha20_poly1305_finalize(&scratch_, tag.data(), tag.size());
    return true;
  }

  bool Open(ConstBytes nonce, ConstBytes aad, Bytes octets,
            ConstBytes tag) override {
    if (!Begin(nonce, aad) || !Has(octets)) {
      return false;
    }
    if (!octets.empty()) {
      manager_.chacha20_poly1305_dec_update(
          key_.data(), &scratch_, octets.data(), octets.data(), octets.size());
    }
    std::array<std::uint8_t, kLargestTag> computed;
    manager_.chacha20_poly1305_finalize(&scratch_, computed.data(),
                                        computed.size());
    return ConstantTimeEqual(computed, tag);
  }

 private:
  bool Begin(ConstBytes nonce, ConstBytes aad) {
    if (!Has(nonce) || !Has(aad)) {
      return false;
    }
    manager_.chacha20_poly1305_init(key_.data(), &scratch_, nonce.data(),
                                    aad.data(), aad.size());
    return true;
  }

  const IMB_MGR& manager_;
  alignas(64) std::array<std::uint8_t, 32> key_;
  alignas(64) chacha20_poly1305_context_data scratch_;  // of one message
};

}  // namespace

std::unique_ptr<AeadEngine> MakeAead(Encryption algorithm, ConstBytes key) {
  const IMB_MGR* const manager = DirectCalls();
  if (manager == nullptr) {
    return nullptr;
  }
  switch (algorithm) {
    case Encryption::kAesGcm16:
    case Encryption::kAesGcm12:
    case Encryption::kAesGcm8:
    case Encryption::kAesGcm16Iiv:
      return std::make_unique<Gcm>(*manager, key);
    case Encryption::kChaCha20Poly1305:
    case Encryption::kChaCha20Poly1305Iiv:
      return std::make_unique<ChaChaPoly>(*manager, key);
    default:
      return nullptr;
  }
}

std::unique_ptr<GmacEngine> MakeGmac(ConstBytes key) {
  const IMB_MGR* const manager = DirectCalls();
  return manager != nullptr ? std::make_unique<Gmac>(*manager, key) : nullptr;
}

}  // namespace postern::ipsec_mb
