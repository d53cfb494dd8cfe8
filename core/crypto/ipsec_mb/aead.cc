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
};

Calls CallsFor(const IMB_MGR& manager, std::size_t key_size) {
  switch (key_size) {
    case IMB_KEY_128_BYTES:
      return {manager.gcm128_pre, manager.gcm128_enc, manager.gcm128_dec};
    case IMB_KEY_192_BYTES:
      return {manager.gcm192_pre, manager.gcm192_enc, manager.gcm192_dec};
    default:
      return {manager.gcm256_pre, manager.gcm256_enc, manager.gcm256_dec};
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
    std::array<std::uint8_t, kTagSize> computed;
    calls_.open(&key_, &scratch_, octets.data(), octets.data(), octets.size(),
                nonce.data(), aad.data(), aad.size(), computed.data(),
                computed.size());
    return ConstantTimeEqual(computed, tag);
  }

 private:
  Calls calls_;
  gcm_key_data key_;          // aligned by its type
  gcm_context_data scratch_;  // of one call
};

}  // namespace

std::unique_ptr<AeadEngine> MakeAead(Encryption algorithm, ConstBytes key) {
  const IMB_MGR* const manager = DirectCalls();
  if (algorithm != Encryption::kAesGcm16 || manager == nullptr) {
    return nullptr;
  }
  return std::make_unique<Gcm>(*manager, key);
}

}  // namespace postern::ipsec_mb
